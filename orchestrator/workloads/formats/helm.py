"""Images in the values of Helm charts, in every form that charts give them.

A form is a set of keys in one mapping: `image: a/b:c`; `repository` with `tag`, `registry`, `digest`; `image` beside
`tag`; `fooImage` beside `fooTag`. The text that Helm prints for a scalar counts, not the one that is written (`tag:
1.10` is 1.1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from orchestrator.workloads.formats import istio
from orchestrator.workloads.formats.helm_scalars import printed, printed_otherwise
from orchestrator.workloads.formats.inner_yaml import text_images
from orchestrator.workloads.formats.istio import Hub
from orchestrator.workloads.place import (
    HOSTED_SCHEME,
    Found,
    ImagePlace,
    Part,
    Parts,
    Unreadable,
    below,
    filled_in_later,
)
from orchestrator.workloads.references import (
    composed,
    has_domain,
    has_version,
    is_file,
    is_reference,
    looks_like_image,
)
from orchestrator.workloads.vicinity import NOTHING, Vicinity
from orchestrator.workloads.yaml_tree import Node, Scalar, YamlList, YamlMapping

FORMAT = "helm"
# Names of keys, lower case and without separators, in the order in which they are looked for.
_REPOSITORIES = ("repository", "repo", "imagerepository", "imagerepo", "imagename", "image", "name")
_TAGS = ("tag", "imagetag", "version", "imageversion", "defaulttag")
_DIGESTS = ("digest", "imagedigest", "sha", "sha256", "imagesha")
_REGISTRIES = ("registry", "imageregistry", "imagehost", "hub", "host", "domain")
_BESIDE = frozenset({*_TAGS, *_DIGESTS, *_REGISTRIES, "pullpolicy", "imagepullpolicy", "pullsecrets", "pullsecret"})
# These alone do not make a mapping an image: charts of everything else have them too.
_WEAK = frozenset({"version", "host", "domain", "hub", "sha", "name"})
_IMAGE_KEY = re.compile(r"(?:.*[a-z0-9_.-])?images?|.*images?[-_]?(?:ref|reference|url|uri)?", re.I)
_SCHEMES = ("docker://", HOSTED_SCHEME)


@dataclass(frozen=True, slots=True)
class Chart:
    """What stands beside a values file, and what the values say for all images."""

    beside: Vicinity = NOTHING
    registry: Scalar | None = None
    hub: Hub | None = None
    default_registry: Scalar | None = None
    host: Scalar | None = None
    """A host that the chart puts before the registry of each image."""


def find_in_values(text: str, root: Node, found: Found, path: str = "", beside: Vicinity = NOTHING) -> None:
    """Add the images of a values document to `found`; `path` stands before the fields' names."""
    chart = Chart(beside, _global_registry(root), istio.global_hub(root), _default_registry(root), _host(root))
    _Values(text, found, chart).walk(root, path, "")
    istio.find_hubs(text, root, found, path)


def split_image(text: str, node: YamlMapping, path: str, key: str) -> Iterator[ImagePlace]:
    """The image that one mapping composes, if it does."""
    place = _Values(text, Found(), Chart()).composed(node, path, key)
    if isinstance(place, ImagePlace):
        yield place


def _global_registry(root: Node) -> Scalar | None:
    """The registry that goes before every image of a chart, when it is set."""
    if not isinstance(root, YamlMapping):
        return None
    entries = root.entries()
    whole = entries.get("global")
    for holder in (whole, root):
        if not isinstance(holder, YamlMapping):
            continue
        own = holder.entries()
        image = own.get("image")
        candidates = [own.get("imageRegistry"), own.get("image_registry")]
        if holder is whole:
            candidates += [
                own.get("registry"),
                image.entries().get("registry") if isinstance(image, YamlMapping) else None,
            ]
        for candidate in candidates:
            if isinstance(candidate, Scalar) and printed(candidate):
                return candidate
    return None


def _host(root: Node) -> Scalar | None:
    """`registryFQDN`, which AppsCode's charts put before a registry that is an organisation."""
    entries = root.entries() if isinstance(root, YamlMapping) else {}
    for holder in (entries.get("global"), root):
        host = holder.entries().get("registryFQDN") if isinstance(holder, YamlMapping) else None
        if isinstance(host, Scalar) and printed(host):
            return host
    return None


def _default_registry(root: Node) -> Scalar | None:
    """The registry of a chart's `image` that names no image itself: images whose own registry is empty take it."""
    image = root.entries().get("image") if isinstance(root, YamlMapping) else None
    own = image.entries() if isinstance(image, YamlMapping) else {}
    registry = own.get("registry")
    named = any(printed(value) for key, value in own.items() if _plainly(key) in _REPOSITORIES)
    return registry if isinstance(registry, Scalar) and printed(registry) and not named else None


def _plainly(key: str) -> str:
    return key.lower().replace("_", "").replace("-", "")


class _Values:
    def __init__(self, text: str, found: Found, chart: Chart) -> None:
        self._text = text
        self._found = found
        self._chart = chart
        self._seen: set[int] = set()

    def walk(self, node: Node, path: str, key: str) -> None:
        if isinstance(node, Scalar) or id(node) in self._seen:
            return
        self._seen.add(id(node))
        if isinstance(node, YamlList):
            for index, item in enumerate(node.items):
                where = f"{path}[{index}]"
                if isinstance(item, Scalar):
                    for place in text_images(self._text, item, where):
                        self._note(place)
                    if _plainly(key).endswith("images") and looks_like_image(_bare(item.value)):
                        self._inline(item, where)
                else:
                    self.walk(item, where, key)
            return
        self._mapping(node, path, key)
        for name, value in node.own_entries():
            if isinstance(value, Scalar):
                for place in text_images(self._text, value, below(path, name)):
                    self._note(place)
            self.walk(value, below(path, name), name)

    def _mapping(self, node: YamlMapping, path: str, key: str) -> None:
        """Find the images that this mapping writes itself."""
        place = None if self._chart.hub is not None and "hub" in node.entries() else self.composed(node, path, key)
        entries = node.entries()
        place = place or istio.unnamed(self._text, entries, key)
        if place is not None:
            self._note(place)
        for name, value in entries.items():
            if not isinstance(value, Scalar):
                continue
            if name == "image" and self._of_hub(entries, value, below(path, name)):
                continue
            if _plainly(key) in {"images", "relatedimages"} and looks_like_image(_bare(value.value)):
                self._inline(value, below(path, name))
            elif _is_image_key(name):
                in_list = key.lower().endswith("containers") and path.endswith("]")
                self._beside(entries, name, value, path, certain=in_list)

    def _of_hub(self, entries: dict[str, Node], value: Scalar, path: str) -> bool:
        """Whether an image is a word to which the chart's hub and tag belong, its own where it has some. Then it is noted."""
        hub = istio.read_hub(entries, self._chart.hub)
        word = printed(value)
        if self._chart.hub is None or hub is None or not is_reference(word) or {*"/:@"} & {*word}:
            return False
        if word != "auto":
            parts = {"registry": hub.hub, "repository": value} | ({} if hub.tag is None else {"tag": hub.tag})
            self._note(self._compose(parts, path, "image", hub.variant))
        return True

    def _beside(self, entries: dict[str, Node], name: str, value: Scalar, path: str, *, certain: bool) -> None:
        """`fooImage`, with its version in `fooImageTag` or `fooTag` beside it, or whole."""
        text = _bare(printed(value))
        if not text or " " in text:
            return
        stem = re.sub(r"[-_]?images?(?:[-_]?(?:name|ref|url|uri))?$", "", name, flags=re.I)
        wanted = {_plainly(stem + tail) for tail in ("ImageTag", "Tag", "ImageVersion", "Version")}
        wanted |= {_plainly(name + tail) for tail in ("Tag", "Version")}
        tags = [other for other in entries if other != name and _plainly(other) in wanted]
        tag = entries[tags[0]] if tags else None
        problem = filled_in_later(text, value.part(self._text).start)
        if problem is not None:
            self._note(problem)
        elif isinstance(tag, Scalar) and not has_version(text) and printed(tag):
            self._note(self._compose({"repository": value, "tag": tag}, below(path, name), name))
        elif looks_like_image(text) or (
            is_reference(text) and (certain or _certain(entries) or _is_path(name, text, versioned=tag is not None))
        ):
            self._inline(value, below(path, name))

    def composed(self, node: YamlMapping, path: str, key: str) -> ImagePlace | Unreadable | None:
        """The image that the keys of one mapping write together, None when they write none."""
        entries = node.entries()
        named = {_plainly(name): value for name, value in entries.items() if isinstance(value, Scalar)}
        repository_key = next((name for name in _REPOSITORIES if printed(named.get(name))), None)
        if repository_key is None:
            return None
        of_image = bool(_IMAGE_KEY.fullmatch(key))
        beside = (_BESIDE & named.keys()) - ({repository_key})
        strong = beside - _WEAK
        if has_domain(f"{printed(named.get('hub'))}/"):
            strong |= {"hub"}
        text = printed(named[repository_key])
        if repository_key == "name" and not (of_image and beside - {"name"}):
            return None
        if repository_key == "image" and not (
            strong & {*_TAGS, *_DIGESTS, *_REGISTRIES} or (key and "version" in beside)
        ):
            return None
        if repository_key in {"repository", "repo"} and not (strong or (of_image and beside) or of_image):
            return None
        if repository_key == "repo" and not of_image and not strong & {*_TAGS, *_DIGESTS}:
            return None
        if " " in text or text.startswith(("http://", "https://", "git@", "ssh://", "git://", "s3://")):
            return None
        if of_image and printed(named.get("org")):
            start = named[repository_key].part(self._text).start
            return Unreadable(start, "`org` stands between its registry and its repository", text)
        if not of_image:
            # Everything has hosts and domains; beside a name alone they are no registry.
            named = {name: value for name, value in named.items() if name not in {"host", "domain"}}
        parts: dict[str, Scalar] = {"repository": named[repository_key]}
        for part, names in (("registry", _REGISTRIES), ("tag", _TAGS), ("digest", _DIGESTS)):
            value = next((named[name] for name in names if name in named and name != repository_key), None)
            if value is not None and not printed(value) and part == "registry":
                value = self._chart.default_registry
            if value is not None and printed(value):
                parts[part] = value
        if repository_key in {"repository", "repo"} and of_image and printed(named.get("name")):
            parts = _with_name(parts, named["name"])
        if "image" in named and repository_key in {"repository", "repo"} and printed(named["image"]):
            parts = _with_name(parts, named["image"])
        variant = printed(named.get("variant")) if "hub" in named else ""
        return self._compose(parts, below(path, "image") if repository_key == "image" else path, key, variant)

    def _compose(self, parts: dict[str, Scalar], path: str, key: str, variant: str = "") -> ImagePlace | Unreadable:
        if not self._chart.beside.reads_registry:
            parts = {name: part for name, part in parts.items() if name != "registry"}
        registry = parts.get("registry")
        whole = self._chart.registry if self._chart.beside.reads_registry else None
        repository = _bare(printed(parts["repository"]))
        if whole is not None and (registry is not None or not has_domain(repository)):
            registry = whole
            parts = {**parts, "registry": whole}
        host = self._chart.host
        if host is not None and not has_domain(f"{printed(registry)}/" if registry else repository):
            parts = {**parts, "host": host}
        tag = printed(parts.get("tag"))
        digest = printed(parts.get("digest"))
        if has_version(repository):
            tag, digest = "", ""
            parts = {name: part for name, part in parts.items() if name not in {"tag", "digest"}}
        node = parts["repository"]
        for part in parts.values():
            problem = filled_in_later(printed(part), node.part(self._text).start, printed(node))
            if problem is not None:
                return problem
        empty = not tag and not digest and not has_version(repository)
        if empty and self._chart.beside.app_version:
            tag = self._chart.beside.app_version
        if tag and variant:
            tag = f"{tag}-{variant}"
        before = "/".join(filter(None, (printed(parts.get("host")), printed(registry))))
        reference = composed(before, repository, tag, digest)
        changed = parts.get("tag") and printed_otherwise(parts["tag"])
        warnings: tuple[str, ...] = ()
        if changed:
            warnings = (f"Without quotes the tag {parts['tag'].value} is a number: {changed} is pulled.",)
        made = {
            name: self._part(part)
            for name, part in parts.items()
            if name in {"host", "registry", "repository", "tag", "digest"}
        }
        return ImagePlace(path or key, FORMAT, reference, Parts(**made), warnings=warnings)

    def _part(self, node: Scalar) -> Part:
        part = node.part(self._text)
        for scheme in _SCHEMES:
            if part.value.startswith(scheme):
                value, hosted = part.value.removeprefix(scheme), scheme == HOSTED_SCHEME
                return replace(part, start=part.start + len(scheme), value=value, hosted=hosted)
        return replace(part, value=printed(node))

    def _inline(self, node: Scalar, path: str) -> None:
        part = self._part(node)
        value = part.value.strip()
        problem = filled_in_later(value, node.part(self._text).start)
        self._note(problem or ImagePlace(path, FORMAT, value, Parts(image=part)))

    def _note(self, place: ImagePlace | Unreadable) -> None:
        if isinstance(place, Unreadable):
            self._found.unreadable.append(place)
            return
        mark = -place.anchor.start - 1
        if mark in self._seen:
            return
        self._seen.add(mark)
        self._found.places.append(place)


def _with_name(parts: dict[str, Scalar], name: Scalar) -> dict[str, Scalar]:
    """`repository: quay.io/org` with `name: app` beside it: the first stands where a registry would."""
    last = printed(parts["repository"]).rpartition("/")[2].partition(":")[0]
    if "registry" in parts or last == printed(name).rpartition("/")[2] or not is_reference(printed(name)):
        return parts
    return {**parts, "registry": parts["repository"], "repository": name}


def _is_image_key(name: str) -> bool:
    return bool(_IMAGE_KEY.fullmatch(name)) or _plainly(name).endswith("imagename")


def _certain(entries: dict[str, Node]) -> bool:
    """Whether one word among these is an image: what stands beside it is a container's or an image's."""
    beside = {_plainly(other) for other in entries}
    return bool(
        beside & {"pullpolicy", "imagepullpolicy", "command", "args", "env", "ports", "volumemounts", "resources"}
    )


def _is_path(name: str, text: str, *, versioned: bool) -> bool:
    """Whether a name without version is an image by its key: `image`, or one with a version's key beside it."""
    return (name == "image" or versioned) and "/" in text and not is_file(text)


def _bare(text: str) -> str:
    for scheme in _SCHEMES:
        if text.startswith(scheme):
            return text.removeprefix(scheme)
    return text
