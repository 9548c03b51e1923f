"""Odd Pods on a real API server: its native policy, the webhook's answer and the table say the same of each."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from orchestrator.swapper.review import read_review
from orchestrator.swapper.review_answer import answer_review
from tests.cluster.api_server import ApiServer
from tests.cluster.pods import Document
from tests.cluster.redirecting import policy_engine, redirecting
from tests.references_table import environment
from tests.unit.swapper.odd_reviews import Odd, apply_patch, entries_of, expected
from tests.unit.swapper.reviews import THERE, operations, review, rules_of

pytestmark = pytest.mark.cluster

OF = environment("standard")
RULES = rules_of(OF)
PODS = 60


def images(pod: Any) -> dict[str, str]:
    return {place: image for _, _, place, image in entries_of(pod)}


def by_webhook(document: Document) -> dict[str, str]:
    """{place: image} after the webhook's patch, where every look finds the image."""
    admission = read_review(document, RULES)
    answer = answer_review(admission, RULES, {image.target: THERE for image in admission.looks}).document
    return images(apply_patch(document["request"]["object"], operations(answer)))


def test_policy_webhook_and_table_agree_on_odd_pods_and_their_updates(api_server: ApiServer) -> None:
    namespace = api_server.create_namespace()
    path = f"/api/v1/namespaces/{namespace}/pods"
    with redirecting(api_server, policy_engine("native"), OF, namespace):
        for seed in range(PODS):
            odd = Odd(seed)
            pod = odd.legal_pod(namespace)
            asked = review(pod, namespace=namespace)
            made = api_server.request("POST", path, pod)
            wanted = images(pod) | expected(asked, RULES.table, ())
            assert (images(made), by_webhook(asked)) == (wanted, wanted), seed
            changed = odd.change(made)
            asked = review(changed, copy.deepcopy(made), namespace=namespace)
            after = api_server.request("PUT", f"{path}/{made['metadata']['name']}?dryRun=All", changed)
            wanted = images(changed) | expected(asked, RULES.table, ())
            assert (images(after), by_webhook(asked)) == (wanted, wanted), seed
