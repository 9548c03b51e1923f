"""A kubectl that serves an API from the files beside it; the tests copy it there and write what it is to answer.

`<path>.json` is a list of pages, each a list of items or {"error": ...}, by the number in the token; or {"answer": text},
{"error": text} in place of a list. `uid`, `policy`, `kinds`, `config` and `down` say what else this cluster has.
"""

from __future__ import annotations

import json
import sys
import urllib.parse
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
NO_RESOURCE = "Error from server (NotFound): the server could not find the requested resource"
FORBIDDEN = "Error from server (Forbidden): is forbidden"


class RefusalError(Exception):
    """What goes to standard error, with exit code 1."""


def text(name: str) -> str | None:
    file = HERE / name
    return file.read_text("utf-8") if file.exists() else None


def config() -> str:
    found = text("config")
    if found is None:
        raise RefusalError("error: current-context must exist in order to minify")
    return found


def kube_system() -> str:
    uid = text("uid")
    if uid is None:
        raise RefusalError(FORBIDDEN if text("down") is None else "Unable to connect to the server")
    return json.dumps({"metadata": {"name": "kube-system", "uid": uid}})


def discovery(path: str, kinds: dict[str, Any]) -> str:
    if path != "/apis":
        return json.dumps({"resources": kinds[path]})
    versions = [path.split("/")[2:] for path in kinds]
    groups = dict.fromkeys(group for group, _ in versions)
    return json.dumps(
        {
            "groups": [
                {"name": group, "versions": [{"version": version} for of, version in versions if of == group]}
                for group in groups
            ]
        }
    )


def policy(path: str) -> str:
    since = text("policy")
    if "mutatingadmission" not in path or since is None:
        raise RefusalError(NO_RESOURCE)
    if since == "forbidden":
        raise RefusalError(FORBIDDEN)
    return json.dumps({"metadata": {"creationTimestamp": since}})


def listed(address: str) -> str:
    url = urllib.parse.urlsplit(address)
    query = urllib.parse.parse_qs(url.query)
    assert query["limit"] == ["500"]
    name = url.path.strip("/").replace("/", "_") + ".json"
    found = text(name)
    if found is None and ("openshift" in url.path or "argoproj" in url.path):
        raise RefusalError(NO_RESOURCE)
    pages = [[]] if found is None else json.loads(found)
    if isinstance(pages, dict):
        if "answer" in pages:
            return str(pages["answer"])
        raise RefusalError(pages["error"])
    number = int(query.get("continue", ["0"])[0])
    page = pages[number]
    if isinstance(page, dict):
        # Once: who asks again gets the list.
        (HERE / name).write_text(json.dumps([entry for entry in pages if not isinstance(entry, dict)]), "utf-8")
        raise RefusalError(page["error"])
    more = str(number + 1) if number + 1 < len(pages) else ""
    return json.dumps({"items": page, "metadata": {"continue": more}})


def answer(arguments: list[str]) -> str:
    if "config" in arguments:
        return config()
    path = arguments[-1]
    kinds = json.loads(text("kinds") or "{}")
    if path == "/api/v1/namespaces/kube-system":
        return kube_system()
    if path == "/apis" or path in kinds:
        return discovery(path, kinds)
    return policy(path) if "policies/" in path else listed(path)


def main() -> None:
    with (HERE / "calls").open("a", encoding="utf-8") as calls:
        calls.write(" ".join(sys.argv[1:]) + "\n")
    try:
        said = answer(sys.argv[1:])
    except RefusalError as refusal:
        sys.exit(str(refusal))
    sys.stdout.write(said + "\n")


if __name__ == "__main__":
    main()
