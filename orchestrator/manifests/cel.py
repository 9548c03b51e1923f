"""The route table as CEL: variables and JSON patches shared by native policies and Kyverno's MutatingPolicy.

CEL has no functions of one's own and no regular expression replacement. One image's way through the table is spread
over variables that are lists with the same indexes. They are `images` (as written), `before` (what stood there before this
request). Then come its name, host, repository, key in the table, and last `targets` (the image to run). An image that the table
leaves alone, or that this request does not change, keeps its place and text.
Keys are looked up by depth instead of trying every route, which keeps the policy far below the cost budget.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from orchestrator.environment.pods import PodSelector, Requirement
from orchestrator.manifests import grammar
from orchestrator.manifests.metadata import ORIGINAL_IMAGE, ORIGINAL_VOLUME_IMAGE
from orchestrator.routes.reference import PATH_LIMIT
from orchestrator.routes.scopes import Scope, needs_more, scopes
from orchestrator.routes.table import RouteTable

# (field of the Pod's spec, expression of an element's image, path of the image below the element)
_CONTAINER_IMAGE = "has(c.image) ? c.image : ''"
_VOLUME_IMAGE = "has(c.image) && has(c.image.reference) ? c.image.reference : ''"
KINDS = (
    ("containers", _CONTAINER_IMAGE, "image"),
    ("initContainers", _CONTAINER_IMAGE, "image"),
    ("ephemeralContainers", _CONTAINER_IMAGE, "image"),
    ("volumes", _VOLUME_IMAGE, "image/reference"),
)
FIELDS = tuple(field for field, _, _ in KINDS)


def text(value: str) -> str:
    """A CEL string literal."""
    return json.dumps(value, ensure_ascii=False)


def raw(pattern: str) -> str:
    """A CEL raw string literal: backslashes stand for themselves."""
    return f"r'{pattern}'"


def mapping(pairs: dict[str, str]) -> str:
    """A CEL map literal of expressions, one entry a line."""
    if not pairs:
        return "{}"
    return "{\n" + ",\n".join(f"  {text(key)}: {value}" for key, value in pairs.items()) + "\n}"


# What an entry of the table says after its repository.
_DIGESTS_STAY = "digests stay"
_ITSELF_STAYS = "itself stays"


# A map without entries has no type, and what is looked up in it none either. No name has an empty key.
_NO_KEYS = {"": '[""]'}


def _entry(scope: Scope, *, leave_digests: bool) -> str:
    """What the table says of one key: where it lives (with its leading slash) and exceptions. Empty for what is left alone."""
    if scope.route is None:
        return "[]"
    entry = [f"/{scope.repository}" if scope.repository else ""]
    if leave_digests and scope.route.kind == "pull-through":
        entry.append(_DIGESTS_STAY)
    if needs_more(scope):
        entry.append(_ITSELF_STAYS)
    return "[" + ", ".join(map(text, entry)) + "]"


def variables(table: RouteTable) -> list[dict[str, str]]:
    """The policy's variables, in the order in which they build on each other."""
    found = scopes(table)
    leave = table.digest_references == "leave"
    keys = {str(scope.source): _entry(scope, leave_digests=leave) for scope in found}
    depths = sorted({len(scope.source.path.split("/")) if scope.source.path else 0 for scope in found}, reverse=True)
    patterns = ", ".join(raw(grammar.key_pattern(depth)) for depth in depths)
    aliases = mapping({alias: text(canonical) for alias, canonical in sorted(table.aliases.items())})
    images = " +\n".join(
        f"(has(object.spec.{field}) ? object.spec.{field}.map(c, {image}) : [])" for field, image, _ in KINDS
    )
    # Of the object that the request changes, by name: an update must not touch what it does not change.
    held = ",\n".join(
        # Kyverno has an object without anything in it where Kubernetes has none.
        f"  oldObject != null && has(oldObject.spec) && has(oldObject.spec.{field}) ? "
        f"oldObject.spec.{field}.transformMapEntry(x, c, {{c.name: {image}}}) : {{}}"
        for field, image, _ in KINDS
    )
    before = " +\n".join(
        f"(has(object.spec.{field}) ? object.spec.{field}.map(c, "
        f"c.name in variables.held[{position}] ? variables.held[{position}][c.name] : '') : [])"
        for position, (field, _, _) in enumerate(KINDS)
    )
    hosted = (
        f"variables.names.map(n, n.matches({raw(grammar.HOSTED)}) ? n : 'docker.io/' + n)"
        f".map(n, {{'host': n.find({raw(grammar.HOST)}), 'path': n.substring(n.indexOf('/') + 1)}})"
    )
    canonical = (
        "variables.hosted"
        ".map(n, {'host': n.host in variables.aliases ? variables.aliases[n.host] : n.host, 'path': n.path})"
        ".map(n, {'host': n.host, 'path': n.host == 'docker.io' && !n.path.contains('/') ? 'library/' + n.path : n.path})"
    )
    # The longest key comes first; a name that is in the table under no key has none.
    matched = (
        "variables.canonical.map(n, {'name': [n.host + '/' + n.path], "
        f"'keys': [{patterns}].map(p, (n.host + '/' + n.path).find(p)).filter(k, k in variables.routes)}})"
        ".map(n, {'name': n.name, 'keys': n.keys, 'entry': size(n.keys) == 0 ? [] : variables.routes[n.keys[0]]})"
    )
    valid = (
        f"i.matches({raw(grammar.REFERENCE)}) && !i.matches({raw(grammar.IDENTIFIER)}) && "
        f"size(variables.canonical[x].path) <= {PATH_LIMIT}"
    )
    # Where each image lives: the repository of its key, then what its name has below the key. Empty: left alone.
    repositories = (
        "variables.matched.transformList(x, n, size(n.entry) == 0 || "
        f"({text(_DIGESTS_STAY)} in n.entry && variables.images[x].contains('@')) || "
        f"({text(_ITSELF_STAYS)} in n.entry && n.name[0] == n.keys[0]) ? '' : "
        "n.entry[0] + n.name[0].substring(size(n.keys[0])))"
    )
    targets = (
        "variables.images.transformList(x, i, "
        # The leading slash is not part of the repository's name.
        f"variables.before[x] == i || variables.repositories[x] == '' || size(variables.repositories[x]) > {grammar.ECR_LIMIT + 1} || !({valid}) ? i : "
        f"{text(table.registry_host)} + variables.repositories[x] + i.substring(size(variables.names[x])))"
    )
    return [
        {"name": "routes", "expression": mapping(keys or _NO_KEYS)},
        {"name": "aliases", "expression": aliases},
        {"name": "images", "expression": images},
        {"name": "held", "expression": f"[\n{held}\n]"},
        {"name": "before", "expression": before},
        {"name": "names", "expression": f"variables.images.map(i, i.find({raw(grammar.NAME)}))"},
        {"name": "hosted", "expression": hosted},
        {"name": "canonical", "expression": canonical},
        {"name": "matched", "expression": matched},
        {"name": "repositories", "expression": repositories},
        {"name": "targets", "expression": targets},
    ]


_REDIRECTED = "variables.targets[%(index)s] != variables.images[%(index)s]"
# This request puts another image there, which is not redirected. It leaves the former one's annotation.
# (In a second round the annotation is a new one, and the image already redirected.)
_OUTDATED = (
    "oldObject != null && has(oldObject.metadata) && variables.before[%(index)s] != variables.images[%(index)s] && "
    "variables.targets[%(index)s] == variables.images[%(index)s] && "
    "has(object.metadata.annotations) && has(oldObject.metadata.annotations) && "
    "(%(key)s + c.name) in object.metadata.annotations && (%(key)s + c.name) in oldObject.metadata.annotations && "
    "object.metadata.annotations[%(key)s + c.name] == oldObject.metadata.annotations[%(key)s + c.name]"
)


def _each(field: str, patch: str, condition: str = _REDIRECTED) -> str:
    """One JSON patch for each element of `field` that meets `condition`.

    In both, %(index)s is its place in `images` and %(key)s the beginning of its annotation's key.
    """
    position = FIELDS.index(field)
    index = " + ".join(
        ["x", *(f"(has(object.spec.{before}) ? size(object.spec.{before}) : 0)" for before in FIELDS[:position])]
    )
    values = {"index": index, "key": text(_annotation_key(field))}
    return (
        f"(has(object.spec.{field}) ? object.spec.{field}.transformList(x, c, {condition % values}, "
        f"JSONPatch{{{patch % values}}}) : [])"
    )


def patches(fields: Sequence[str]) -> str:
    """JSON patches that replace the images of `fields` which the table redirects."""
    return " +\n".join(
        _each(
            field,
            f'op: "replace", path: "/spec/{field}/" + string(x) + "/{path}", value: variables.targets[%(index)s]',
        )
        for field, _, path in KINDS
        if field in fields
    )


def annotation_patches() -> str:
    """JSON patches that keep each image that is redirected, as it was written, in an annotation of the Pod.

    The annotation of an image that is no more, and whose successor is not redirected, goes.
    """
    changed = "variables.images.transformList(x, i, variables.targets[x] != i, i)"
    kept = [
        _each(field, f'op: "add", path: "{_annotation_path(field)}" + c.name, value: variables.images[%(index)s]')
        for field in FIELDS
    ]
    gone = [_each(field, f'op: "remove", path: "{_annotation_path(field)}" + c.name', _OUTDATED) for field in FIELDS]
    return (
        f"(size({changed}) == 0 || has(object.metadata.annotations) ? [] : "
        '[JSONPatch{op: "add", path: "/metadata/annotations", value: {}}]) +\n' + " +\n".join([*kept, *gone])
    )


def _annotation_key(field: str) -> str:
    return ORIGINAL_VOLUME_IMAGE if field == "volumes" else ORIGINAL_IMAGE


def _annotation_path(field: str) -> str:
    return "/metadata/annotations/" + _annotation_key(field).replace("/", "~1")


def selected(selectors: Sequence[PodSelector]) -> str:
    """Is the Pod one that any of `selectors` selects?"""
    labels = "[has(object.metadata.labels) ? object.metadata.labels : {}]"
    either = " ||\n".join(
        "(" + " && ".join(_requirement(one) for one in selector.requirements) + ")" for selector in selectors
    )
    return f"{labels}.exists(l,\n{either})"


def _requirement(requirement: Requirement) -> str:
    key = text(requirement.key)
    match requirement.comparison:
        case "Exists":
            return f"{key} in l"
        case "DoesNotExist":
            return f"!({key} in l)"
        case comparison:
            values = "[" + ", ".join(map(text, requirement.values)) + "]"
            negation = "!" if comparison == "NotIn" else ""
            return f"{negation}({key} in l && l[{key}] in {values})"


def annotated(key: str) -> str:
    """Has the Pod an annotation with this key?"""
    return f"has(object.metadata.annotations) && {text(key)} in object.metadata.annotations"


def namespaces_pattern(namespaces: Sequence[str]) -> str:
    """RE2 pattern of the namespaces that are left alone; `*` stands for any characters."""
    # Names of namespaces and `*` hold nothing that a pattern would read differently, apart from the star.
    return "^(?:" + "|".join(name.replace("*", ".*") for name in namespaces) + ")$"
