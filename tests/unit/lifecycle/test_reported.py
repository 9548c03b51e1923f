"""Records of what was reported: nobody reads a finding twice, and no finding is lost."""

from __future__ import annotations

from orchestrator.lifecycle.reported import TAKE_OVER_SECONDS, Record, dump_record, parse_record

NOW = 1_000_000.0


def of(*names: str) -> frozenset[str]:
    return frozenset(names)


def test_two_that_report_at_once_do_not_forget_each_other() -> None:
    record = Record().begin(of("a"), NOW).begin(of("b"), NOW + 1)
    assert record.fresh(of("a", "b", "c"), NOW + 2) == {"c"}
    assert record.finish(of("b")).fresh(of("a", "b"), NOW + 2) == set()
    assert record.finish(of("b")).release(of("a")).fresh(of("a", "b"), NOW + 2) == {"a"}


def test_what_was_begun_and_not_finished_is_anybodys_before_lambda_calls_again() -> None:
    record = Record().begin(of("a"), NOW)
    assert record.fresh(of("a"), NOW + TAKE_OVER_SECONDS - 1) == set()
    assert record.fresh(of("a"), NOW + 60) == {"a"}


def test_a_record_is_read_as_it_was_written_and_one_that_is_broken_is_none() -> None:
    record = Record(of("x")).begin(of("a"), NOW)
    assert parse_record(dump_record(record)) == record
    for broken in (b"", b"{", b"[]", b'{"reported": 1}', b'{"reported": [], "begun": []}'):
        assert parse_record(broken) == Record()
