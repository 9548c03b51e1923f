"""`helm` of an ImageSetConfiguration -> charts that somebody wants, with the images that they name.

Source: oc-mirror `internal/pkg/api/v2alpha1/type_config.go`: Helm, Repository, Chart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from orchestrator.errors import Location, RefusedInput
from orchestrator.mirroring.expressions import Expression
from orchestrator.mirroring.image_paths import ImagePath, parse_image_path
from orchestrator.mirroring.wishes import Wish, listed_platforms, wish
from orchestrator.plain_text import shown

# A chart's name by Helm (`helm lint`), and the characters of a version or a range.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)
_VERSION = re.compile(r"[A-Za-z0-9.+<>=~^*|, -]*", re.ASCII)
# No login before the host: nobody wants one in a message.
_URL = re.compile(r"(?:https?|oci)://(?P<host>[^/@?#\s]+)(?P<path>(?:/[^@?#\s]*)?)")
_CHART_KEYS = {"name", "version", "path", "imagePaths", "platforms"}


@dataclass(frozen=True, slots=True)
class ChartWish:
    """A chart of a repository (`https://…` with an index.yaml, or `oci://…`), or of this machine by its `path`.

    `version` is one, a range, or "" for the newest. `image_paths` are places of images beside the usual ones. Images in
    which one of `blocked` is found are left behind. It is rendered for `kubernetes_version` ("" for what helm takes).
    """

    name: str
    repository: str = ""
    version: str = ""
    path: str = ""
    image_paths: tuple[ImagePath, ...] = ()
    platforms: tuple[str, ...] = ()
    blocked: tuple[Expression, ...] = ()
    where: Location | None = None
    kubernetes_version: str = ""

    @property
    def is_oci(self) -> bool:
        """Is it kept in a registry already?"""
        return self.repository.startswith("oci://")

    def place(self, tag: str) -> Wish:
        """The chart as an image of its repository's host: `https://charts.example.com/stable` ->
        `charts.example.com/stable/NAME:TAG`. Raises RefusedInput where no reference can say that.
        """
        match = _URL.fullmatch(self.repository)
        host, path = (match["host"], match["path"].strip("/")) if match else ("", "")
        found = wish("/".join(part for part in (host, path, self.name) if part) + f":{tag}", self.where)
        if found.image.domain != host:
            raise RefusedInput(
                f"The chart repository {self.repository} has a host that no image reference can name.",
                why="A chart goes where the route table sends images of its host.",
                remedy="Write the host's whole name, with a dot, or with its port.",
                where=self.where,
            )
        return found


def tag_of_version(version: str) -> str:
    """The tag that Helm pushes a version under: `1.0.0+build` -> `1.0.0_build`."""
    return version.replace("+", "_")


def read_charts(name: str, section: Any, blocked: tuple[Expression, ...]) -> Iterator[ChartWish]:
    """The charts of a `helm` section. Raises RefusedInput with the file's name."""
    if section is None:
        return
    if not isinstance(section, dict) or not section.keys() <= {"repositories", "local"}:
        raise _refused(name, "mirror.helm has more than repositories and local", "Correct or remove it.")
    for repository in _list(name, "repositories", section.get("repositories")):
        url = _url(name, repository.get("url"))
        charts = list(_list(name, "repositories.charts", repository.get("charts")))
        if not charts:
            raise _refused(
                name,
                f"the chart repository {url} names no charts",
                "List them in charts: a whole repository is not taken.",
            )
        for entry in charts:
            yield _chart(name, entry, url, blocked)
    for entry in _list(name, "local", section.get("local")):
        if not isinstance(entry.get("path"), str) or not entry["path"]:
            raise _refused(name, "mirror.helm.local has a chart without a path", "Write path: its folder or .tgz.")
        yield _chart(name, entry, "", blocked)


def _chart(name: str, entry: dict[str, Any], url: str, blocked: tuple[Expression, ...]) -> ChartWish:
    chart = entry.get("name")
    if not isinstance(chart, str) or not _NAME.fullmatch(chart):
        raise _refused(name, f"mirror.helm has a chart named {shown(chart)}", "Write its name as its Chart.yaml does.")
    for key in entry:
        if key not in _CHART_KEYS and entry[key]:
            raise _refused(name, f"the chart {chart} has {str(key)[:100]!a}, which is not done here", "Remove it.")
    version = entry.get("version") or ""
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        raise _refused(name, f"the version of the chart {chart} is {shown(version)}", 'Write it like "1.2.3".')
    paths = []
    named = entry.get("imagePaths")
    if named is not None and not isinstance(named, list):
        raise _refused(name, f"imagePaths of the chart {chart} is {shown(named)}", "Write a list of paths.")
    for text in named or ():
        try:
            paths.append(parse_image_path(text if isinstance(text, str) else ""))
        except ValueError as error:
            raise _refused(
                name,
                f"imagePaths of the chart {chart} has {shown(text)}: {error}",
                'Write it like "{.spec.images[*].image}", or list the images in additionalImages.',
            ) from error
    path, where = "" if url else entry["path"], Location(name)
    platforms = listed_platforms(entry.get("platforms"), where)
    return ChartWish(chart, url, version.strip(), path, tuple(paths), platforms, blocked, where)


def _url(name: str, url: Any) -> str:
    if not isinstance(url, str) or not _URL.fullmatch(url):
        raise _refused(
            name,
            "mirror.helm has a repository whose url is not http(s)://HOST/… or oci://HOST/…",
            "Write the address without a login: helm registry login, or helm repo add, keeps that.",
        )
    return url.rstrip("/")


def _list(name: str, key: str, entries: Any) -> Iterator[dict[str, Any]]:
    if entries is not None and not isinstance(entries, list):
        raise _refused(name, f"mirror.helm.{key} is no list", "Write one - for each entry.")
    for entry in entries or ():
        if not isinstance(entry, dict):
            raise _refused(name, f"mirror.helm.{key} has an entry that is no mapping", "Write keys and values.")
        yield entry


def _refused(name: str, what: str, remedy: str) -> RefusedInput:
    return RefusedInput(f"{name}: {what}.", remedy=remedy, where=Location(name))
