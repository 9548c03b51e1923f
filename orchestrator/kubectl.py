"""Talks to a cluster through `kubectl`: lists what it runs, page by page, and reads and writes single Secrets.

An edge that starts processes. Secrets go through its standard input, never through its arguments.

Every kind must be listed completely. A list that is refused or breaks off fails the whole. Half of what a cluster uses
would read as "the rest is unused".
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from urllib.parse import quote

from orchestrator.errors import OrchestratorError

PAGE = 500
TIMEOUT_SECONDS = 120
# A list that changes while it is read begins again; so often at most.
RESTARTS = 5
# Every cluster has this namespace, nobody makes it anew, and its UID is the cluster's own.
IDENTIFIES = "kube-system"


@dataclass(frozen=True, slots=True)
class Listed:
    """One kind: the path of its list in the API, and whether every cluster has it."""

    kind: str
    path: str
    everywhere: bool = True

    @property
    def api_version(self) -> str:
        """`apps/v1`, and `v1` for Kubernetes' first kinds."""
        return "/".join(self.path.strip("/").split("/")[1:-1])


KINDS = (
    Listed("ReplicaSet", "/apis/apps/v1/replicasets"),
    Listed("Deployment", "/apis/apps/v1/deployments"),
    Listed("StatefulSet", "/apis/apps/v1/statefulsets"),
    Listed("DaemonSet", "/apis/apps/v1/daemonsets"),
    Listed("ControllerRevision", "/apis/apps/v1/controllerrevisions"),
    Listed("Job", "/apis/batch/v1/jobs"),
    Listed("CronJob", "/apis/batch/v1/cronjobs"),
    Listed("ReplicationController", "/api/v1/replicationcontrollers"),
    Listed("PodTemplate", "/api/v1/podtemplates"),
    Listed("DeploymentConfig", "/apis/apps.openshift.io/v1/deploymentconfigs", everywhere=False),
    Listed("Rollout", "/apis/argoproj.io/v1alpha1/rollouts", everywhere=False),
    # Last: a Pod that a template above made meanwhile is seen at least once.
    Listed("Pod", "/api/v1/pods"),
)


class StatusReason(StrEnum):
    """Why the API server refuses, in its own closed vocabulary (`metav1.StatusReason`), as far as it matters here.

    kubectl hands the server's `Status` on in one form only: `Error from server (REASON): message`. The word in
    brackets is the Status's `reason`; the sentence after it is for people and is read by nobody.
    """

    FORBIDDEN = "Forbidden"
    UNAUTHORIZED = "Unauthorized"
    NOT_FOUND = "NotFound"
    CONFLICT = "Conflict"
    ALREADY_EXISTS = "AlreadyExists"
    EXPIRED = "Expired"
    GONE = "Gone"
    OTHER = ""


# The page that a list goes on from is no more.
_TOO_LATE = (StatusReason.EXPIRED, StatusReason.GONE)
# kubectl's StandardErrorMessage (k8s.io/kubectl/pkg/cmd/util): a Status without a reason has no brackets. kubectl's
# earlier words, such as warnings about the API, stand on lines of their own.
_STATUS = re.compile(r"^Error from server \((?P<reason>[A-Za-z]+)\): ", re.MULTILINE)
_NOT_LOGGED_IN = re.compile(r"^error: You must be logged in to the server \(", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Why nobody can say: the server refused, or, with the reason OTHER, most likely did not answer."""

    why: str
    reason: StatusReason = StatusReason.OTHER

    @property
    def forbidden(self) -> bool:
        """Is it the caller's rights that are missing?"""
        return self.reason is StatusReason.FORBIDDEN


def _refusal(said: str) -> NoAnswer:
    """What kubectl wrote when it failed -> the refusal."""
    said = said.strip()
    if found := _STATUS.search(said):
        known = found["reason"] in StatusReason._value2member_map_
        return NoAnswer(said, StatusReason(found["reason"]) if known else StatusReason.OTHER)
    return NoAnswer(said, StatusReason.UNAUTHORIZED if _NOT_LOGGED_IN.search(said) else StatusReason.OTHER)


@dataclass(frozen=True, slots=True)
class Kubectl:
    """`kubectl` for one cluster: the current one, or that of `context`."""

    program: str
    context: str | None = None

    def objects(self, custom: Sequence[Listed] = ()) -> Iterator[Mapping[str, Any]]:
        """Every object of KINDS and of `custom` kinds, with its kind; one page is held at a time. Raises OrchestratorError."""
        # Pods last: one that a template made meanwhile is seen at least once.
        for listed in (*custom, *KINDS):
            yield from self._list(listed)

    def api_groups(self) -> dict[str, tuple[str, ...]]:
        """{API group: its versions, the preferred one first} of the cluster. Raises OrchestratorError."""
        answer = self._get("/apis", "The cluster's API groups cannot be listed")
        found = {}
        for group in answer.get("groups") or []:
            preferred = (group.get("preferredVersion") or {}).get("version", "")
            versions = [entry["version"] for entry in group.get("versions") or []]
            found[str(group["name"])] = tuple(sorted(versions, key=lambda version: version != preferred))
        return found

    def api_kinds(self, group: str, version: str) -> dict[str, str]:
        """{kind: plural} of what can be listed in one version of a group. Raises OrchestratorError."""
        answer = self._get(f"/apis/{group}/{version}", f"The kinds of {group} cannot be listed")
        return {
            str(entry["kind"]): str(entry["name"])
            for entry in answer.get("resources") or []
            if "/" not in entry["name"] and "list" in (entry.get("verbs") or [])
        }

    def read(self, path: str) -> Mapping[str, Any] | NoAnswer | None:
        """What the API serves at `path`; None where it serves nothing there, or why nobody can say."""
        done = self._run("get", "--raw", path)
        if done.returncode != 0:
            refused = _refusal(done.stderr)
            return None if refused.reason is StatusReason.NOT_FOUND else refused
        try:
            answer = json.loads(done.stdout)
        except (ValueError, RecursionError):
            answer = None
        return answer if isinstance(answer, dict) else NoAnswer("its answer is no object")

    def created(self, path: str) -> datetime | NoAnswer | None:
        """When the object at `path` was made, None where there is none, or why nobody can say."""
        found = self.read(path)
        if found is None or isinstance(found, NoAnswer):
            return found
        try:
            return datetime.fromisoformat(found["metadata"]["creationTimestamp"])
        except (ValueError, LookupError, TypeError):
            return NoAnswer("its answer is no object")

    def _get(self, path: str, what: str) -> Mapping[str, Any]:
        found = self.read(path)
        if found is None or isinstance(found, NoAnswer):
            refused = found or NoAnswer("it is not there", StatusReason.NOT_FOUND)
            raise _not_done(f"{what}, so that its images are not known.", refused)
        return found

    def pods(self) -> Iterator[Mapping[str, Any]]:
        """Every Pod. Raises OrchestratorError."""
        yield from self._list(Listed("Pod", "/api/v1/pods"))

    def events(self) -> Iterator[Mapping[str, Any]]:
        """Every event that the API still has. Raises OrchestratorError."""
        yield from self._list(Listed("Event", "/api/v1/events"))

    def place(self) -> str:
        """Which cluster is read, for people: `context "prod" (https://api.prod.example.com:6443)`."""
        done = self._run("config", "view", "--minify", "-o", "json")
        try:
            document = json.loads(done.stdout) if done.returncode == 0 else {}
            context = self.context or document["current-context"]
            return f'context "{context}" ({document["clusters"][0]["cluster"]["server"]})'
        except (ValueError, LookupError, TypeError):
            pass
        host, port = os.environ.get("KUBERNETES_SERVICE_HOST", ""), os.environ.get("KUBERNETES_SERVICE_PORT", "443")
        if self.context or not host:
            return f'context "{self.context}"' if self.context else "the cluster that kubectl reaches without a context"
        return f"the cluster of this Pod (https://{f'[{host}]' if ':' in host else host}:{port})"

    def uid(self) -> str | NoAnswer:
        """What tells the cluster from any other, the UID of its namespace kube-system; or why it is not known."""
        done = self._run("get", "--raw", f"/api/v1/namespaces/{IDENTIFIES}")
        if done.returncode != 0:
            return _refusal(done.stderr)
        try:
            found = json.loads(done.stdout)["metadata"]["uid"]
        except (ValueError, LookupError, TypeError, RecursionError):
            found = ""
        return found if isinstance(found, str) and found else NoAnswer(f"the namespace {IDENTIFIES} has no UID")

    def secret(self, namespace: str, name: str) -> Mapping[str, Any] | None:
        """A Secret, None where there is none. Raises OrchestratorError."""
        done = self._run("get", "--raw", f"/api/v1/namespaces/{namespace}/secrets/{name}")
        if done.returncode == 0:
            found = json.loads(done.stdout)
            return found if isinstance(found, dict) else {}
        refused = _refusal(done.stderr)
        if refused.reason is StatusReason.NOT_FOUND:
            return None
        raise _not_done(f"The secret {namespace}/{name} cannot be read.", refused)

    def write(self, document: Mapping[str, Any]) -> bool:
        """Create the object, or replace the one with its `resourceVersion`; False where that one is no more.

        Raises OrchestratorError.
        """
        verb = "replace" if "resourceVersion" in document["metadata"] else "create"
        done = self._run(verb, "--validate=false", "-f", "-", given=json.dumps(document))
        if done.returncode == 0:
            return True
        refused = _refusal(done.stderr)
        if refused.reason in (StatusReason.CONFLICT, StatusReason.ALREADY_EXISTS):
            return False
        place = f"{document['metadata']['namespace']}/{document['metadata']['name']}"
        raise _not_done(f"The {str(document['kind']).lower()} {place} cannot be written.", refused)

    def diff(self, documents: str) -> str:
        """What an apply of these documents would change, as `diff -u` shows it; "" when nothing would.

        The API server fills in defaults on both sides, and values of Secrets are masked. Raises OrchestratorError.
        """
        done = self._run("diff", "--server-side=false", "-f", "-", given=documents)
        if done.returncode == 0:
            return ""
        if done.returncode == 1 and done.stdout:
            return done.stdout
        raise _not_done("The documents cannot be compared with the cluster's.", _refusal(done.stderr))

    def _list(self, listed: Listed) -> Iterator[Mapping[str, Any]]:
        token, restarts = "", 0
        while True:
            query = f"?limit={PAGE}" + (f"&continue={quote(token, safe='')}" if token else "")
            done = self._run("get", "--raw", listed.path + query)
            if done.returncode != 0:
                refused = _refusal(done.stderr)
                if not listed.everywhere and refused.reason is StatusReason.NOT_FOUND:
                    return
                if token and refused.reason in _TOO_LATE and restarts < RESTARTS:
                    # An object that was seen is seen twice, which does no harm.
                    token, restarts = "", restarts + 1
                    continue
                raise self._failed(listed, refused)
            try:
                page = json.loads(done.stdout)
                items, metadata = page["items"] or [], page.get("metadata") or {}
                token = str(metadata.get("continue") or "")
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                raise self._failed(listed, NoAnswer(f"its answer is no list: {error}")) from error
            if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
                raise self._failed(listed, NoAnswer("its answer is no list of objects"))
            for item in items:
                # Entries of a list do not always repeat what they are.
                yield {**item, "kind": listed.kind, "apiVersion": listed.api_version}
            if not token:
                return

    def _run(self, *arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
        context = [f"--context={self.context}"] if self.context else []
        try:
            return subprocess.run(
                [self.program, *context, f"--request-timeout={TIMEOUT_SECONDS}s", *arguments],
                input=given or "",
                capture_output=True,
                text=True,
                encoding="utf-8",
                errors="replace",
                timeout=TIMEOUT_SECONDS + 30,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise OrchestratorError(
                f"kubectl gave no answer within {TIMEOUT_SECONDS + 30} seconds.",
                remedy="Look whether the cluster's API server can be reached.",
            ) from error
        except OSError as error:
            raise OrchestratorError(f"{self.program} cannot be started: {error.strerror}.") from error

    def _failed(self, listed: Listed, refused: NoAnswer) -> OrchestratorError:
        if refused.forbidden:
            remedy = (
                "Give the caller the right to list it: `orchestrator manifests NAME --for usage` has the ClusterRole."
            )
        else:
            remedy = "Look whether kubectl reaches the cluster: `kubectl version`; --context names another one."
        return OrchestratorError(
            f"The cluster's {listed.kind}s cannot be listed, so that its images are not known.",
            why=refused.why,
            remedy=remedy,
        )


def find_kubectl(context: str | None = None) -> Kubectl:
    """The `kubectl` on PATH (ORCHESTRATOR_KUBECTL names another one, `oc` does too). Raises OrchestratorError."""
    named = os.environ.get("ORCHESTRATOR_KUBECTL", "")
    program = shutil.which(named) if named else shutil.which("kubectl") or shutil.which("oc")
    if program is None:
        raise OrchestratorError(
            f"{named or 'kubectl'} is not installed.",
            why="ORCHESTRATOR_KUBECTL names it." if named else "Neither kubectl nor oc is on PATH.",
            remedy="Install it, or set ORCHESTRATOR_KUBECTL to where it is.",
        )
    return Kubectl(program, context)


def _not_done(what: str, refused: NoAnswer) -> OrchestratorError:
    remedy = "Look whether kubectl reaches the cluster: `kubectl version`; --context names another one."
    if refused.forbidden:
        remedy = (
            "Use credentials of the cluster that may do it: `kubectl auth can-i --list -n NAMESPACE` says which may."
        )
    return OrchestratorError(what, why=refused.why, remedy=remedy)
