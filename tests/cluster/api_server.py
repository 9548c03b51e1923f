"""A real Kubernetes API server with its etcd on loopback, without root and without controllers.

Nothing schedules or runs Pods: what can be seen is what admission does to them. A Deployment makes no Pods, and a deleted
namespace stays in Terminating, so every test takes a namespace of its own.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import secrets
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.cluster.engines.build import binary
from tests.cluster.pods import Document, Kind, chunks, distinct, images_of, list_of, pod_of, slots
from tests.cluster.processes import EngineRunError, engine_environment, free_ports, run_engine, running, wait_until

# Containers for each Pod: more would meet the budget of a policy's CEL expressions, fewer would cost requests.
REFERENCES_PER_POD = 10


@dataclass(frozen=True, slots=True)
class ApiServer:
    """A running API server. `folder` holds its kubeconfig, certificates and logs."""

    url: str
    folder: Path
    token: str = field(repr=False)
    _names: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    def kubectl(
        self, *arguments: str | Path, stdin: str = "", check: bool = True, timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run the kubectl of the server's own version as cluster administrator."""
        return run_engine(
            ["kubectl", f"--kubeconfig={self.kubeconfig}", *arguments],
            environment=engine_environment(self.folder),
            stdin=stdin,
            check=check,
            timeout=timeout,
        )

    def request(self, method: str, path: str, body: Document | None = None) -> Document:
        """Send one request as cluster administrator, without the cost of a kubectl, and return the answer.

        Errors: `EngineRunError` with the server's message when it refuses.
        """
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60, context=_trusting(self.folder)) as answer:
                content: Document = json.load(answer)
                return content
        except urllib.error.HTTPError as refused:
            with refused:
                message = refused.read().decode(errors="replace")
            raise EngineRunError(f"{method} {path}: {refused.code} {message}") from None

    def create_namespace(self, name: str | None = None) -> str:
        """Make a namespace (with a fresh name unless one is given) and return its name."""
        name = name or f"test-{next(self._names)}"
        self.kubectl("create", "namespace", name)
        return name

    def admit(self, pods: Sequence[Document], *, keep: bool = False) -> list[Document]:
        """The Pods as they are after admission, in order; they are stored only with `keep`."""
        dry_run = [] if keep else ["--dry-run=server"]
        created = self.kubectl("create", "-f", "-", "-o", "json", *dry_run, stdin=list_of(pods))
        return list(_json_values(created.stdout))

    def admit_images(
        self,
        references: Iterable[str],
        *,
        namespace: str,
        kind: Kind = "containers",
        per_pod: int = REFERENCES_PER_POD,
    ) -> dict[str, str]:
        """`{reference: image after admission}` for Pods that are created (dry run) with these images.

        Ephemeral containers are added to one stored Pod through its subresource, as `kubectl debug` does.
        The server refuses an image that is empty or has white space around it.
        """
        groups = list(chunks(distinct(references), per_pod))
        if kind == "ephemeralContainers":
            return self._admit_ephemeral(groups, namespace)
        pods = [pod_of(f"admit-{next(self._names)}", group, namespace=namespace, kind=kind) for group in groups]
        admitted = self.admit(pods) if pods else []
        return _merged(images_of(pod, group, kind) for pod, group in zip(admitted, groups, strict=True))

    def _admit_ephemeral(self, groups: Sequence[Sequence[str]], namespace: str) -> dict[str, str]:
        name = f"debugged-{next(self._names)}"
        pod = self.admit([pod_of(name, [], namespace=namespace)], keep=True)[0]
        path = f"/api/v1/namespaces/{namespace}/pods/{name}/ephemeralcontainers?dryRun=All"
        found = []
        for group in groups:
            pod["spec"]["ephemeralContainers"] = slots(group, "ephemeralContainers")
            found.append(images_of(self.request("PUT", path, pod), group, "ephemeralContainers"))
        return _merged(found)

    @contextlib.contextmanager
    def policy(self, documents: str, *, probe: str, becomes: str, namespace: str) -> Iterator[None]:
        """Apply policies (YAML) for a block: enters once a Pod with the image `probe` gets `becomes`, leaves once it does not.

        Policies take effect, and cease to, up to 2 s after the API server has accepted the change.
        """
        try:
            self.kubectl("apply", "-f", "-", stdin=documents)
            wait_until(
                lambda: self._answers(probe, becomes, namespace), f"{probe} did not become {becomes} by the policy"
            )
            yield
        finally:
            self.kubectl("delete", "-f", "-", "--wait=false", "--ignore-not-found", stdin=documents)
            wait_until(
                lambda: self._answers(probe, probe, namespace), f"{probe} is still changed after the policy went"
            )

    def _answers(self, probe: str, image: str, namespace: str) -> bool:
        # While a policy's types are being loaded the server answers ServiceUnavailable.
        try:
            return self.admit_images([probe], namespace=namespace)[probe] == image
        except EngineRunError:
            return False


def _json_values(text: str) -> Iterator[Document]:
    # kubectl prints one value after the other when it creates several objects.
    decoder, rest = json.JSONDecoder(), text.strip()
    while rest:
        value, end = decoder.raw_decode(rest)
        yield value
        rest = rest[end:].lstrip()


def _merged(found: Iterable[dict[str, str]]) -> dict[str, str]:
    return {reference: image for one in found for reference, image in one.items()}


@contextlib.contextmanager
def start_api_server(folder: Path, *arguments: str) -> Iterator[ApiServer]:
    """An API server with its etcd that runs while the block does; ready in 3 to 6 s on an idle machine.

    `arguments` are further ones of kube-apiserver. It cannot emulate a version that lacks the native policy's v1.
    """
    etcd_port, peer_port, secure_port = free_ports(3)
    token = secrets.token_hex(16)
    (folder / "tokens.csv").write_text(f"{token},administrator,administrator,system:masters\n", encoding="utf-8")
    (folder / "tokens.csv").chmod(0o600)
    _write_service_account_key(folder / "service-account.pem")
    api_server = ApiServer(f"https://127.0.0.1:{secure_port}", folder, token)
    environment = engine_environment(folder)
    with contextlib.ExitStack() as stack:
        etcd = stack.enter_context(
            running(_etcd_command(folder, etcd_port, peer_port), log=folder / "etcd.log", environment=environment)
        )
        command = [*_api_server_command(folder, etcd_port, secure_port), *arguments]
        server = stack.enter_context(running(command, log=folder / "kube-apiserver.log", environment=environment))

        def ready() -> bool:
            for process, name in ((etcd, "etcd"), (server, "kube-apiserver")):
                if process.poll() is not None:
                    log = (folder / f"{name}.log").read_text(errors="replace")[-3000:]
                    raise EngineRunError(f"{name} ended with {process.returncode} before it was ready:\n{log}")
            return _is_ready(api_server)

        wait_until(ready, f"{api_server.url}/readyz (log: {folder / 'kube-apiserver.log'})", seconds=120)
        api_server.kubeconfig.write_text(_kubeconfig(api_server), encoding="utf-8")
        api_server.kubeconfig.chmod(0o600)
        yield api_server


def _etcd_command(folder: Path, port: int, peer_port: int) -> list[str | Path]:
    client, peer = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peer_port}"
    return [
        binary("etcd"),
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def _api_server_command(folder: Path, etcd_port: int, port: int) -> list[str | Path]:
    key = folder / "service-account.pem"
    return [
        binary("kube-apiserver"),
        f"--etcd-servers=http://127.0.0.1:{etcd_port}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        f"--secure-port={port}",
        f"--cert-dir={folder / 'certificates'}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--endpoint-reconciler-type=none",
        # Pods need a service account and its controller otherwise.
        "--disable-admission-plugins=ServiceAccount",
        # Documents for older clusters name these; a server does not offer them by itself.
        "--runtime-config=admissionregistration.k8s.io/v1beta1=true,admissionregistration.k8s.io/v1alpha1=true",
    ]


def _write_service_account_key(path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = ec.generate_private_key(ec.SECP256R1())
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
    path.chmod(0o600)


def _trusting(folder: Path) -> ssl.SSLContext:
    # The server signs its own certificate and writes it here when it starts.
    return ssl.create_default_context(cafile=str(_certificate(folder)))


def _certificate(folder: Path) -> Path:
    return folder / "certificates" / "apiserver.crt"


def _is_ready(server: ApiServer) -> bool:
    if not _certificate(server.folder).is_file():
        return False
    request = urllib.request.Request(f"{server.url}/readyz", headers={"Authorization": f"Bearer {server.token}"})
    try:
        with urllib.request.urlopen(request, timeout=5, context=_trusting(server.folder)) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError as refused:
        refused.close()
        return False
    except OSError:
        return False


def _kubeconfig(server: ApiServer) -> str:
    cluster = {"server": server.url, "certificate-authority": str(_certificate(server.folder))}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": "test", "user": {"token": server.token}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            "current-context": "test",
        }
    )
