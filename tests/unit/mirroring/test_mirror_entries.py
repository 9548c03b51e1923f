"""Entries of mirrors: prefixes that ECR takes, and files that keep every byte of what stood in them."""

from __future__ import annotations

import pytest

from orchestrator.environment.tfvars import parse_tfvars
from orchestrator.mirroring.mirror_entries import entry_lines, prefixes_for, with_mirrors

ENTRIES = {"mcr-microsoft": "mcr.microsoft.com", "gcr": "gcr.io"}


@pytest.mark.parametrize(
    ("registry", "prefix"),
    [
        ("mcr.microsoft.com", "mcr-microsoft"),
        ("gcr.io", "gcr"),
        ("registry.redhat.io", "redhat"),
        ("registry.access.redhat.com", "access-redhat"),
        ("docker.elastic.co", "elastic"),
        ("us-docker.pkg.dev", "us-docker-pkg"),
        ("localhost:5000", "localhost"),
        ("127.0.0.1:5000", "127-0-0-1"),
        ("[::1]:5000", "mirror-x"),
        ("a.example.com", "a-example"),
        ("x", "mirror-x"),
        ("a-very-long-name-of-a-registry.of.a-company.example", "a-very-long-name-of-a-registry"),
    ],
)
def test_a_prefix_says_where_its_images_come_from(registry: str, prefix: str) -> None:
    assert prefixes_for([registry], ()) == {prefix: registry}


def test_prefixes_do_not_meet() -> None:
    assert prefixes_for(["gcr.io", "gcr.dev", "gcr.io"], {"gcr-2"}) == {"gcr": "gcr.io", "gcr-3": "gcr.dev"}
    long = "a-very-long-name-of-a-registry"
    (found,) = prefixes_for([f"{long}.example.com"], {long})
    assert len(found) <= 30


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", None),
        ('cluster_name = "x" # ours', None),
        ('# all\nmirrors = { # copied\n  # by hand\n  quay = { source = "quay.io" } # q\n}\nx = 1\n', 2),
        ("mirrors = {}\nx = 1\n", 1),
        ("mirrors = {\n}\n", 1),
        ('mirrors = { quay = { source = "quay.io" } } # q\n', 1),
        ('mirrors={quay={source="quay.io"},k8s={source="registry.k8s.io"}}', 1),
        ('x = 1\r\nmirrors = {\r\n  quay = { source = "quay.io" }\r\n}\r\n', 2),
        ('mirrors = { quay = {\n  source = "quay.io" }\n}\n', 1),
    ],
)
def test_entries_are_put_in_and_nothing_else_changes(text: str, line: int | None) -> None:
    changed = with_mirrors(text, line, ENTRIES)
    assert changed is not None
    before, after = parse_tfvars(text, "a.tfvars").values, parse_tfvars(changed, "a.tfvars").values
    mirrors = {**before.get("mirrors", {}), **{prefix: {"source": source} for prefix, source in ENTRIES.items()}}  # type: ignore[dict-item]
    assert after == {**before, "mirrors": mirrors}
    position = 0
    for character in text.replace(" ", ""):
        position = changed.index(character, position) + 1
    assert ("\r\n" in text) == ("\r\n" in changed)
    assert "\n" not in changed.replace("\r\n", "") or "\r\n" not in text


def test_a_map_that_begins_in_another_way_is_left_alone() -> None:
    assert with_mirrors("mirrors = /* ours */ {}\n", 1, ENTRIES) is None
    assert with_mirrors("x = 1\n", 1, ENTRIES) is None


def test_a_prefix_that_begins_with_a_digit_is_written_in_quotes() -> None:
    entries = {"111122223333-dkr": "111122223333.dkr.ecr.eu-west-1.amazonaws.com", "gcr": "gcr.io"}
    assert entry_lines(entries)[1] == 'gcr                = { source = "gcr.io" }'
    text = with_mirrors("mirrors = {}\n", 1, entries)
    assert text is not None
    assert parse_tfvars(text, "x.tfvars").values["mirrors"] == {k: {"source": v} for k, v in entries.items()}
