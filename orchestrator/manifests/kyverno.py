"""Kyverno ClusterPolicy (kyverno.io/v1) for Kyverno before 1.17: Pods on CREATE and UPDATE, one image at a time.

JMESPath has no functions of one's own. An image's way through the table is a chain of context variables per element.
Kyverno puts the value of an inner `{{ variable }}` into an outer expression as text. Nothing gets there before the
grammar's pattern has let it through, and a valid reference holds neither quotes nor braces.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from orchestrator.environment.pods import MIRROR_POD, parse_pod_selector
from orchestrator.manifests import grammar
from orchestrator.manifests.admission import CHECK, NAME, ROLLBACK, left_alone
from orchestrator.manifests.document import TargetFiles, dump_yaml
from orchestrator.manifests.metadata import ORIGINAL_IMAGE, ORIGINAL_VOLUME_IMAGE, metadata, object_name
from orchestrator.manifests.narrowing import label_selector, resource_filters
from orchestrator.routes.reference import PATH_LIMIT
from orchestrator.routes.scopes import needs_more, scopes
from orchestrator.routes.table import RouteTable
from orchestrator.workloads.stages import Stage

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment

# The first Kyverno that takes no ClusterPolicy, and the annotation that says for which ones the document is.
ENDS = "1.20"
VERSIONS = "orchestrator/kyverno-versions"
# In no table, and harmless inside other expressions: what stands in for text that is no reference.
INVALID = "invalid.invalid/invalid"
# (field of the Pod's spec, expression of the element's image, path of the image below the element)
KINDS = (
    ("containers", "element.image", "image"),
    ("initContainers", "element.image", "image"),
    ("ephemeralContainers", "element.image", "image"),
    ("volumes", "element.image.reference", "image/reference"),
)


def table_entries(table: RouteTable) -> list[dict[str, str]]:
    """The table as data, the longest key first. A key ends in `/`, so that it matches at component boundaries only."""
    leave = table.digest_references == "leave"
    entries = []
    for scope in sorted(scopes(table), key=lambda found: (-len(str(found.source)), str(found.source))):
        entry = {"key": f"{scope.source}/"}
        if scope.route is not None:
            entry["repository"] = f"{scope.repository}/" if scope.repository else ""
            entry["digests"] = "leave" if leave and scope.route.kind == "pull-through" else "redirect"
            entry["itself"] = "leave" if needs_more(scope) else "redirect"
        entries.append(entry)
    return entries


def _variable(name: str, expression: str, default: Any = "") -> dict[str, Any]:
    return {"name": name, "variable": {"jmesPath": expression, "default": default}}


def _named(image: str) -> str:
    """The name of an element with its image, as one text; the sign between them is in no name."""
    return f"join('=', [name || '', {image} || ''])"


def element_context(table: RouteTable, field: str, image: str) -> list[dict[str, Any]]:
    """Context variables of one element of `field`, whose image the expression `image` names.

    `target` is empty when the image is left alone, `changed` false when the request does not change it.
    """
    relative = image.removeprefix("element.")
    canonical = "hosted"
    for alias, name in sorted(table.aliases.items()):
        escaped = alias.replace(".", r"\.")
        canonical = f"regex_replace_all('^{escaped}/', {canonical}, '{name}/')"
    return [
        # Of a new Pod everything; of an update what it writes. Nothing is put into the expression as text.
        _variable(
            "changed",
            f"!contains(request.oldObject.spec.{field}[].{_named(relative)} || `[]`, element.{_named(relative)})",
            default=True,
        ),
        _variable(
            "image",
            f"regex_match('{grammar.REFERENCE}', {image} || '') && "
            f"!regex_match('{grammar.IDENTIFIER}', {image} || '') && {image} || '{INVALID}'",
        ),
        _variable("name", "regex_replace_all(':[^/]*$', regex_replace_all('@.*$', image, ''), '')"),
        _variable("suffix", f"regex_replace_all('{grammar.NAME}', image, '')"),
        _variable("hosted", f"regex_match('{grammar.HOSTED}', name) && name || join('/', ['docker.io', name])"),
        _variable("aliased", canonical),
        _variable("canonical", r"regex_replace_all('^docker\.io/([^/]+)$', aliased, 'docker.io/library/$1')"),
        _variable("path", "regex_replace_all('^[^/]+/', canonical, '')"),
        _variable("entry", "routes[?starts_with('{{ canonical }}/', key)] | [0]", {"key": "none"}),
        # What the name has below the key, and the repository that it gets.
        _variable("below", "replace(join('', [canonical, '/']), entry.key, '', `1`)"),
        _variable(
            "repository",
            "entry.repository != null && !(entry.itself == 'leave' && below == '') && "
            "!(entry.digests == 'leave' && contains(image, '@')) && "
            f"length(path) <= `{PATH_LIMIT}` && "
            "regex_replace_all('/$', join('', [entry.repository, below]), '') || ''",
        ),
        _variable(
            "target",
            f"changed && repository != '' && length(repository) <= `{grammar.ECR_LIMIT}` && "
            f"join('', ['{table.registry_host}/', repository, suffix]) || ''",
        ),
    ]


def _foreach(table: RouteTable, field: str, image: str, mutation: dict[str, Any]) -> dict[str, Any]:
    """`mutation` for each element of `field` that is redirected; it may use the variables of `element_context`."""
    return {
        "list": f"request.object.spec.{field} || `[]`",
        "context": element_context(table, field, image),
        "preconditions": {"all": [{"key": "{{ target }}", "operator": "NotEquals", "value": ""}]},
        **mutation,
    }


def _redirect(field: str, path: str) -> dict[str, str]:
    return {
        "patchesJson6902": f'- op: replace\n  path: "/spec/{field}/{{{{elementIndex}}}}/{path}"\n  value: "{{{{ target }}}}"\n'
    }


def _keep(field: str) -> dict[str, Any]:
    key = ORIGINAL_VOLUME_IMAGE if field == "volumes" else ORIGINAL_IMAGE
    return {"patchStrategicMerge": {"metadata": {"annotations": {f"{key}{{{{ element.name }}}}": "{{ image }}"}}}}


def _left_alone(environment: Environment) -> list[dict[str, Any]]:
    """The Pods that any of these describes are left alone."""
    selectors = [selector for text in environment.exclude_pods if (selector := parse_pod_selector(text))]
    found: list[dict[str, Any]] = [{"annotations": {MIRROR_POD: "*"}}]
    found += [{"selector": label_selector(selector)} for selector in selectors]
    if environment.exclude_namespaces:
        found.insert(0, {"namespaces": list(environment.exclude_namespaces)})
    return [{"resources": one} for one in found]


def _rule(
    environment: Environment,
    table: RouteTable,
    *,
    name: str,
    kind: str,
    operations: list[str],
    stages: Sequence[Stage] | None,
) -> dict[str, Any]:
    seen = {"kinds": [kind], "operations": operations}
    filters = [{}] if stages is None else resource_filters(stages)
    rule: dict[str, Any] = {
        "name": name,
        "match": {"any": [{"resources": {**seen, **narrowed}} for narrowed in filters]},
        "exclude": {"any": _left_alone(environment)},
    }
    rule["context"] = [{"name": "routes", "variable": {"value": table_entries(table)}}]
    return rule


def document(
    environment: Environment, table: RouteTable, *, annotate: bool = False, stages: Sequence[Stage] | None = None
) -> dict[str, Any]:
    """The ClusterPolicy."""
    created = _rule(
        environment, table, name="redirect-pods", kind="Pod", operations=["CREATE", "UPDATE"], stages=stages
    )
    # Images are kept before they change.
    kept = [_foreach(table, field, image, _keep(field)) for field, image, _ in KINDS if annotate]
    redirected = [_foreach(table, field, image, _redirect(field, path)) for field, image, path in KINDS]
    created["mutate"] = {"foreach": [*kept, *redirected]}
    debugged = _rule(
        environment,
        table,
        name="redirect-ephemeral-containers",
        kind="Pod/ephemeralcontainers",
        operations=["UPDATE"],
        stages=stages,
    )
    added = _redirect("ephemeralContainers", "image")
    debugged["mutate"] = {"foreach": [_foreach(table, "ephemeralContainers", "element.image", added)]}
    head = metadata(environment, object_name(environment, NAME))
    # https://github.com/kyverno/kyverno/pull/17535, …/pull/17534: legacy kinds end with 1.20.
    head["annotations"][VERSIONS] = f"< {ENDS}"
    # Pods only: a redirected Deployment shows as drift in Argo CD, and its Pods would be redirected twice.
    head["annotations"]["pod-policies.kyverno.io/autogen-controllers"] = "none"
    return {
        "apiVersion": "kyverno.io/v1",
        "kind": "ClusterPolicy",
        "metadata": head,
        "spec": {
            "background": False,
            "failurePolicy": environment.failure_policy,
            "rules": [created, debugged],
        },
    }


def kyverno(
    environment: Environment, table: RouteTable, *, annotate: bool = False, stages: Sequence[Stage] | None = None
) -> TargetFiles:
    """Target `kyverno`."""
    return TargetFiles(
        target="kyverno",
        files={"policy.yaml": dump_yaml(document(environment, table, annotate=annotate, stages=stages))},
        resources=("policy.yaml",),
        notes=(
            f"For Kyverno before {ENDS}. Kyverno deprecated ClusterPolicy in 1.17. Kyverno 1.20 refuses to write one "
            f"and stops its own upgrade while one exists. The policy that is there may no longer redirect, without a "
            f"word. From 1.17 on, use the target kyverno-cel: apply it, then delete this one.",
            *left_alone(environment),
        ),
        apply=("kubectl apply -k .",),
        verify=(CHECK, f"kubectl get clusterpolicy {object_name(environment, NAME)}"),
        rollback=ROLLBACK,
    )
