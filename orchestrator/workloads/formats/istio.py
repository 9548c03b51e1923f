"""Istio's hub: a registry with a namespace, before images of one word that the values or Istio's charts name.

Its charts compose `hub/image:tag-variant`. Each of the three comes from the component's own values, else from `global`.
Source: the templates of istio/istio, manifests/charts (`.Values.hub | default .Values.global.hub`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from orchestrator.workloads.formats.helm_scalars import printed
from orchestrator.workloads.place import Found, ImagePlace, Parts, Unreadable, below, filled_in_later
from orchestrator.workloads.references import composed, has_domain, is_reference
from orchestrator.workloads.yaml_tree import Node, Scalar, YamlMapping

FORMAT = "helm"
# The image that a component's chart puts behind its hub, where the values name none.
_TOLD_BY = "pilot"
_COMPONENTS = {
    "pilot": "pilot",
    "cni": "install-cni",
    "ztunnel": "ztunnel",
    "proxy": "proxyv2",
    "proxy_init": "proxyv2",
    "ingressGateways": "proxyv2",
    "egressGateways": "proxyv2",
}
# Istio's own charts hold all their values below one key that users leave out.
_DEFAULTS = "_internal_defaults_do_not_set"


@dataclass(frozen=True, slots=True)
class Hub:
    """A hub, its tag where one is written, and what follows the tag: `distroless`."""

    hub: Scalar
    tag: Scalar | None = None
    variant: str = ""


def read_hub(entries: dict[str, Node], beside: Hub | None = None) -> Hub | None:
    """The hub of one mapping; what it does not say comes from the hub `beside` it. None where neither says one."""
    hub, tag = _given(entries.get("hub")), _given(entries.get("tag"))
    hub = hub or (beside.hub if beside else None)
    variant = printed(entries.get("variant")) or (beside.variant if beside else "")
    return None if hub is None else Hub(hub, tag or (beside.tag if beside else None), variant)


def global_hub(root: Node) -> Hub | None:
    """`global.hub`, which goes before every image that is one word. Without `global.tag` only a registry's name is one."""
    for _, holder in _holders(root):
        whole = holder.entries().get("global")
        hub = read_hub(whole.entries()) if isinstance(whole, YamlMapping) else None
        if hub is not None and (hub.tag is not None or has_domain(f"{printed(hub.hub)}/")):
            return hub
    return None


def find_hubs(text: str, root: Node, found: Found, path: str) -> None:
    """Add the hubs of a values document that stand before no image which the values name: its charts name them."""
    whole = global_hub(root)
    for where, key, node in _components(root):
        own = node.entries()
        # At the top anything may be called a hub.
        if "image" not in own and (key or ("tag" in own and has_domain(f"{printed(own.get('hub'))}/"))):
            add_hub(text, own, found, below(path, where) if where else path, component_image(key), whole)


def _components(root: Node) -> Iterator[tuple[str, str, YamlMapping]]:
    """(path, key, mapping) of what may have an own hub: a chart's values, `global`, and the components in both."""
    for where, holder in _holders(root):
        yield where, "", holder
        whole = holder.entries().get("global")
        if isinstance(whole, YamlMapping):
            yield below(where, "global"), "global", whole
        for parent, place in ((holder, where), (whole, below(where, "global"))):
            for key, node in parent.entries().items() if isinstance(parent, YamlMapping) else ():
                if key in _COMPONENTS and isinstance(node, YamlMapping):
                    yield below(place, key), key, node


def add_hub(
    text: str, entries: dict[str, Node], found: Found, path: str, image: str = "", beside: Hub | None = None
) -> None:
    """Add a mapping's own hub to `found`, told by the image `image` (pilot), unless an image has it already."""
    hub = read_hub(entries, beside)
    if hub is None or entries.get("hub") is not hub.hub:
        return
    part, tag = hub.hub.part(text), printed(hub.tag)
    if any(place.parts.registry == part for place in found.places) or not (tag or has_domain(f"{printed(hub.hub)}/")):
        return
    if tag and hub.variant:
        tag = f"{tag}-{hub.variant}"
    reference = composed(printed(hub.hub), image or _TOLD_BY, tag, "")
    problem = filled_in_later(reference, part.start)
    if problem is not None:
        found.unreadable.append(problem)
    elif is_reference(reference):
        parts = Parts(registry=part, tag=hub.tag.part(text) if hub.tag is not None else None)
        found.places.append(ImagePlace(below(path, "hub"), FORMAT, reference, parts))


def unnamed(text: str, entries: dict[str, Node], key: str) -> Unreadable | None:
    """A hub with a tag of no component that is known: nothing here says which image follows."""
    hub = _given(entries.get("hub"))
    known = key in _COMPONENTS or key in {"", "global"}
    if known or hub is None or {"image", "repository"} & entries.keys() or not printed(entries.get("tag")):
        return None
    if not has_domain(printed(hub)):
        return None
    return Unreadable(hub.part(text).start, "the chart names the image behind this hub", printed(hub))


def component_image(key: str) -> str:
    """The image by which a component's hub is told."""
    return _COMPONENTS.get(key, _TOLD_BY)


def _holders(root: Node) -> Iterator[tuple[str, YamlMapping]]:
    if isinstance(root, YamlMapping):
        yield "", root
        defaults = root.entries().get(_DEFAULTS)
        if isinstance(defaults, YamlMapping):
            yield _DEFAULTS, defaults


def _given(node: Node | None) -> Scalar | None:
    return node if isinstance(node, Scalar) and printed(node) else None
