"""What logins and limits of single registries are known to do otherwise than the specification says: each kind once.

The kinds come from public reports to skopeo, containers/image, regclient, crane, oras and distribution.
"""

from __future__ import annotations

import base64
from typing import Any

import pytest

from orchestrator.oci.errors import Absent, NotUsable, Unreachable
from orchestrator.oci.logins import DockerLogins
from tests.oci.odd_images import IMAGE_DIGEST, Known, image, one
from tests.oci.scripted_registry import Asked, NoWait, Said, Script, ScriptedRegistry, error, said


def with_token(answer: dict[str, Any], challenge: tuple[str, ...] = ()) -> Script:
    """A registry that wants `Bearer good`, and a token server that answers with `answer`."""

    def script(asked: Asked) -> Said:
        host = asked.headers["Host"]
        if asked.path.startswith("/token"):
            return said(200, answer)
        if asked.headers.get("Authorization") == "Bearer good":
            return image()
        lines = challenge or (f'Bearer realm="http://{host}/token",service="s"',)
        return Said(401, tuple(("WWW-Authenticate", line.replace("HOST", host)) for line in lines))

    return script


@pytest.mark.parametrize(
    "answer",
    [
        {"token": "good"},
        {"access_token": "good"},
        {"token": "", "access_token": "good"},
        {"token": "good", "expires_in": None},
        {"token": "good", "expires_in": 0},
        {"token": "good", "expires_in": "300"},
        {"token": "good", "issued_at": "0001-01-01T00:00:00Z", "expires_in": 1},
        {"token": "good", "expires_in": float("nan")},
        {"token": "good", "expires_in": -5},
    ],
)
def test_a_token_is_taken_in_every_form(answer: dict[str, Any]) -> None:
    with ScriptedRegistry(with_token(answer)) as registry:
        assert registry.client().manifest("app", IMAGE_DIGEST).digest == IMAGE_DIGEST


def test_a_token_without_an_end_is_used_again() -> None:
    with ScriptedRegistry(with_token({"token": "good"})) as registry:
        client = registry.client()
        for _ in range(5):
            client.manifest("app", IMAGE_DIGEST)
        assert sum(line.startswith("GET /token") for line in registry.lines) == 1


@pytest.mark.parametrize("answer", [{}, {"token": 5}, [], {"token": None}, "text", {"token": "a\r\nHost: evil"}])
def test_what_is_no_token_is_named(answer: Any) -> None:
    with ScriptedRegistry(with_token(answer)) as registry, pytest.raises(NotUsable, match="no token"):
        registry.client().manifest("app", IMAGE_DIGEST)


@pytest.mark.parametrize(
    "challenge",
    [
        ("Negotiate", 'Bearer realm="http://HOST/token"'),
        ("NTLM", 'BEARER Realm="http://HOST/token", Service="s"'),
        ('Basic realm="x", bearer realm=http://HOST/token',),
        ('Bearer realm="http://HOST/token", scope="repository:app:pull,push", error="insufficient_scope"',),
        ('Bearer  service="a, basic b" , realm="http://HOST/token"',),
        ('Bearer realm="/token",service="s"',),
    ],
)
def test_a_challenge_is_found_among_others(challenge: tuple[str, ...]) -> None:
    with ScriptedRegistry(with_token({"token": "good"}, challenge)) as registry:
        assert registry.client().manifest("app", IMAGE_DIGEST).digest == IMAGE_DIGEST


@pytest.mark.parametrize(
    "challenge", [("Basic",), ('BASIC realm="x"',), ("Negotiate", 'Basic realm="x"'), ("",), ("Bearer", "Basic")]
)
def test_basic_is_spoken_where_nothing_else_is(challenge: tuple[str, ...]) -> None:
    def script(asked: Asked) -> Said:
        if (asked.headers.get("Authorization") or "").startswith("Basic "):
            return image()
        return Said(401, tuple(("WWW-Authenticate", line) for line in challenge))

    with ScriptedRegistry(script) as registry:
        assert registry.client(logins=Known()).manifest("app", IMAGE_DIGEST).digest == IMAGE_DIGEST


def test_a_registry_that_wants_basic_after_a_weak_token_gets_it() -> None:
    def script(asked: Asked) -> Said:
        sent = asked.headers.get("Authorization") or ""
        if asked.path.startswith("/token"):
            return said(200, {"token": "weak"})
        if sent.startswith("Basic "):
            return image()
        host = asked.headers["Host"]
        return said(401, WWW_Authenticate='Basic realm="harbor"' if sent else f'Bearer realm="http://{host}/token"')

    with ScriptedRegistry(script) as registry:
        client = registry.client(logins=Known())
        assert client.manifest("app", IMAGE_DIGEST).digest == IMAGE_DIGEST


def test_a_scope_that_only_the_registry_knows_is_asked_for() -> None:
    def script(asked: Asked) -> Said:
        if asked.path.startswith("/token"):
            return said(200, {"token": "good" if "scope=group%3Aread" in asked.path else "weak"})
        if asked.headers.get("Authorization") == "Bearer good":
            return image()
        host = asked.headers["Host"]
        return said(401, WWW_Authenticate=f'Bearer realm="http://{host}/token",scope="group:read"')

    with ScriptedRegistry(script) as registry:
        client = registry.client()
        assert client.manifest("app", IMAGE_DIGEST).digest == IMAGE_DIGEST
        client.manifest("app", IMAGE_DIGEST)
        tokens = [line for line in registry.lines if "/token" in line]
        assert len(tokens) == 2
        assert tokens[-1].count("group%3Aread") == 1


@pytest.mark.parametrize("wrapped", ["{}", "{}\n", " {} "])
def test_an_entry_of_config_json_may_have_line_ends(wrapped: str) -> None:
    text = base64.b64encode(b"robot:a:b:c-and-a-password-that-is-long-enough-for-a-second-line").decode()
    for auth in (wrapped.format(text), wrapped.format(text[:40] + "\r\n" + text[40:])):
        found = DockerLogins({"auths": {"quay.io": {"auth": auth}}}, "config.json").login("quay.io", "app")
        assert found is not None
        assert (found.user, found.password[:5]) == ("robot", "a:b:c")


@pytest.mark.parametrize(
    "name", ["https://Quay.io/v1/", "http://quay.io", "QUAY.IO", "quay.io/", "https://quay.io/v2/"]
)
def test_a_registry_is_found_however_docker_wrote_it(name: str) -> None:
    auth = base64.b64encode(b"robot:secret").decode()
    found = DockerLogins({"auths": {name: {"auth": auth}}}, "config.json").login("quay.io", "app")
    assert found is not None


@pytest.mark.parametrize(
    ("answer", "least"),
    [
        (said(429, Retry_After="7"), 7),
        (said(429, Retry_After="7.5"), 7.5),
        (said(503, Retry_After="7"), 7),
        (said(429, X_Retry_After="7"), 7),
        (error(429, "TOOMANYREQUESTS", "You have reached your pull rate limit"), 0),
        (error(403, "TOOMANYREQUESTS"), 0),
        (error(400, "ThrottlingException"), 0),
        (said(429, Retry_After="soon"), 0),
        (said(429, Retry_After="-5"), 0),
        (said(429, Retry_After="nan"), 0),
    ],
)
def test_a_limit_is_waited_for(answer: Said, least: float) -> None:
    answers = iter([answer])
    with ScriptedRegistry(lambda asked: next(answers, image())) as registry:
        client = registry.client()
        # The pace waits by the clock; this looks at the waits of the attempts.
        enter = client._enter

        def forgetful(action: str) -> Any:
            client._paces.pop(action, None)
            return enter(action)

        client._enter = forgetful  # type: ignore[method-assign]
        assert client.manifest("app", IMAGE_DIGEST).digest == IMAGE_DIGEST
        assert isinstance(client.stop, NoWait)
        assert max(client.stop.waits) >= least


@pytest.mark.parametrize("until", ["86400", "Fri, 31 Dec 2100 23:59:59 GMT", "inf"])
def test_a_limit_that_lasts_longer_than_any_run_is_named(until: str) -> None:
    with ScriptedRegistry(one(said(429, Retry_After=until))) as registry:
        client = registry.client()
        for _ in range(2):
            with pytest.raises(Unreachable, match=r"limits|answers 429|asks to wait"):
                client.manifest("app", IMAGE_DIGEST)
        assert len(registry.asked) == 1


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>502</html>", b'{"errors": "text"}', b'{"errors": []}', b'{"errors": [5]}', b"[1]", b"\xff\xfe"],
)
def test_an_error_body_of_any_kind_is_survived(body: bytes) -> None:
    with ScriptedRegistry(one(said(404, body))) as registry, pytest.raises(Absent):
        registry.client().manifest("app", "v1")
