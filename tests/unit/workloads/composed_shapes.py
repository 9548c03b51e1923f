"""Images that a consumer composes from several values: {name: (path, text with marks)}, as in `shapes`."""

from __future__ import annotations

COMPOSED_SHAPES = {
    "istio's hub and image in one component": (
        "values.yaml",
        "pilot:\n  hub: quay.io/istio\n  tag: 1.26.1\n  image: «pilot»=>quay.io/istio/pilot:1.26.1\n",
    ),
    "istio's hub without a tag": (
        "values.yaml",
        "global:\n  hub: docker.io/istio\npilot:\n  image: «pilot»=>docker.io/istio/pilot\n",
    ),
    "istio's hub and nothing else": ("values.yaml", "global:\n  hub: «docker.io/istio»=>docker.io/istio/pilot\n"),
    "istio's hub at the top without a tag": (
        "values.yaml",
        "hub: docker.io/istio\nimage: «ztunnel»=>docker.io/istio/ztunnel\n",
    ),
    "istio's variant follows the tag": (
        "values.yaml",
        "global:\n  hub: docker.io/istio\n  tag: 1.26.1\n  variant: distroless\n"
        "  proxy:\n    image: «proxyv2»=>docker.io/istio/proxyv2:1.26.1-distroless\n"
        "cni:\n  variant: debug\n  image: «install-cni»=>docker.io/istio/install-cni:1.26.1-debug\n"
        "ztunnel:\n  image: «quay.io/a/ztunnel:2»\n",
    ),
    "hubs of components tell of their own images": (
        "values.yaml",
        "pilot:\n  hub: «quay.io/mine»=>quay.io/mine/pilot:1.26.1-debug\n  tag: 1.26.1\n  variant: debug\n"
        "cni: {hub: «ghcr.io/mine»=>ghcr.io/mine/install-cni:2, tag: 2}\n",
    ),
    "a component's hub beside the global one": (
        "values.yaml",
        "global: {hub: «docker.io/istio»=>docker.io/istio/pilot:1.26.1, tag: 1.26.1}\n"
        "pilot:\n  hub: quay.io/mine\n  image: «pilot»=>quay.io/mine/pilot:1.26.1\n",
    ),
    "a hub of a gateway": (
        "istio.yaml",
        "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec:\n  components:\n    ingressGateways:\n"
        "    - {name: in, hub: «quay.io/istio»=>quay.io/istio/proxyv2:1.24.1, tag: 1.24.1}\n",
    ),
    "what is called a hub and is no registry": (
        "values.yaml",
        "hub: enabled\ntag: blue\nglobal: {hub: enabled}\nother: {hub: quay.io/a, tag: 1}\n",
    ),
    "fields of custom resources that make an image together": (
        "crs.yaml",
        "apiVersion: temporal.io/v1beta1\nkind: TemporalCluster\nspec:\n  image: «temporalio/server»=>temporalio/server:1.24\n"
        "  version: 1.24\n  ui: {version: 2.1, image: «temporalio/ui»=>temporalio/ui:2.1}\n"
        "---\napiVersion: scylla.scylladb.com/v1\nkind: ScyllaCluster\nspec:\n  repository: «scylladb/scylla»=>scylladb/scylla:6.2\n"
        "  version: 6.2\n  agentRepository: «docker.io/scylladb/agent:3»\n  agentVersion: 4\n"
        "---\napiVersion: argoproj.io/v1beta1\nkind: ArgoCD\nspec:\n  image: «quay.io/argoproj/argocd»\n  redis: {image: redis}\n"
        "---\napiVersion: kiali.io/v1alpha1\nkind: Kiali\nspec:\n  deployment:\n    image_version: v2.0\n"
        "    image_name: «quay.io/kiali/kiali»=>quay.io/kiali/kiali:v2.0\n",
    ),
    "repository, image and version": (
        "gpu.yaml",
        "apiVersion: nvidia.com/v1\nkind: ClusterPolicy\nspec:\n  driver:\n    repository: nvcr.io/nvidia\n"
        "    image: «driver»=>nvcr.io/nvidia/driver:550\n    version: '550'\n    manager: {repository: nvcr.io/nvidia/cloud-native, "
        "image: «k8s-driver-manager»=>nvcr.io/nvidia/cloud-native/k8s-driver-manager:v0.7, version: v0.7}\n"
        "  toolkit: {repository: nvcr.io/nvidia/k8s, image: «toolkit»=>nvcr.io/nvidia/k8s/toolkit:v1, version: v1}\n"
        "---\napiVersion: mellanox.com/v1alpha1\nkind: NicClusterPolicy\nspec:\n  any: {deep: {repository: ghcr.io/net, "
        "image: «multus»=>ghcr.io/net/multus:v3, version: v3}}\n",
    ),
    "an agent behind its operator's registry": (
        "dd.yaml",
        "apiVersion: datadoghq.com/v2alpha1\nkind: DatadogAgent\nspec:\n  global:\n    registry: docker.io/datadog\n  override:\n"
        "    nodeAgent:\n      image: {name: «agent»=>docker.io/datadog/agent:7.50.0, tag: 7.50.0}\n"
        "    clusterAgent:\n      image: {name: «quay.io/dd/cluster-agent:7.1», tag: 8}\n",
    ),
    "registries before images that operators know": (
        "registries.yaml",
        "apiVersion: datadoghq.com/v2alpha1\nkind: DatadogAgent\nspec:\n  global:\n"
        "    registry: «public.ecr.aws/datadog»=>public.ecr.aws/datadog/agent\n"
        "---\napiVersion: operator.tigera.io/v1\nkind: Installation\nspec:\n  registry: UseDefault\n  image: x\n"
        "---\napiVersion: kubevirt.io/v1\nkind: KubeVirt\nspec:\n  imageTag: v1.5.0\n"
        "  imageRegistry: «quay.io/kubevirt»=>quay.io/kubevirt/virt-api:v1.5.0\n"
        "---\napiVersion: submariner.io/v1alpha1\nkind: Submariner\nspec:\n  version: 0.20.0\n"
        "  repository: «quay.io/submariner»=>quay.io/submariner/submariner-gateway:0.20.0\n",
    ),
    "a version that is an image, and images by name": (
        "more.yaml",
        "apiVersion: grafana.integreatly.org/v1beta1\nkind: Grafana\nspec:\n  version: «docker.io/grafana/grafana:11.3.0»\n"
        "---\napiVersion: grafana.integreatly.org/v1beta1\nkind: Grafana\nspec:\n  version: 11.3.0\n  image: ''\n"
        "---\napiVersion: operator.knative.dev/v1beta1\nkind: KnativeServing\nspec:\n  registry:\n    override:\n"
        "      activator: «docker.io/kn/activator:v1»\n      autoscaler/x: «docker.io/kn/autoscaler:v1»\n"
        "---\napiVersion: apps.gitlab.com/v1beta1\nkind: GitLab\nspec:\n  chart:\n    values:\n      gitlab:\n        webservice:\n"
        "          image: {repository: «registry.gitlab.com/org/web»=>registry.gitlab.com/org/web:v17, tag: v17}\n",
    ),
}
