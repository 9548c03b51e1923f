"""Admission reviews for tests, and what becomes of a Pod by their answer."""

from __future__ import annotations

import base64
import copy
import json
from typing import Any

from orchestrator.environment.model import Environment
from orchestrator.routes.build import build_route_table
from orchestrator.swapper.review import Reviewed, SwapRules, Verdict, read_review
from orchestrator.swapper.review_answer import answer_review
from orchestrator.workloads.stays import left_alone

Document = dict[str, Any]
THERE = Verdict(swap=True, reason="there")


def rules_of(environment: Environment, **more: Any) -> SwapRules:
    alone = left_alone(environment.exclude_namespaces, environment.exclude_pods, None)
    return SwapRules(build_route_table(environment), alone, **more)


def pod(**spec: Any) -> Document:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": spec}


def containers(*images: str) -> list[Document]:
    return [{"name": f"c{index}", "image": image} for index, image in enumerate(images)]


def review(of: object, before: object = None, version: str = "v1", **request: Any) -> Document:
    """A review of `of`: its creation, or its update from `before`."""
    return {
        "apiVersion": f"admission.k8s.io/{version}",
        "kind": "AdmissionReview",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "namespace": "shop",
            "operation": "CREATE" if before is None else "UPDATE",
            "object": of,
            "oldObject": before,
            **request,
        },
    }


def reviewed(document: object, rules: SwapRules, verdict: Verdict | None = THERE) -> Reviewed:
    """Both stages; every look finds `verdict`."""
    admission = read_review(document, rules)
    found = {image.target: verdict for image in admission.looks} if verdict else {}
    return answer_review(admission, rules, found)


def operations(answer: Document) -> list[Document]:
    text = answer["response"].get("patch")
    assert (text is None) == ("patchType" not in answer["response"])
    found: list[Document] = json.loads(base64.b64decode(text)) if text else []
    return found


def patched(document: Document, answer: Document) -> Document:
    """The object after the answer's patch, by RFC 6902."""
    result = copy.deepcopy(document["request"]["object"])
    for operation in operations(answer):
        *way, last = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]]
        there: Any = result
        for part in way:
            there = there[int(part)] if isinstance(there, list) else there[part]
        key: Any = int(last) if isinstance(there, list) else last
        match operation["op"]:
            case "replace":
                assert key in there or isinstance(there, list)
                there[key] = operation["value"]
            case "add":
                assert isinstance(there, dict)
                there[key] = operation["value"]
            case "remove":
                del there[key]
            case other:
                raise AssertionError(other)
    assert isinstance(result, dict)
    return result
