"""The smallest policies that show an engine at work: each puts `CACHE/` before images that do not begin with it."""

from __future__ import annotations

import json

CACHE = "cache.example/hub"


def _patches(path: str, field: str) -> str:
    """CEL for the JSON patches of one list below `spec`; `field` is where its items hold the image."""
    items = f"object.spec.?{path}.orValue([])"
    item = f"{items}[i]"
    return (
        f"lists.range(size({items})).filter(i, !{item}.{field}.startsWith('{CACHE}/'))"
        f".map(i, JSONPatch{{op: 'replace', path: '/spec/{path}/' + string(i) + '/{field.replace('.', '/')}',"
        f" value: '{CACHE}/' + {item}.{field}}})"
    )


# Every list below a Pod's `spec` whose items hold an image, with the place of the image in an item.
_LISTS = {
    "containers": "image",
    "initContainers": "image",
    "ephemeralContainers": "image",
    "volumes": "image.reference",
}
_CEL = " + ".join(_patches(path, field) for path, field in _LISTS.items())


def native(name: str, version: str = "v1") -> str:
    """A MutatingAdmissionPolicy and its binding, in a version of `admissionregistration.k8s.io`."""
    return f"""
apiVersion: admissionregistration.k8s.io/{version}
kind: MutatingAdmissionPolicy
metadata:
  name: {name}
spec:
  failurePolicy: Fail
  reinvocationPolicy: Never
  matchConstraints:
    resourceRules:
      - {{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}}
      - {{apiGroups: [""], apiVersions: [v1], operations: [UPDATE], resources: [pods/ephemeralcontainers]}}
  mutations:
    - patchType: JSONPatch
      jsonPatch:
        expression: >-
          {_CEL}
---
apiVersion: admissionregistration.k8s.io/{version}
kind: MutatingAdmissionPolicyBinding
metadata:
  name: {name}
spec:
  policyName: {name}
"""


def _foreach(path: str, field: str) -> str:
    """One entry of a ClusterPolicy's `foreach`, as JSON."""
    patch = {
        "op": "replace",
        "path": f"/spec/{path}/{{{{ elementIndex }}}}/{field.replace('.', '/')}",
        "value": f"{CACHE}/{{{{ element.{field} }}}}",
    }
    condition = {"key": f"{{{{ element.{field} }}}}", "operator": "NotEquals", "value": f"{CACHE}/*"}
    entry = {
        "list": f"request.object.spec.{path} || `[]`",
        "preconditions": {"all": [condition]},
        "patchesJson6902": json.dumps([patch]),
    }
    return json.dumps(entry)


CLUSTER_POLICY = f"""
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata:
  name: smoke
  annotations:
    pod-policies.kyverno.io/autogen-controllers: none
spec:
  rules:
    - name: prefix
      match:
        any:
          - resources: {{kinds: [Pod], operations: [CREATE]}}
      mutate:
        foreach: [{", ".join(_foreach(path, field) for path, field in _LISTS.items())}]
"""

MUTATING_POLICY = f"""
apiVersion: policies.kyverno.io/v1
kind: MutatingPolicy
metadata:
  name: smoke
spec:
  autogen:
    podControllers:
      controllers: []
  matchConstraints:
    resourceRules:
      - {{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}}
  mutations:
    - patchType: JSONPatch
      jsonPatch:
        expression: >-
          {_CEL}
"""
