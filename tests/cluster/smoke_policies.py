"""The smallest policies that show an engine at work: each puts `CACHE/` before images that do not begin with it."""

from __future__ import annotations

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


def native(name: str) -> str:
    """A MutatingAdmissionPolicy and its binding."""
    expression = " + ".join(
        [
            _patches("containers", "image"),
            _patches("initContainers", "image"),
            _patches("ephemeralContainers", "image"),
            _patches("volumes", "image.reference"),
        ]
    )
    return f"""
apiVersion: admissionregistration.k8s.io/v1
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
          {expression}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata:
  name: {name}
spec:
  policyName: {name}
"""


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
        foreach:
          - list: request.object.spec.containers
            preconditions:
              all:
                - {{key: "{{{{ element.image }}}}", operator: NotEquals, value: "{CACHE}/*"}}
            patchesJson6902: |-
              - op: replace
                path: /spec/containers/{{{{ elementIndex }}}}/image
                value: {CACHE}/{{{{ element.image }}}}
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
          {_patches("containers", "image")}
"""
