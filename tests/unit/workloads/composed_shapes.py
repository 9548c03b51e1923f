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
}
