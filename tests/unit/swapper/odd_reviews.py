"""Odd but legal admission reviews by a seed, what should become of each, and a JSON patch (RFC 6902) of the tests' own."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

from orchestrator.routes.table import Redirected, RouteTable
from tests.unit.swapper.reviews import Document

HOLDERS = ("containers", "initContainers", "ephemeralContainers")
DIGEST = "sha256:" + "0123456789abcdef" * 4
IMAGES = (
    *("nginx", "nginx:1", "library/nginx", "docker.io/nginx:1.27", "index.docker.io/library/nginx", "busybox:latest"),
    *("registry-1.docker.io/library/nginx:1", "docker.io/grafana/grafana", f"nginx:1@{DIGEST}", f"nginx@{DIGEST}"),
    *(
        "quay.io/prometheus/node-exporter:v1",
        f"quay.io/a/b@{DIGEST}",
        "QUAY.IO/a/b:1",
        "quay.io/A/b:1",
        "quay.io:443/a/b",
    ),
    *(
        "ghcr.io/a/b:1",
        "registry.k8s.io/pause:3.9",
        "k8s.gcr.io/pause:3.9",
        "gcr.io/a/b:1",
        "mcr.microsoft.com/dotnet/sdk",
    ),
    *("registry.access.redhat.com/ubi9:1", f"registry.access.redhat.com/ubi9@{DIGEST}", "public.ecr.aws/a/b:1"),
    *(
        "localhost:5000/a:1",
        "[::1]:5000/a:1",
        "[fe80::1]/a",
        "10.0.0.1:5000/a",
        "example.com/own:1",
        "example.com:0/own",
    ),
    *(
        " nginx",
        "nginx ",
        "nginx:",
        "nginx@",
        "nginx@sha256:12",
        "nginx:a:b",
        ":1",
        "/nginx",
        "nginx/",
        "a//b",
        "-",
        ".",
        "…",
    ),
    *(
        "NGINX",
        "nginx:" + "t" * 128,
        "nginx:" + "t" * 129,
        "a" * 255,
        "a" * 256,
        "quay.io/" + "a/" * 120 + "b",
        "x" * 5000,
    ),
    *(
        "näme",
        "nginx\u0000",
        "nginx\n",
        "\U0001f433/nginx",
        "nginx:1\u202e",
        "$(IMAGE)",
        "${IMAGE}",
        "{{ .image }}",
        "scratch",
    ),
    *(
        "123456789012.dkr.ecr.us-east-1.amazonaws.com/docker-hub/library/nginx:1",
        "123456789012.dkr.ecr.us-east-1.amazonaws.com/own",
    ),
)
ODD: tuple[Any, ...] = (None, 7, True, [], {}, ["nginx"], {"image": "nginx"}, "", 1.5)
NAMES = ("web", "web", "side", "a~b/c", "", "ünï", "x" * 63, None, 7)


class Odd:
    """Makes reviews; the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def _maybe(self, share: float) -> bool:
        return self._random.random() < share

    def _of(self, choices: Any) -> Any:
        return copy.deepcopy(self._random.choice(choices))

    def review(self) -> Document:
        """A review that an API server, or somebody who plays one, could send."""
        sub = self._of(("",) * 6 + (None, "ephemeralcontainers", "ephemeralcontainers", "status", "resize"))
        operation = self._of(("CREATE",) * 4 + ("UPDATE",) * 4 + ("DELETE", "CONNECT"))
        request: Document = {
            "uid": self._of(("705ab4f5-6393-11e8-b7cc-42010a800002", "7", "ü")),
            "kind": {"group": "", "version": "v1", "kind": self._of(("Pod",) * 9 + ("PodExecOptions", "Deployment"))},
            "resource": {"group": "", "version": "v1", "resource": self._of(("pods",) * 9 + ("deployments",))},
            "namespace": self._of(("shop", "shop", "kube-system", "", "ops-a")),
            "operation": operation,
            "userInfo": {"username": "a", "groups": ["b"], "extra": {"c": ["d"]}},
            "object": self._pod(),
            "oldObject": None,
            "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
        }
        if sub != "" or self._maybe(0.3):
            request["subResource"] = sub
        if self._maybe(0.5):
            request["dryRun"] = self._of((True, False))
        if self._maybe(0.3):
            request |= {"requestKind": request["kind"], "requestResource": request["resource"], "name": "web"}
        if operation == "UPDATE":
            request["oldObject"] = self._before(request["object"])
        if operation in ("DELETE", "CONNECT") and self._maybe(0.8):
            request["oldObject"], request["object"] = request["object"], None
        if operation == "CREATE" and self._maybe(0.2):
            del request["oldObject"]
        for key in list(request):
            if key not in ("uid", "object") and self._maybe(0.01):
                request[key] = self._of(ODD)
        version = self._of(("admission.k8s.io/v1", "admission.k8s.io/v1", "admission.k8s.io/v1beta1"))
        return {"apiVersion": version, "kind": "AdmissionReview", "request": request}

    def legal_pod(self, namespace: str) -> Document:
        """A Pod that an API server takes."""
        spec: Document = {"containers": self._legal("web", 1), "initContainers": self._legal("init", 0)}
        if self._maybe(0.4):
            images = [one["image"] for one in self._legal("v", 0)]
            spec["volumes"] = [{"name": f"v{at}", "image": {"reference": image}} for at, image in enumerate(images)]
        metadata = {
            "namespace": namespace,
            "name" if self._maybe(0.5) else "generateName": f"web-{self.number()}-"[:-1],
        }
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}

    def change(self, pod: Document) -> Document:
        """The Pod with some images changed, as an update may."""
        changed = copy.deepcopy(pod)
        for holder in ("containers", "initContainers"):
            for entry in changed["spec"].get(holder, ()):
                if self._maybe(0.5):
                    entry["image"] = self._legal("x", 1)[0]["image"]
        return changed

    def number(self) -> int:
        """A number that nobody else has."""
        return self._random.randrange(10**12)

    def _legal(self, name: str, least: int) -> list[Document]:
        images = [one for one in IMAGES if one.strip() == one and "\0" not in one]
        count = max(least, self._of((0, 1, 2, 5)))
        return [{"name": f"{name}{at}", "image": self._of(images)} for at in range(count)]

    def _pod(self) -> Any:
        if self._maybe(0.02):
            return self._of(ODD)
        spec: Document = {"nodeName": "n", "restartPolicy": "Always", "tolerations": None}
        for holder in HOLDERS:
            if holder == "containers" or self._maybe(0.4):
                spec[holder] = self._containers()
        if self._maybe(0.4):
            spec["volumes"] = self._volumes()
        found: Document = {"apiVersion": "v1", "kind": "Pod", "metadata": self._metadata(), "spec": spec, "status": {}}
        for key in list(found):
            if self._maybe(0.02):
                found[key] = self._of(ODD)
            elif self._maybe(0.02):
                del found[key]
        return found

    def _metadata(self) -> Document:
        found: Document = {"creationTimestamp": None}
        found["name" if self._maybe(0.5) else "generateName"] = "web-"
        if self._maybe(0.5):
            found["labels"] = self._of(({"app": "web"}, {}, None, {"tier": "db"}, {"tier": 7}))
        if self._maybe(0.5):
            kept = {"swapper.orchestrator/images": '{"containers/web":{"image":"nginx","target":"nginx","why":"x"}}'}
            odd = {"swapper.orchestrator/images": "[[["}
            static = {"kubernetes.io/config.mirror": "x"}
            found["annotations"] = self._of(
                ({}, None, {"a/b~c": "d"}, kept, odd, static, {"a": 7}, {"a": "x" * 262_100})
            )
        return found

    def _containers(self) -> Any:
        if self._maybe(0.03):
            return self._of(ODD)
        return [self._container() for _ in range(self._of((0, 1, 1, 2, 3, 12)))]

    def _container(self) -> Any:
        if self._maybe(0.02):
            return self._of(ODD)
        found = {"name": self._of(NAMES), "image": self._of(IMAGES), "env": [{"name": "a", "value": "nginx"}]}
        if self._maybe(0.3):
            found["imagePullPolicy"] = self._of(("Always", "IfNotPresent", "Never", None, 7))
        for key in ("name", "image"):
            if self._maybe(0.04):
                found[key] = self._of(ODD)
            elif self._maybe(0.03):
                del found[key]
        return found

    def _volumes(self) -> Any:
        if self._maybe(0.05):
            return self._of(ODD)
        kinds: list[Any] = [
            {"name": "v", "image": {"reference": self._of(IMAGES), "pullPolicy": "Always"}},
            {"name": "v", "image": {"reference": self._of(IMAGES)}},
            {"name": "w", "emptyDir": {}},
            {"name": "x", "image": self._of(ODD)},
            {"name": "y", "image": {"reference": self._of(ODD)}},
            self._of(ODD),
        ]
        return [self._of(kinds) for _ in range(self._of((0, 1, 2, 4)))]

    def _before(self, after: Any) -> Any:
        if self._maybe(0.1):
            return self._of(ODD)
        before: Any = copy.deepcopy(after)
        spec: Any = before.get("spec") if isinstance(before, dict) else None
        for holder in HOLDERS:
            entries = spec.get(holder) if isinstance(spec, dict) else None
            if not isinstance(entries, list):
                continue
            if self._maybe(0.3):
                self._random.shuffle(entries)
            for entry in entries:
                if isinstance(entry, dict) and self._maybe(0.4):
                    entry["image"] = self._of(IMAGES)
            if entries and self._maybe(0.2):
                entries.pop()
        return before


def entries_of(pod: Any) -> Iterator[tuple[str, Any, str, str]]:
    """(holder, name, the image's pointer, image) of whatever may be pulled."""
    spec = pod.get("spec") if isinstance(pod, dict) else None
    for holder in (*HOLDERS, "volumes"):
        entries = spec.get(holder) if isinstance(spec, dict) else None
        for index, entry in enumerate(entries if isinstance(entries, list) else []):
            if not isinstance(entry, dict):
                continue
            held, key = (entry, "image") if holder != "volumes" else (entry.get("image"), "reference")
            image = held.get(key) if isinstance(held, dict) else None
            if isinstance(image, str) and image:
                name = entry.get("name") if isinstance(entry.get("name"), str) else ""
                way = "image" if holder != "volumes" else "image/reference"
                yield holder, name, f"/spec/{holder}/{index}/{way}", image


def expected(document: Document, table: RouteTable, namespaces: tuple[str, ...]) -> dict[str, str]:
    """{pointer: new image} of a request of Pods by the documentation's words, where every look finds the image."""
    request, pod = document["request"], document["request"].get("object")
    metadata: Any = pod.get("metadata") if isinstance(pod, dict) else None
    metadata = metadata if isinstance(metadata, dict) else {}
    annotations = metadata.get("annotations")
    if isinstance(annotations, dict) and "kubernetes.io/config.mirror" in annotations:
        return {}
    namespace = request.get("namespace")
    if not isinstance(namespace, str) or not namespace:
        namespace = metadata.get("namespace")
    if namespace in namespaces:
        return {}
    before = [(holder, name, image) for holder, name, _, image in entries_of(request.get("oldObject"))]
    found = {}
    for holder, name, place, image in entries_of(pod):
        if request.get("subResource") and holder != "ephemeralContainers":
            continue
        redirect = table.redirect(image)
        if (holder, name, image) not in before and isinstance(redirect, Redirected):
            found[place] = str(redirect.target)
    return found


def apply_patch(document: Any, operations: list[Document]) -> Any:
    """RFC 6902, for what is added, replaced and removed; raises where the RFC has an error."""
    result = copy.deepcopy(document)
    for one in operations:
        *way, last = [part.replace("~1", "/").replace("~0", "~") for part in one["path"].split("/")[1:]]
        held = result
        for part in way:
            held = held[int(part)] if isinstance(held, list) else held[part]
        if isinstance(held, list):
            index = len(held) if last == "-" and one["op"] == "add" else int(last)
            if one["op"] == "add":
                held.insert(index, one["value"])
            elif one["op"] == "replace":
                held[index] = one["value"]
            else:
                del held[index]
        elif one["op"] == "add":
            held[last] = one["value"]
        else:
            # Both need what is there.
            held.pop(last)
            if one["op"] == "replace":
                held[last] = one["value"]
    return result
