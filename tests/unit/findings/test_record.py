"""Records of what was reported: nobody reads a finding twice, and no finding is lost."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.findings.event import SEVERITIES, Finding, rank
from orchestrator.findings.record import TAKE_OVER_SECONDS, Record, dump_record, parse_record

NOW = 1_000_000.0


def finding(name: str = "a", severity: str = "HIGH", fixed: str = "", at: float = 0.0) -> Finding:
    return Finding(name, severity, fixed=fixed, at=at)


def tell(record: Record, *findings: Finding, in_use: bool = False, now: float = NOW) -> tuple[Record, dict[str, str]]:
    """(the record after somebody told what is new, what that was)."""
    why = record.news(findings, in_use=in_use, now=now)
    begun = record.begin([each for each in findings if each.identity in why], in_use=in_use, now=now)
    return record.with_begun(begun).finish(begun), why


def begin(record: Record, *findings: Finding, in_use: bool = False, now: float = NOW) -> Record:
    return record.with_begun(record.begin(findings, in_use=in_use, now=now))


def news(record: Record, *findings: Finding, in_use: bool = False, now: float = NOW) -> dict[str, str]:
    return record.news(findings, in_use=in_use, now=now)


def test_two_that_report_at_once_do_not_forget_each_other() -> None:
    a, b = Record().begin([finding("a")], in_use=False, now=NOW), Record().begin([finding("b")], in_use=False, now=NOW)
    record = Record().with_begun(a).with_begun(b)
    assert news(record, finding("a"), finding("b"), finding("c")) == {"c": "new"}
    assert news(record.finish(b), finding("a"), finding("b")) == {}
    assert news(record.finish(b).release(a), finding("a"), finding("b")) == {"a": "new"}


def test_what_was_begun_and_not_finished_is_anybodys_before_lambda_calls_again() -> None:
    record = begin(Record(), finding())
    assert news(record, finding(), now=NOW + TAKE_OVER_SECONDS - 1) == {}
    assert news(record, finding(), now=NOW + 60) == {"a": "new"}


def test_who_knows_more_tells_it_while_another_is_about_to_tell_less() -> None:
    less = Record().begin([finding()], in_use=False, now=NOW)
    record = Record().with_begun(less)
    assert news(record, finding(), in_use=True) == {"a": "it is in use now"}
    more = record.begin([finding()], in_use=True, now=NOW + 1)
    record = record.with_begun(more)
    assert news(record.release(less), finding(), in_use=True) == {}, "somebody else is about to tell it"
    for settled in (
        record.finish(less).finish(more),
        record.finish(more).finish(less),
        record.release(less).finish(more),
    ):
        assert news(settled, finding(), in_use=True, now=NOW + 100) == {}
    assert news(record.finish(less).release(more), finding(), in_use=True) == {"a": "it is in use now"}


def test_what_was_told_is_not_forgotten_while_something_else_is_about_to_be_told() -> None:
    record, _ = tell(Record(), finding(severity="CRITICAL", fixed="1.1"))
    record = begin(record, finding(), in_use=True)
    assert news(record, finding(severity="CRITICAL", fixed="1.1"), in_use=True) == {}


@pytest.mark.parametrize(
    ("later", "in_use", "why"),
    [
        (finding(severity="CRITICAL"), False, "its severity was HIGH"),
        (finding(fixed="1.1"), False, "a fix has appeared"),
        (finding(), True, "it is in use now"),
        (finding(), False, None),
        (finding(severity="MEDIUM"), False, None),
    ],
)
def test_news_are_a_higher_severity_a_fix_and_use(later: Finding, in_use: bool, why: str | None) -> None:
    record, _ = tell(Record(), finding())
    record, told = tell(record, later, in_use=in_use)
    assert told == ({"a": why} if why else {})
    assert news(record, later, finding(), in_use=in_use) == {}


EVENTS = st.lists(
    st.tuples(st.sampled_from(SEVERITIES), st.sampled_from(["", "1.1"]), st.booleans()), min_size=1, max_size=5
)


@given(events=EVENTS, again=st.data())
def test_events_in_any_order_and_number_end_in_the_same_record(
    events: list[tuple[str, str, bool]], again: st.DataObject
) -> None:
    """And everything that matters was told: the last message that says it is not missing."""
    ends = []
    for order in (events, again.draw(st.permutations([*events, *events]))):
        record = Record()
        told: list[tuple[str, str, bool]] = []
        for severity, fixed, in_use in order:
            record, why = tell(record, finding(severity=severity, fixed=fixed), in_use=in_use)
            told += [(severity, fixed, in_use)] if why else []
        ends.append(record)
        assert max(rank(severity) for severity, _, _ in told) == max(rank(severity) for severity, _, _ in events)
        assert any(fixed for _, fixed, _ in told) == any(fixed for _, fixed, _ in events)
        assert any(in_use for _, _, in_use in told) == any(in_use for _, _, in_use in events)
        # Severities, a fix, and use: no more messages than steps upwards.
        assert len(told) <= len(SEVERITIES) + 2
    assert ends[0] == ends[1]


def test_what_was_closed_and_is_back_is_told_once_whenever_the_events_come() -> None:
    first, back = finding(at=1.0), finding(at=3.0)
    for order in permutations(["closed", "closed", "back", "back", "late"]):
        record, why = tell(Record(), first)
        assert why == {"a": "new"}
        number = 0
        for step in order:
            if step == "closed":
                record = record.close(["a"], 2.0)
            else:
                record, why = tell(record, back if step == "back" else first)
                assert why in ({}, {"a": "it was closed and is back"})
                number += len(why)
        # Where it came back before anybody heard of the closing, it may never have been away for who reads.
        assert number == 1 or (number == 0 and order.index("back") < order.index("closed"))


def test_who_was_told_before_it_was_closed_is_told_what_it_is_when_it_is_back() -> None:
    record, _ = tell(Record(), finding(severity="CRITICAL", fixed="1.1", at=1.0), in_use=True)
    record, why = tell(record.close(["a"], 2.0), finding(at=3.0))
    assert why == {"a": "it was closed and is back"}
    assert news(record, finding(severity="CRITICAL", at=3.0)) == {"a": "its severity was HIGH"}


def test_closing_what_nobody_was_told_of_changes_nothing() -> None:
    assert Record().close(["a"], 2.0) == Record()


def test_a_record_is_read_as_it_was_written_and_one_that_is_broken_is_none() -> None:
    record, _ = tell(Record(), finding("x", at=1.0), finding("y"))
    record = begin(record.close(["x"], 2.0), finding("a"))
    assert parse_record(dump_record(record)) == record
    for broken in (b"", b"{", b"[]", b"null", b'{"reported": 1}', b'{"told": [], "begun": []}', b'{"told": {"a": 1}}'):
        assert parse_record(broken) == Record()
