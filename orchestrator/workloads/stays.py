"""Why a redirected image still comes from its source: a policy left it, or never saw it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import translate
from typing import Literal

from orchestrator.environment.pods import COMPARING_OPERATORS, ComparingOperator, PodSelector, parse_pod_selector

Why = Literal["namespace", "static Pod", "operator", "labels", "before the policy", "no policy", "not redirected"]


@dataclass(frozen=True, slots=True, order=True)
class Stay:
    """One reason: `what` says it for people, `remedy` what would send the image to ECR."""

    why: Why
    what: str
    remedy: str


@dataclass(frozen=True, slots=True)
class PolicyFound:
    """The environment's admission policy in the cluster: since when, or that there is none, or that nobody could say."""

    since: datetime | None = None
    known: bool = True


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """What an environment's policies leave alone, and the policy that the cluster has; None where nobody looked."""

    namespaces: Sequence[str] = ()
    selectors: Mapping[str, PodSelector] = field(default_factory=dict)
    policy: PolicyFound | None = None
    _is_left: Callable[[str], object] = field(init=False, repr=False, compare=False)
    # A Pod with none of these labels is selected by none. None where a selector needs no label.
    _labels: frozenset[str] | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        patterns = "|".join(translate(one) for one in self.namespaces)
        object.__setattr__(self, "_is_left", re.compile(patterns or r"(?!)").match)
        wanted = [one.label for one in self.selectors.values()]
        object.__setattr__(self, "_labels", None if None in wanted else frozenset(wanted))

    def of_template(self, namespace: str, labels: Mapping[str, object]) -> Stay | None:
        """Why Pods with these labels will not be redirected when they are made. A label that is no text is none."""
        if self._is_left(namespace):
            return Stay(
                "namespace",
                f"namespace {namespace} is left alone",
                "Take it out of exclude_namespaces, or write ECR's name.",
            )
        if self._labels is not None and self._labels.isdisjoint(labels):
            return None
        held = {key: value for key, value in labels.items() if isinstance(value, str)}
        for text, selector in self.selectors.items():
            if selector.matches(held):
                operator = next((one for one in COMPARING_OPERATORS if one.selector == text), None)
                if operator is not None:
                    return of_operator(operator)
                return Stay("labels", f"Pods with {text} are left alone", "Write ECR's name where the Pod comes from.")
        return None

    def of_pod(
        self, namespace: str, labels: Mapping[str, str], *, mirror: bool, created: datetime | None
    ) -> Stay | None:
        """Why a Pod that runs was not redirected; None where nobody looked for the policy."""
        if mirror:
            return Stay(
                "static Pod", "a static Pod, which its node runs from a file", "Write ECR's name into that file."
            )
        stay = self.of_template(namespace, labels)
        if stay is not None or self.policy is None or not self.policy.known:
            return stay
        if self.policy.since is None:
            return Stay(
                "no policy", "no policy of this environment is in the cluster", "Apply `orchestrator manifests`."
            )
        if created is None or created <= self.policy.since:
            return Stay(
                "before the policy", "the Pod is older than the policy", "Remake the Pod: kubectl rollout restart."
            )
        return Stay(
            "not redirected", "the policy did not redirect the Pod", "Look at the API server's log, then remake it."
        )

    def of_resource(self, group: str, kind: str, namespace: str) -> Stay | None:
        """Why an image that a custom resource names will not be redirected."""
        resource = f"{group}/{kind}"
        operator = next((one for one in COMPARING_OPERATORS if one.resource == resource), None)
        if operator is not None and operator.selector in self.selectors:
            return of_operator(operator)
        return self.of_template(namespace, {})


def of_operator(operator: ComparingOperator) -> Stay:
    """The stay of Pods whose operator compares their image."""
    return Stay(
        "operator",
        f"{operator.name} compares images, so that its Pods are left alone",
        f"Write ECR's name in {operator.field} of its {operator.resource}.",
    )


def left_alone(namespaces: Sequence[str], pods: Sequence[str], policy: PolicyFound | None) -> LeftAlone:
    """What `exclude_namespaces` and `exclude_pods` leave alone."""
    parsed = {text: parse_pod_selector(text) for text in pods}
    return LeftAlone(namespaces, {text: one for text, one in parsed.items() if one is not None}, policy)
