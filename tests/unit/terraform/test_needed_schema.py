"""A provider's schema is cut by types, and every other byte of it stays."""

from __future__ import annotations

import pytest

from orchestrator.terraform.needed_schema import UnreadableSchema, has_diagnostics, named_types, needed_schema


def packed(number: int, content: bytes) -> bytes:
    """One field of a protocol buffer: its number and kind, its length, its content."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])


def entry(number: int, name: str, size: int = 5) -> bytes:
    return packed(number, packed(1, name.encode()) + packed(2, b"s" * size))


PROVIDER, CAPABILITIES, FUNCTION = packed(1, b"p" * 300), packed(6, b"\x08\x01"), entry(7, "arn_parse")


def test_types_that_nobody_names_are_left_out_and_all_else_stays() -> None:
    used, large = entry(2, "aws_ecr_repository"), entry(2, "aws_iam_role", 20_000)
    looked_up = entry(3, "aws_partition")
    answer = PROVIDER + used + entry(2, "aws_instance", 900) + looked_up + large + entry(3, "aws_ami") + FUNCTION
    answer += entry(8, "aws_secret") + CAPABILITIES
    kept = needed_schema(answer, {"aws_ecr_repository", "aws_iam_role", "aws_partition"})
    assert kept == PROVIDER + used + looked_up + large + FUNCTION + CAPABILITIES


def test_a_type_that_begins_like_another_is_another() -> None:
    assert needed_schema(entry(2, "aws_ecr_repository_policy"), {"aws_ecr_repository"}) == b""


def test_words_of_a_configuration_and_a_state_are_its_types() -> None:
    texts = [
        'resource "aws_ecr_repository" "this" {}\n',
        '{"data": {"aws_iam_role": {}}}',
        'x = data.aws_ami.a["b"].id',
    ]
    assert {"aws_ecr_repository", "aws_iam_role", "aws_ami"} <= named_types(texts)
    assert "resource" not in named_types(texts)


@pytest.mark.parametrize(
    "broken",
    [b"\x08\x01", packed(2, b"x" * 50)[:-1], b"\x12", b"\xff" * 12, packed(2, b"\x0a\x7fshort")],
    ids=["a number", "cut off", "no length", "an endless number", "an entry that is cut off"],
)
def test_another_message_is_refused(broken: bytes) -> None:
    with pytest.raises(UnreadableSchema):
        needed_schema(PROVIDER + broken, frozenset())


def test_what_the_provider_complains_about_is_seen() -> None:
    assert has_diagnostics(PROVIDER + packed(4, b"x"))
    assert not has_diagnostics(PROVIDER + CAPABILITIES)
