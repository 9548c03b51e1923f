"""Kyverno ClusterPolicy (kyverno.io/v1) for Kyverno before 1.17: Pods on CREATE, one image at a time.

JMESPath has no functions of one's own; an image's way through the table is a chain of context variables per element.
Kyverno puts the value of an inner `{{ variable }}` into an outer expression as text. Nothing gets there before the
grammar's pattern has let it through, and a valid reference holds neither quotes nor braces.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.manifests import grammar
from orchestrator.manifests.document import Bundle, dump_yaml
from orchestrator.manifests.metadata import ORIGINAL_ANNOTATION, metadata
from orchestrator.manifests.scopes import needs_more, scopes
from orchestrator.routes import RouteTable

if TYPE_CHECKING:
    from orchestrator.environment import Environment

# In no table, and harmless inside other expressions: what stands in for text that is no reference.
INVALID = "invalid.invalid/invalid"
# (field of the Pod's spec, expression of the element's image, path of the image below the element)
CREATED = (
    ("containers", "element.image", "image"),
    ("initContainers", "element.image", "image"),
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


def element_context(table: RouteTable, image: str) -> list[dict[str, Any]]:
    """Context variables of one element, whose image the expression `image` names; `target` is empty when it is left alone."""
    canonical = "hosted"
    for alias, name in sorted(table.aliases.items()):
        escaped = alias.replace(".", r"\.")
        canonical = f"regex_replace_all('^{escaped}/', {canonical}, '{name}/')"
    return [
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
        _variable("below", "regex_replace_all('^{{ entry.key }}', join('', [canonical, '/']), '')"),
        _variable(
            "repository",
            "entry.repository != null && !(entry.itself == 'leave' && below == '') && "
            "!(entry.digests == 'leave' && contains(image, '@')) && "
            f"length(path) <= `{grammar.PATH_LIMIT}` && "
            "regex_replace_all('/$', join('', [entry.repository, below]), '') || ''",
        ),
        _variable(
            "target",
            f"repository != '' && length(repository) <= `{grammar.ECR_LIMIT}` && "
            f"join('', ['{table.registry_host}/', repository, suffix]) || ''",
        ),
    ]


def _foreach(table: RouteTable, field: str, image: str, path: str, *, added_only: bool = False) -> dict[str, Any]:
    conditions: list[dict[str, Any]] = [{"key": "{{ target }}", "operator": "NotEquals", "value": ""}]
    if added_only:
        # An ephemeral container cannot be changed once it is there.
        held = "request.oldObject.spec.ephemeralContainers[].name || `[]`"
        conditions.append({"key": "{{ element.name }}", "operator": "AnyNotIn", "value": f"{{{{ {held} }}}}"})
    return {
        "list": f"request.object.spec.{field} || `[]`",
        "context": element_context(table, image),
        "preconditions": {"all": conditions},
        "patchesJson6902": dump_yaml_list(
            {"op": "replace", "path": f"/spec/{field}/{{{{elementIndex}}}}/{path}", "value": "{{ target }}"}
        ),
    }


def dump_yaml_list(*items: dict[str, str]) -> str:
    """Patches as the YAML text that Kyverno takes."""
    lines = []
    for item in items:
        for position, (key, value) in enumerate(item.items()):
            lines.append(f"{'- ' if position == 0 else '  '}{key}: {value!r}".replace("'", '"'))
    return "\n".join(lines) + "\n"


def _rule(environment: Environment, table: RouteTable, *, name: str, kind: str, operation: str) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "name": name,
        "match": {"any": [{"resources": {"kinds": [kind], "operations": [operation]}}]},
    }
    if environment.exclude_namespaces:
        rule["exclude"] = {"any": [{"resources": {"namespaces": list(environment.exclude_namespaces)}}]}
    rule["context"] = [{"name": "routes", "variable": {"value": table_entries(table)}}]
    return rule


def _annotate(environment: Environment, table: RouteTable) -> dict[str, Any]:
    """Rule that keeps the images of a Pod as they were written; it goes first, and never overwrites."""
    rule = _rule(environment, table, name="keep-original-images", kind="Pod", operation="CREATE")
    del rule["context"]
    written = "request.object.spec.[initContainers, containers][].image | join(',', @)"
    rule["mutate"] = {
        "patchStrategicMerge": {"metadata": {"annotations": {f"+({ORIGINAL_ANNOTATION})": f"{{{{ {written} }}}}"}}}
    }
    return rule


def document(environment: Environment, table: RouteTable, *, annotate: bool = False) -> dict[str, Any]:
    """The ClusterPolicy."""
    created = _rule(environment, table, name="redirect-pods", kind="Pod", operation="CREATE")
    created["mutate"] = {"foreach": [_foreach(table, field, image, path) for field, image, path in CREATED]}
    debugged = _rule(
        environment, table, name="redirect-ephemeral-containers", kind="Pod/ephemeralcontainers", operation="UPDATE"
    )
    debugged["mutate"] = {
        "foreach": [_foreach(table, "ephemeralContainers", "element.image", "image", added_only=True)]
    }
    head = metadata(environment, f"{environment.cluster_name}-ecr-images")
    annotations = head["annotations"]
    assert isinstance(annotations, dict)
    # Pods only: a redirected Deployment shows as drift in Argo CD, and its Pods would be redirected twice.
    annotations["pod-policies.kyverno.io/autogen-controllers"] = "none"
    return {
        "apiVersion": "kyverno.io/v1",
        "kind": "ClusterPolicy",
        "metadata": head,
        "spec": {
            "background": False,
            "failurePolicy": environment.failure_policy,
            "rules": [*([_annotate(environment, table)] if annotate else []), created, debugged],
        },
    }


def kyverno(environment: Environment, table: RouteTable, *, annotate: bool = False) -> Bundle:
    """Target `kyverno`."""
    name = f"{environment.cluster_name}-ecr-images"
    notes = [
        "Kyverno deprecated ClusterPolicy in 1.17 and removes it in 1.20: from 1.17 on, use the target kyverno-cel."
    ]
    if annotate:
        notes.append("The annotation holds every image of the Pod as written, redirected or not.")
    return Bundle(
        target="kyverno",
        files={"policy.yaml": dump_yaml(document(environment, table, annotate=annotate))},
        resources=("policy.yaml",),
        notes=tuple(notes),
        apply=("kubectl apply -k .",),
        verify=(
            f"kubectl get clusterpolicy {name}",
            "kubectl run ecr-check --image=IMAGE --dry-run=server -o jsonpath='{.spec.containers[0].image}'",
        ),
        rollback=("kubectl delete -k .   # running Pods keep the images that they have",),
    )
