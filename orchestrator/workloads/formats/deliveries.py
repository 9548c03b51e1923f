"""Images in what Flux and Argo CD deliver: values of charts, OCI artifacts, and names set for their builds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from orchestrator.workloads.formats import helm, istio
from orchestrator.workloads.formats.chart_settings import nested_settings
from orchestrator.workloads.formats.inner_yaml import inside
from orchestrator.workloads.json_tree import parse_objects
from orchestrator.workloads.place import HOSTED_SCHEME, Found, ImagePlace, Part, Parts, Unreadable, below
from orchestrator.workloads.references import composed, is_reference, looks_like_image, placeholder
from orchestrator.workloads.yaml_tree import BrokenYaml, Node, Scalar, YamlList, YamlMapping

FORMAT = "kubernetes"
DELIVERERS = frozenset(
    {
        *("HelmRelease", "HelmChart", "HelmChartConfig"),
        *("IstioOperator", "Istio", "IstioCNI", "ZTunnel", "IstioRevision"),
        *("Application", "ApplicationSet", "OCIRepository", "Kustomization", "GitLab"),
    }
)
_GATEWAYS = ("ingressGateways", "egressGateways")
_SOURCES = ("spec.source", "spec.sources[]", "spec.template.spec.source", "spec.template.spec.sources[]")
_SOURCE_VALUES = ("helm.valuesObject", "helm.values")
_VALUES = (
    *("spec.values", "spec.valuesContent", "spec.chart.values"),
    *(f"{source}.{values}" for source in _SOURCES for values in _SOURCE_VALUES),
)


def find_in_delivery(text: str, kind: str, entries: dict[str, Node], path: str, found: Found) -> list[Node]:
    """Add the images of a DELIVERERS' object to `found`. Returns the nodes that were read as charts' values."""
    delivery = _Delivery(text, path, found)
    group = _text(entries.get("apiVersion")).rpartition("/")[0]
    if kind == "OCIRepository":
        delivery.artifact(entries)
    elif kind == "Kustomization":
        if group == "kustomize.toolkit.fluxcd.io":
            delivery.new_names(entries, "spec.images[]")
    elif kind == "IstioOperator":
        delivery.istio_hubs(entries)
        delivery.values(entries, ("spec.values",))
    else:
        delivery.values(entries, _VALUES)
        if group == "helm.cattle.io":
            delivery.chart_of_helm_controller(entries)
        delivery.new_names(entries, "spec.postRenderers[].kustomize.images[]")
        if group == "argoproj.io":
            delivery.sources(entries)
    return delivery.read


def find_in_source(text: str, root: Node, found: Found) -> None:
    """Add what a file `.argocd-source.yaml` puts over an Application's source to `found`."""
    if isinstance(root, YamlMapping):
        delivery = _Delivery(text, "", found)
        delivery.values(root.entries(), _SOURCE_VALUES)
        delivery.settings(root.entries(), "")


class _Delivery:
    def __init__(self, text: str, path: str, found: Found) -> None:
        self._text = text
        self._path = path
        self._found = found
        self.read: list[Node] = []

    def artifact(self, entries: dict[str, Node]) -> None:
        """Flux's OCIRepository: `url` without a tag, and the tag or digest in `ref`."""
        found = {name: node for name in ("url", "ref.tag", "ref.digest") for _, node in select(entries, f"spec.{name}")}
        url = found.get("url")
        if not isinstance(url, Scalar) or not url.value.startswith(HOSTED_SCHEME):
            return
        repository = self._without_scheme(url)
        tag, digest = _text(found.get("ref.tag")), _text(found.get("ref.digest"))
        reference = composed("", repository.value, "" if digest else tag, digest)
        self._take("spec.url", reference, Parts(repository=repository), "Flux")

    def istio_hubs(self, entries: dict[str, Node]) -> None:
        """The hub of an IstioOperator, and those of its components, which take its tag where they have none."""
        tags = {where.rpartition(".")[2]: node for where, node in select(entries, "spec.tag")}
        for listed in ("spec", "spec.components.*", *(f"spec.components.{name}[]" for name in _GATEWAYS)):
            for where, node in select(entries, listed):
                own = node.entries() if isinstance(node, YamlMapping) else {}
                image = istio.component_image(where.rpartition(".")[2].partition("[")[0])
                istio.add_hub(self._text, {**tags, **own}, self._found, below(self._path, where), image)

    def chart_of_helm_controller(self, entries: dict[str, Node]) -> None:
        """The chart of a HelmChart of k3s and RKE2, whose job pulls it: `chart: oci://…` with `version`."""
        found = {name: node for name in ("chart", "version") for _, node in select(entries, f"spec.{name}")}
        self.oci_chart(found, "spec.chart", "helm-controller")

    def oci_chart(self, entries: dict[str, Node], where: str, pulled_by: str) -> None:
        """A chart in a registry that the key `chart` names whole, with its version beside it."""
        url, version = entries.get("chart"), _text(entries.get("version"))
        if isinstance(url, Scalar) and url.value.startswith(HOSTED_SCHEME) and not placeholder(url.value + version):
            repository = self._without_scheme(url)
            self._take(
                where, composed("", repository.value, _tag(version), ""), Parts(repository=repository), pulled_by
            )

    def new_names(self, entries: dict[str, Node], listed: str) -> None:
        """Images that Flux sets in what it builds: the new names; what the bases carry is not known here."""
        for where, node in select(entries, listed):
            own = node.entries() if isinstance(node, YamlMapping) else {}
            name = own.get("newName")
            if not isinstance(name, Scalar) or not name.value or placeholder(name.value):
                continue
            digest, tag = _text(own.get("digest")), _text(own.get("newTag"))
            reference = composed("", name.value, "" if digest else tag, digest)
            self._take(f"{where}.newName", reference, Parts(repository=name.part(self._text)))

    def named_chart(self, entries: dict[str, Node], where: str) -> None:
        """A chart of kustomize: `repo: oci://…` with the chart's `name` and its version beside it."""
        repo, name, version = entries.get("repo"), entries.get("name"), _text(entries.get("version"))
        if isinstance(repo, Scalar) and isinstance(name, Scalar) and repo.value.startswith(HOSTED_SCHEME):
            registry, chart = self._without_scheme(repo), name.part(self._text)
            if not placeholder(repo.value + name.value + version):
                reference = composed(registry.value, chart.value, _tag(version), "")
                self._take(f"{where}.name", reference, Parts(registry=registry, repository=chart), "kustomize")

    def values(self, entries: dict[str, Node], paths: Iterable[str], above: str = "") -> None:
        """Values of a chart inside an object, as a mapping or as text."""
        for listed in paths:
            for where, node in select(entries, listed):
                whole = below(self._path, below(above, where) if above else where)
                self.read.append(node)
                if isinstance(node, YamlMapping):
                    helm.find_in_values(self._text, node, self._found, whole)
                elif isinstance(node, Scalar) and node.value.strip():
                    self._values_text(node, whole)

    def _values_text(self, node: Scalar, path: str) -> None:
        window = inside(self._text, node)
        if window is None:
            self._found.unreadable.append(Unreadable(node.start, "values in a string with escapes"))
            return
        nested = Found()
        try:
            for root in parse_objects(window.text):
                helm.find_in_values(window.text, root, nested, path)
        except BrokenYaml as error:
            nested.unreadable.append(Unreadable(error.start, error.reason))
        window.move(nested, self._found)

    def sources(self, entries: dict[str, Node]) -> None:
        """Sources of an Argo CD Application: parameters of its chart, the chart itself, and images that it sets."""
        for listed in _SOURCES:
            for where, node in select(entries, listed):
                if isinstance(node, YamlMapping):
                    self._chart(node.entries(), where)
                    self.settings(node.entries(), where)

    def settings(self, source: dict[str, Node], where: str) -> None:
        """What a source sets in what it builds: parameters of a chart, names of images."""
        self._parameters(source, where)
        for place, image in select(source, "kustomize.images[]"):
            if isinstance(image, Scalar):
                self._set_image(image, below(where, place))

    def _parameters(self, source: dict[str, Node], where: str) -> None:
        settings = []
        for _, node in select(source, "helm.parameters[]"):
            own = node.entries() if isinstance(node, YamlMapping) else {}
            name, value = own.get("name"), own.get("value")
            if isinstance(name, Scalar) and isinstance(value, Scalar):
                # A parameter is a string, as Helm's --set-string gives it where forceString says so, else as --set does.
                settings.append((name.value, value))
        if settings:
            helm.find_in_values(
                self._text, nested_settings(settings), self._found, below(self._path, below(where, "helm.parameters"))
            )

    def _chart(self, source: dict[str, Node], where: str) -> None:
        """A chart in a registry: `repoURL` without a scheme above `chart`, or a whole artifact as `oci://`."""
        url, chart, version = source.get("repoURL"), source.get("chart"), _text(source.get("targetRevision"))
        if not isinstance(url, Scalar) or placeholder(url.value) or placeholder(version):
            return
        tag = _tag(version)
        scheme = url.value.startswith(HOSTED_SCHEME)
        registry = self._without_scheme(url) if scheme else replace(url.part(self._text), hosted=True)
        if isinstance(chart, Scalar) and chart.value:
            if scheme or (":" not in url.value and is_reference(url.value)):
                name = chart.part(self._text)
                reference = composed(registry.value, name.value, tag, "")
                self._take(f"{where}.chart", reference, Parts(registry=registry, repository=name), "Argo CD")
        elif scheme:
            reference = composed("", registry.value, tag, "")
            self._take(f"{where}.repoURL", reference, Parts(repository=registry), "Argo CD")

    def _set_image(self, node: Scalar, where: str) -> None:
        """`name=new:tag`, or `name:tag`, which is only shown: rewritten it would match no base."""
        part = node.part(self._text)
        name, equals, new = node.value.partition("=")
        written = new if equals else name
        start = part.end - len(written)
        if not looks_like_image(written) or self._text[start : part.end] != written:
            return
        image = Part(start, part.end, written, part.style)
        self._found.take(
            ImagePlace(below(self._path, where), FORMAT, written, Parts(image=image), consent="" if equals else "never")
        )

    def _without_scheme(self, node: Scalar) -> Part:
        whole = node.part(self._text)
        return replace(
            whole, start=whole.start + len(HOSTED_SCHEME), value=node.value.removeprefix(HOSTED_SCHEME), hosted=True
        )

    def _take(self, where: str, reference: str, parts: Parts, pulled_by: str = "") -> None:
        place = ImagePlace(below(self._path, where), FORMAT, reference, parts)
        self._found.take(replace(place, pulled_by=pulled_by) if pulled_by else place)


def select(entries: dict[str, Node], path: str) -> Iterator[tuple[str, Node]]:
    """The nodes at a path such as `spec.kafka.image` or `spec.tags[].from.name`; `*` is any key."""
    found: list[tuple[str, Node]] = [("", YamlMapping([], 0, entries))]
    for step in path.split("."):
        name, many = step.removesuffix("[]"), step.endswith("[]")
        next_found: list[tuple[str, Node]] = []
        for where, node in found:
            if not isinstance(node, YamlMapping):
                continue
            own = node.entries()
            keys = list(own) if name == "*" else [name] if name in own else []
            for key in keys:
                place = below(where, key)
                value = own[key]
                if many and isinstance(value, YamlList):
                    next_found.extend((f"{place}[{index}]", item) for index, item in enumerate(value.items))
                elif not many:
                    next_found.append((place, value))
        found = next_found
    yield from found


def find_oci_charts(text: str, entries: dict[str, Node], found: Found) -> None:
    """Charts in registries of a file that is no object: `helm.chart` of Fleet, `helmCharts` of kustomize, with their values."""
    delivery = _Delivery(text, "", found)
    for where, chart in select(entries, "helmCharts[]"):
        if isinstance(chart, YamlMapping):
            own = chart.entries()
            delivery.named_chart(own, where)
            delivery.values(own, ("valuesInline",), where)
    for where, chart in select(entries, "helm"):
        if isinstance(chart, YamlMapping):
            delivery.oci_chart(chart.entries(), below(where, "chart"), "Fleet")
            delivery.values(chart.entries(), ("values",), where)


def _tag(version: str) -> str:
    """The tag under which a registry has a chart's version; "" for a range."""
    tag = version.replace("+", "_")
    return tag if is_reference(f"a:{tag}") else ""


def _text(node: Node | None) -> str:
    return node.value if isinstance(node, Scalar) else ""
