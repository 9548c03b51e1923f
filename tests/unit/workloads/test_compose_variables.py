"""Compose's variables with the `.env` beside a file: what each image is, where it is written, and what changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.files.image_rewrite import propose
from orchestrator.files.image_scan import PlacedImage, scan
from orchestrator.workloads.find import find_images
from orchestrator.workloads.vicinity import Vicinity

OWN = "own.example/mirror"


def to_own(reference: str) -> str | None:
    """Everything of ghcr.io, and nginx, is sent elsewhere."""
    if reference.startswith("ghcr.io/"):
        return reference.replace("ghcr.io", OWN)
    return f"{OWN}/library/{reference}" if reference.startswith("nginx:") else None


def written(folder: Path, variables: str, *images: str, more: str = "") -> Path:
    services = "".join(f"  s{number}:\n    image: {image}\n" for number, image in enumerate(images))
    (folder / "compose.yaml").write_bytes(f"services:\n{services}{more}".encode())
    (folder / ".env").write_bytes(variables.encode())
    return folder


def uses(folder: Path) -> dict[str, list[tuple[str, int, int, str]]]:
    found: dict[str, list[tuple[str, int, int, str]]] = {}
    for use in sorted(scan([str(folder)]).uses, key=_order):
        found.setdefault(use.reference, []).append((Path(use.file).name, use.line, use.column, use.field))
    return found


def _order(use: PlacedImage) -> tuple[str, int]:
    return use.file, use.line


def after(folder: Path) -> dict[str, str]:
    return {change.task.path.name: change.texts()[1] for change in propose([str(folder)], to_own).changes}


@pytest.mark.parametrize(
    ("variables", "image", "reference"),
    [
        ("TAG=1.2", "a/b:${TAG}", "a/b:1.2"),
        ("TAG=1.2", "a/b:$TAG", "a/b:1.2"),
        ("TAG=1.2 # why", "a/b:${TAG:-3}", "a/b:1.2"),
        ("TAG=1#2", "a/b:${TAG}", None),
        ('export TAG="1.2" # why', "a/b:${TAG}", "a/b:1.2"),
        ("TAG: '1.2'", "a/b:${TAG-3}", "a/b:1.2"),
        ("TAG=", "a/b:${TAG:-3}", "a/b:3"),
        ("TAG=", "a/b:${TAG-3}", None),
        ("", "a/b:${TAG-3}", "a/b:3"),
        ("TAG=1", "a/b:2${TAG:+-slim}", "a/b:2-slim"),
        ("TAG=", "a/b:2${TAG:+-slim}", "a/b:2"),
        ("TAG=", "a/b:2${TAG+-slim}", "a/b:2-slim"),
        ("", "a/b:2${TAG+-slim}", "a/b:2"),
        ("TAG=1", "a/b:${TAG:?say which}", "a/b:1"),
        ("", "a/b:${TAG:?say which}", None),
        ("", "a/b:${TAG}", None),
        ("TAG=1\nTAG=2", "a/b:${TAG}", "a/b:2"),
        ("A=1\nTAG=${A}.2", "a/b:${TAG}", "a/b:1.2"),
        ("A=1\nTAG='${A}.2'", "a/b:${TAG}", None),
        ("TAG=${A}.2\nA=1", "a/b:${TAG}", None),
        ("W=a/b:${A}\nA=1", "${W}", None),
        ("B=7", "a/b:${TAG:-${B}}", "a/b:7"),
        ("B=c/d:1", "${B:+${B-x}}", "c/d:1"),
        ("TAG=1", "a/b:$$TAG", None),
        ("A=ng", "${A}inx:1", None),
        ("A=a/b\r\nTAG=1\r\n", "${A}:${TAG}", "a/b:1"),
    ],
)
def test_variables_are_filled_in_as_compose_does(variables: str, image: str, reference: str | None) -> None:
    text = f"services:\n  a:\n    image: {image}\n"
    found = find_images("compose.yaml", text, beside=Vicinity(variables=variables))
    assert [place.reference for place in found.places] == ([] if reference is None else [reference])
    assert bool(found.unreadable) is (reference is None)


def test_an_image_is_found_and_rewritten_once_where_it_is_written(tmp_path: Path) -> None:
    folder = written(
        tmp_path,
        "# é\nWEB=ghcr.io/a/web:1 # why\nREG='ghcr.io/b'\nAPI=${REG}/api:${TAG}\nTAG=\nDB=\"nginx\"\nTAG=3\n",
        *("${WEB}", "${WEB:-x}", "${DB}:${TAG}", "ghcr.io/c/d:${TAG:-4}", "${REG}/worker:1"),
    )
    assert uses(folder) == {
        "ghcr.io/a/web:1": [(".env", 2, 5, "WEB")],
        "ghcr.io/b/worker:1": [(".env", 3, 6, "REG"), ("compose.yaml", 11, 19, "services.s4.image")],
        "ghcr.io/c/d:3": [("compose.yaml", 9, 12, "services.s3.image")],
        "nginx:3": [(".env", 6, 5, "DB")],
    }
    changed = after(folder)
    assert changed[".env"] == (folder / ".env").read_text("utf-8").replace("ghcr.io", OWN).replace(
        "nginx", f"{OWN}/library/nginx"
    )
    assert changed["compose.yaml"] == (folder / "compose.yaml").read_text().replace("ghcr.io/c", f"{OWN}/c")
    for name, text in changed.items():
        (folder / name).write_bytes(text.encode())
    assert after(folder) == {}
    assert set(uses(folder)) == {f"{OWN}/a/web:1", f"{OWN}/b/worker:1", f"{OWN}/c/d:3", f"{OWN}/library/nginx:3"}


def test_a_registry_that_an_image_needs_as_it_is_stays_for_all(tmp_path: Path) -> None:
    folder = written(tmp_path, "REG=ghcr.io/b\n", "${REG}/worker:1", "${REG}/web:2")
    proposal = propose([str(folder)], lambda one: to_own(one) if "worker" in one else None)
    assert not proposal.changes
    assert [left.reason for left in proposal.left] == [
        "ghcr.io/b/worker:1: it shares its registry with an image that stays"
    ]


@pytest.mark.parametrize(
    "more",
    ["  p:\n    build: .\n    image: ${REG}/app:1\n", "  p:\n    image: x:1\n    environment:\n      REG: ${REG}\n"],
)
def test_a_variable_with_another_use_stays(tmp_path: Path, more: str) -> None:
    folder = written(tmp_path, "REG=ghcr.io/b\n", "${REG}/worker:1", more=more)
    assert "ghcr.io/b/worker:1" in uses(folder)
    assert after(folder) == {}


def test_an_image_of_another_file_is_shown_where_it_is_used(tmp_path: Path) -> None:
    folder = written(tmp_path, "WEB=ghcr.io/a/web:1\n", "${WEB}")
    (use,) = scan([str(folder / "compose.yaml")]).uses
    assert (use.reference, use.line, use.column, use.consent) == ("ghcr.io/a/web:1", 3, 12, "never")


def test_a_compose_file_of_any_name_has_its_variables(tmp_path: Path) -> None:
    folder = written(tmp_path, "WEB=ghcr.io/a/web:1\n")
    (folder / "compose.yaml").rename(folder / "stack.yml")
    (folder / "stack.yml").write_text("services:\n  a:\n    image: ${WEB}\n")
    (folder / "other.yaml").write_text("services: [broken\n")
    assert [*uses(folder)] == ["ghcr.io/a/web:1"]
    assert after(folder)[".env"] == f"WEB={OWN}/a/web:1\n"
