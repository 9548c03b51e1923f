"""A login that ends at any request of a copy, as ECR's does after twelve hours: made anew once, and the copy goes on."""

from __future__ import annotations

import threading
from collections import Counter

import pytest

from orchestrator.oci.auth import Login
from orchestrator.oci.errors import Denied
from orchestrator.oci.ports import Endpoint
from orchestrator.oci.registries import Registries
from tests.oci import strict_registry
from tests.oci.copying import QUICK, pair, run
from tests.oci.corpus import Maker, bytes_of, graph
from tests.oci.scripted_registry import ScriptedRegistry, error
from tests.oci.strict_registry import StrictRegistry

EXPIRED = "Your authorization token has expired. Reauthenticate and try again."


class EcrLike(StrictRegistry):
    """Its password becomes another with request number `ends_at`; it refuses the former one by `status`, as ECR does."""

    def __init__(self, ends_at: int, status: int) -> None:
        self.ends_at, self.status, self.seen, self.turn = ends_at, status, 0, threading.Lock()
        super().__init__(basic=("AWS", "first"))
        self.on_request = self.count

    def count(self, method: str, path: str) -> None:
        with self.turn:
            self.seen += 1
            if self.seen == self.ends_at:
                self.basic = ("AWS", "second")


class Handed:
    """Logins as the session hands them out: no challenge is waited for, and another one comes when one was refused.

    Those of a credential helper wait for a challenge (`preemptive` is false).
    """

    def __init__(self, registry: StrictRegistry, *, preemptive: bool = True) -> None:
        self.registry, self.preemptive = registry, preemptive
        self.asked: Counter[bool] = Counter()
        self.kept = Login("AWS", "first")

    def login(self, registry: str, repository: str, *, renew: bool = False) -> Login:
        self.asked[renew] += 1
        if renew and self.registry.basic:
            self.kept = Login(*self.registry.basic)
        return self.kept


@pytest.fixture(autouse=True)
def refused_as_by_ecr(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse = strict_registry._Handler._error

    def as_ecr(
        handler: strict_registry._Handler, status: int, code: str, message: str, headers: dict[str, str] | None = None
    ) -> None:
        wanted = getattr(handler.registry, "status", 401)
        if status == 401 and wanted != 401:
            status, code, message, headers = wanted, "DENIED", EXPIRED, None
        refuse(handler, status, code, message, headers)

    monkeypatch.setattr(strict_registry._Handler, "_error", as_ecr)


def put_graph(source: StrictRegistry) -> None:
    for name in ("a", "b"):
        maker = Maker(source, name)
        shared = bytes_of("shared", 70_000)
        parts = {
            f"linux/{arch}": maker.image(layers=[shared, bytes_of((name, arch), 400)], config=(name, arch))
            for arch in ("amd64", "arm64")
        }
        index = maker.index("v1", children=parts)
        maker.referrer(index, name)
        maker.cosign(index)


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_login_that_ends_at_any_request_of_a_copy_stops_nothing(status: int) -> None:
    with StrictRegistry() as source:
        put_graph(source)
        total, number = 200, 1
        while number < total:
            with EcrLike(number, status) as target:
                logins = Handed(target)
                copies = [pair(f"{source.host}/{name}:v1", f"{target.host}/{name}:v1") for name in ("a", "b")]
                endpoint = Endpoint(target.host, url=f"http://{target.host}", logins=logins)
                report = run(copies, endpoint)
                assert [result.error for result in report.results] == [None, None], (number, status)
                for name in ("a", "b"):
                    assert graph(target, name)["manifests"] == graph(source, name)["manifests"], (number, status)
                if number == 1:
                    total = target.seen
            number += 5
        assert number > 10


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_login_that_ended_before_a_head_is_made_anew_though_no_body_says_so(status: int) -> None:
    with EcrLike(1, status) as source:
        put_graph(source)
        logins = Handed(source)
        endpoint = Endpoint(source.host, url=f"http://{source.host}", logins=logins)
        with Registries([endpoint], variables={}, budget=QUICK) as registries:
            digest = registries.of(source.host).manifest_digest("a", "v1")
        assert digest == source.repository("a").tags["v1"]
        assert (logins.asked[True], source.seen) == (1, 2)


def test_a_head_that_is_refused_for_good_is_asked_twice_and_keeps_its_reason() -> None:
    with ScriptedRegistry(lambda asked: error(403, "DENIED", "")) as registry:
        handed = Handed(StrictRegistry.__new__(StrictRegistry))
        handed.registry.basic = ("AWS", "first")
        with pytest.raises(Denied, match="403") as caught:
            registry.client(logins=handed).manifest_digest("app", "1")
        assert caught.value.status == 403
        assert len(registry.asked) == 1, "the login that came anew is the same"


def test_a_credential_helpers_login_is_made_anew_too() -> None:
    with EcrLike(4, 401) as source:
        put_graph(source)
        logins = Handed(source, preemptive=False)
        endpoint = Endpoint(source.host, url=f"http://{source.host}", logins=logins)
        with Registries([endpoint], variables={}, budget=QUICK) as registries:
            registry = registries.of(source.host)
            # Challenged, answered; then the login ends, and a HEAD is refused as ECR does.
            assert registry.manifest_digest("a", "v1") == source.repository("a").tags["v1"]
            source.status = 403
            source.basic = ("AWS", "second")
            assert registry.manifest_digest("b", "v1") == source.repository("b").tags["v1"]
        assert logins.asked[True] == 1
