"""What people behind a company's proxy set is obeyed, and no credential goes where it does not belong."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from orchestrator.oci.copies import CopyReport
from orchestrator.oci.errors import Unreachable, Untrusted
from orchestrator.oci.logins import DockerLogins, docker_logins, pull_secret_logins
from orchestrator.oci.retry import Budget
from orchestrator.oci.trust import proxy_for
from tests.oci.copying import pair, run
from tests.oci.corpus import Maker, bytes_of
from tests.oci.loopback_proxy import Authority, LoopbackProxy
from tests.oci.strict_registry import StrictRegistry

NAME = "registry.example"
BRIEF = Budget(seconds=1, attempts=2, throttled=1)


@dataclass
class Company:
    """A registry behind TLS that only the proxy can reach, and a target on loopback."""

    source: StrictRegistry
    target: StrictRegistry
    proxy: LoopbackProxy
    authority: Authority

    def copy(self, **variables: str) -> CopyReport:
        return run(
            [pair(f"{NAME}/app:1", f"{self.target.host}/app:1")],
            variables=variables,
            budget=BRIEF,
            logins=docker_logins(variables),
        )


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    authority = Authority(tmp_path)
    with (
        StrictRegistry(tls=authority.server_context(NAME), basic=("me", "secret")) as source,
        StrictRegistry() as target,
        LoopbackProxy({f"{NAME}:443": source.host}) as proxy,
    ):
        Maker(source, "app").image("1", layers=[bytes_of("layer", 1000)])
        login = {"auths": {NAME: {"auth": base64.b64encode(b"me:secret").decode()}}}
        (tmp_path / "config.json").write_text(json.dumps(login))
        yield Company(source, target, proxy, authority)


@pytest.mark.parametrize("bundle", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE"])
@pytest.mark.parametrize("proxy", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_registry_is_reached_through_the_proxy(company: Company, tmp_path: Path, bundle: str, proxy: str) -> None:
    settings = {proxy: f"http://{company.proxy.host}", bundle: str(company.authority.file)}
    report = company.copy(**settings, DOCKER_CONFIG=str(tmp_path))
    assert report.ok, report.results
    assert {line.split()[1] for line in company.proxy.asked} == {f"{NAME}:443"}
    assert company.target.repository("app").tags.keys() == {"1"}


def test_without_its_authority_a_registry_is_not_trusted(company: Company) -> None:
    (result,) = company.copy(HTTPS_PROXY=f"http://{company.proxy.host}").results
    assert isinstance(result.error, Untrusted)
    assert "SSL_CERT_FILE" in result.error.remedy


@pytest.mark.parametrize(
    "around", [NAME, ".example", "*.example", f"{NAME}:443", "other.test, example", "other.test example", "*"]
)
def test_no_proxy_goes_around_the_proxy(around: str) -> None:
    settings = {"HTTPS_PROXY": "http://proxy.test:3128", "NO_PROXY": around}
    assert proxy_for("https", NAME, 443, settings) is None


@pytest.mark.parametrize("around", ["", "other.example", f"{NAME}:8443", "xregistry.example", "10.0.0.0/8"])
def test_no_proxy_for_others_changes_nothing(around: str) -> None:
    settings = {"HTTPS_PROXY": "proxy.test:3128", "NO_PROXY": around}
    assert proxy_for("https", NAME, 443, settings) == "http://proxy.test:3128"


def test_addresses_and_loopback_go_around_the_proxy() -> None:
    settings = {"HTTPS_PROXY": "http://proxy.test:3128", "NO_PROXY": "10.0.0.0/8,[fd00::1]:5000"}
    assert proxy_for("https", "10.1.2.3", 443, settings) is None
    assert proxy_for("https", "fd00::1", 5000, settings) is None
    assert proxy_for("https", "11.1.2.3", 443, settings) == "http://proxy.test:3128"
    for host in ("127.0.0.1", "localhost", "::1"):
        assert proxy_for("https", host, 443, settings) is None


def test_the_proxys_login_goes_to_the_proxy_alone(company: Company, tmp_path: Path) -> None:
    settings = {"HTTPS_PROXY": f"http://user:p%40ss@{company.proxy.host}", "DOCKER_CONFIG": str(tmp_path)}
    assert company.copy(**settings, SSL_CERT_FILE=str(company.authority.file)).ok
    expected = "Basic " + base64.b64encode(b"user:p@ss").decode()
    assert set(company.proxy.authorizations) == {expected}
    assert not any("Proxy-Authorization" in headers for _, _, headers in company.source.log)
    assert not any("Authorization" in headers for _, _, headers in company.target.log)


def test_a_proxy_that_refuses_is_named_without_its_password(company: Company) -> None:
    company.proxy.routes.clear()
    settings = {"HTTPS_PROXY": f"http://user:hidden@{company.proxy.host}"}
    (result,) = company.copy(**settings).results
    assert isinstance(result.error, Unreachable)
    assert "hidden" not in f"{result.error} {result.error.why} {result.error.remedy}"


def test_a_blob_that_stands_elsewhere_is_fetched_without_credentials() -> None:
    with StrictRegistry() as target, StrictRegistry(basic=("me", "secret")) as source, Storage(source) as storage:
        Maker(source, "app").image("1", layers=[bytes_of("layer", 1000)])
        source.redirect_blobs_to = f"http://127.0.0.1:{storage.server_address[1]}"
        report = run([pair(f"{source.host}/app:1", f"{target.host}/app:1")], logins=[_logins(source.host)])
        assert report.ok, report.results
        assert len(storage.seen) == 2, "config and layer"
        assert not any("Authorization" in headers for headers in storage.seen)
        assert all("Authorization" in headers for _, path, headers in source.log if "/blobs/" in path)


class Storage(ThreadingHTTPServer):
    """Where a registry's blobs stand: by the address that it gave, and for nobody who brings a login."""

    daemon_threads = True

    def __init__(self, registry: StrictRegistry) -> None:
        super().__init__(("127.0.0.1", 0), StorageHandler)
        self.registry = registry
        self.seen: list[dict[str, str]] = []
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class StorageHandler(BaseHTTPRequestHandler):
    """One blob a request."""

    server: Storage

    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self.server.seen.append(dict(self.headers))
        digest = self.path.partition("?")[0].rpartition("/")[2]
        content = self.server.registry.repository("app").blobs[digest]
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def test_a_credential_helper_is_asked_by_its_input(tmp_path: Path) -> None:
    helper = tmp_path / "docker-credential-vault"
    helper.write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/arguments\ncat >> {tmp_path}/input\n'
        'echo \'{"Username": "me", "Secret": "secret"}\'\n'
    )
    helper.chmod(0o755)
    with StrictRegistry(basic=("me", "secret")) as source, StrictRegistry() as target:
        Maker(source, "app").image("1", layers=[bytes_of("layer", 1000)])
        (tmp_path / "config.json").write_text(json.dumps({"credHelpers": {source.host: "vault"}}))
        variables = {"DOCKER_CONFIG": str(tmp_path), "PATH": f"{tmp_path}:/usr/bin:/bin"}
        report = run([pair(f"{source.host}/app:1", f"{target.host}/app:1")], logins=docker_logins(variables))
        assert report.ok, report.results
        assert (tmp_path / "arguments").read_text().split() == ["get"], "asked once, with no secret in an argument"
        assert (tmp_path / "input").read_text() == source.host


AUTH = {"auth": base64.b64encode(b"me:secret").decode()}


@pytest.mark.parametrize(
    ("document", "registry", "repository", "known"),
    [
        ({"auths": {NAME: AUTH}}, NAME, "team/app", True),
        ({"auths": {f"https://{NAME}/v2/": AUTH}}, NAME, "team/app", True),
        ({"auths": {f"{NAME}/team": AUTH}}, NAME, "team/app", True),
        ({"auths": {f"{NAME}/team": AUTH}}, NAME, "teams/app", False),
        ({"auths": {"*.example": AUTH}}, NAME, "team/app", True),
        ({"auths": {"*.example": AUTH}}, "a.registry.example", "team/app", False),
        ({"auths": {"*.example/team": AUTH}}, NAME, "team/app", True),
        ({"auths": {"*.example/team": AUTH}}, NAME, "other/app", False),
        ({"auths": {"https://index.docker.io/v1/": AUTH}}, "docker.io", "library/nginx", True),
        ({"auths": {NAME: AUTH}, "credHelpers": {NAME: ""}}, NAME, "team/app", True),
        ({"auths": {NAME: {}}, "credHelpers": {NAME: ""}, "credsStore": "none-such"}, NAME, "team/app", False),
        ({"auths": {NAME: {}}}, NAME, "team/app", False),
    ],
)
def test_a_login_serves_what_its_entry_names(
    document: dict[str, object], registry: str, repository: str, known: bool
) -> None:
    assert (DockerLogins(document, "config.json").login(registry, repository) is not None) == known


@pytest.mark.parametrize(
    ("variable", "file"),
    [
        ("DOCKER_CONFIG", "config.json"),
        ("REGISTRY_AUTH_FILE", ""),
        ("XDG_RUNTIME_DIR", "containers/auth.json"),
        ("XDG_CONFIG_HOME", "containers/auth.json"),
        ("HOME", ".docker/config.json"),
        ("HOME", ".config/containers/auth.json"),
    ],
)
def test_the_files_of_docker_and_podman_are_found(tmp_path: Path, variable: str, file: str) -> None:
    path = tmp_path / (file or "auth.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"auths": {NAME: AUTH}}))
    variables = {"HOME": str(tmp_path / "nobody"), variable: str(tmp_path if file else path)}
    (found,) = docker_logins(variables)
    assert found.login(NAME, "app") is not None


@pytest.mark.parametrize("form", ["data", "stringData", "dockercfg"])
def test_a_pull_secret_is_a_login(form: str) -> None:
    with StrictRegistry(basic=("me", "secret")) as source, StrictRegistry() as target:
        Maker(source, "app").image("1", layers=[bytes_of("layer", 1000)])
        auths = {source.host: {"username": "me", "password": "secret"}}
        text = json.dumps(auths if form == "dockercfg" else {"auths": auths})
        key = ".dockercfg" if form == "dockercfg" else ".dockerconfigjson"
        plain = form == "stringData"
        content = {key: text if plain else base64.b64encode(text.encode()).decode()}
        secret = {"metadata": {"name": "pull"}, "stringData" if plain else "data": content}
        report = run(
            [pair(f"{source.host}/app:1", f"{target.host}/app:1")], logins=pull_secret_logins([{"data": {}}, secret])
        )
        assert report.ok, report.results


def _logins(host: str) -> DockerLogins:
    auth = base64.b64encode(b"me:secret").decode()
    (found,) = pull_secret_logins(
        [{"stringData": {".dockerconfigjson": json.dumps({"auths": {host: {"auth": auth}}})}}]
    )
    return found
