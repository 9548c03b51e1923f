"""What a Pod's author could do to the webhook: annotations that cost the Pod, labels of metrics without end."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.swapper.filters import compile_filter
from orchestrator.swapper.metrics import SwapMetrics
from orchestrator.swapper.request_tallies import MOST_ROUTES
from orchestrator.swapper.review import ANNOTATION, ANNOTATIONS_LIMIT, SwapRules, read_review
from orchestrator.swapper.review_answer import answer_review
from orchestrator.swapper.swap_config import read_swap_settings
from orchestrator.swapper.swap_targets import open_table
from tests.unit.swapper.reviews import containers, patched, pod, review

TEXT = "target: {aws: {accountId: 123456789012, region: eu-west-1}}"
RULES = SwapRules(open_table(read_swap_settings(TEXT, "k.yaml"), "k.yaml"), looked_at=frozenset())


def answered(annotations: dict[str, str]) -> dict[str, Any]:
    """The Pod as the answer leaves it."""
    whole = pod(containers=containers("quay.io/a/b"))
    whole["metadata"]["annotations"] = annotations
    document = review(whole)
    found: dict[str, Any] = patched(document, answer_review(read_review(document, RULES), RULES, {}).document)
    return found


@pytest.mark.parametrize("letter", ["a", "ü"])
def test_the_annotation_gives_way_where_the_api_would_refuse_the_pod(letter: str) -> None:
    ours = answered({})["metadata"]["annotations"]
    left = ANNOTATIONS_LIMIT - sum(map(len, (*ours, *ours.values())))
    size = len(letter.encode())

    fits = answered({"k": letter * ((left - 1) // size)})
    assert ANNOTATION in fits["metadata"]["annotations"]
    too_much = answered({"k": letter * ((left - 1) // size + 1)})
    assert ANNOTATION not in too_much["metadata"]["annotations"]
    assert too_much["spec"]["containers"][0]["image"].endswith("/quay.io/a/b")


def test_registries_without_end_are_one_label() -> None:
    metrics = SwapMetrics()
    for number in range(MOST_ROUTES + 50):
        document = review(pod(containers=containers(f"r{number}.example/a")))
        admission = read_review(document, RULES)
        metrics.admission(admission, answer_review(admission, RULES, {}).decisions, 0.001)

    lines = [line for line in metrics.text().decode().splitlines() if line.startswith("swapper_decisions_total{")]
    assert len(lines) == MOST_ROUTES + 1
    assert any('route="other"' in line and line.endswith(" 50.0") for line in lines)


def test_what_filters_miss_is_a_metric() -> None:
    metrics = SwapMetrics()
    one = compile_filter("starts_with(obj.metadata.labels.app, 'a')")
    metrics.watch((one,))
    one.skips({}, {})

    assert 'swapper_filter_missed{filter="0",reason="error"} 1.0' in metrics.text().decode()
