"""More of what single registries answer, each kind once: tokens, rights that end, lists, tags that cannot be changed.

The kinds come from public reports to skopeo, containers/image, crane, oras, diun, Katello, Harbor, Nexus and ECR.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from orchestrator.oci.auth import Login
from orchestrator.oci.copies import CopyState
from orchestrator.oci.errors import Denied, RegistryRefused
from orchestrator.oci.manifest import OCI_INDEX, OCI_MANIFEST, parse_manifest
from tests.oci.copying import pair, run
from tests.oci.corpus import Maker, bytes_of
from tests.oci.odd_images import BLOB, DIGEST, IMAGE, IMAGE_DIGEST, UPLOAD, Known, image, one, push, stream
from tests.oci.scripted_registry import Asked, Said, Script, ScriptedRegistry, error, said
from tests.oci.strict_registry import StrictRegistry

EXPIRED = "Your authorization token has expired. Reauthenticate and try again."


def token_server(answer: Said) -> Script:
    """A registry that wants `Bearer good`, and a token server that gives this answer."""

    def script(asked: Asked) -> Said:
        if asked.path.startswith("/token"):
            return answer
        if asked.headers.get("Authorization") == "Bearer good":
            return image()
        return said(401, WWW_Authenticate=f'Bearer realm="http://{asked.headers["Host"]}/token",service="s"')

    return script


@pytest.mark.parametrize(
    "answer",
    [
        said(200, {"token": "good", "expires_in": "300s"}),
        said(200, {"token": "good", "expires_in": "2030-01-01T00:00:00Z"}),
        said(200, {"token": "good", "expires_in": [300]}),
        said(200, {"token": "good", "expires_in": True}),
        said(200, {"token": "good", "expires_in": 1e308}),
        said(200, {"token": "good", "expires_at": "2030-01-01T00:00:00Z", "issued_at": "yesterday"}),
        said(200, {"token": "good\n"}),
        said(200, {"token": " good "}),
        said(200, b"\xef\xbb\xbf" + json.dumps({"token": "good"}).encode()),
        said(201, {"token": "good"}),
        said(200, {"token": None, "access_token": "good", "refresh_token": 7}),
    ],
)
def test_a_token_is_taken_whatever_stands_beside_it(answer: Said) -> None:
    with ScriptedRegistry(token_server(answer)) as registry:
        client = registry.client()
        for _ in range(3):
            assert client.manifest("app", IMAGE_DIGEST).digest == IMAGE_DIGEST


class Numbered:
    """A login that is made anew when it was refused; nobody waits for a challenge."""

    preemptive = True

    def __init__(self) -> None:
        self.number = 1

    def login(self, registry: str, repository: str, *, renew: bool = False) -> Login:
        self.number += renew
        return Login("AWS", f"secret{self.number}")


@pytest.mark.parametrize(
    "refusal",
    [error(403, "DENIED", EXPIRED), error(400, "DENIED", EXPIRED), error(403, "TOKEN_EXPIRED"), said(401)],
)
def test_a_login_that_has_ended_is_made_anew(refusal: Said) -> None:
    numbered = Numbered()
    ended = Login("AWS", "secret1").basic

    def script(asked: Asked) -> Said:
        return refusal if asked.headers.get("Authorization") == ended else image()

    with ScriptedRegistry(script) as registry:
        client = registry.client(logins=numbered)
        assert client.manifest("app", IMAGE_DIGEST).digest == IMAGE_DIGEST
        assert numbered.number == 2


def test_a_right_that_is_missing_is_asked_for_once() -> None:
    with ScriptedRegistry(one(error(403, "DENIED", "not authorized to perform ecr:BatchGetImage"))) as registry:
        with pytest.raises(Denied, match="not authorized"):
            registry.client(logins=Numbered()).manifest("app", IMAGE_DIGEST)
        assert len(registry.asked) == 1


def test_a_login_that_ends_during_a_blob_is_made_anew_and_the_blob_is_sent_whole() -> None:
    numbered, received = Numbered(), []

    def script(asked: Asked) -> Said:
        if asked.headers.get("Authorization") == Login("AWS", "secret1").basic and asked.method == "PUT":
            return error(403, "DENIED", EXPIRED)
        if asked.method == "POST":
            return said(202, Location=UPLOAD)
        if asked.method == "GET":
            return said(204, Location=UPLOAD, Range="0-0")
        if asked.method == "HEAD":
            return said(404)
        received.append(asked.body)
        return said(201)

    with ScriptedRegistry(script) as registry:
        push(registry.client(logins=numbered))
        assert received == [BLOB]
        assert numbered.number == 2


# HEAD


def test_a_head_that_says_404_of_everything_is_not_believed() -> None:
    with ScriptedRegistry(lambda asked: said(404) if asked.method == "HEAD" else image()) as registry:
        client = registry.client()
        assert client.manifest_digest("app", "v1") == IMAGE_DIGEST
        assert client.manifest_digest("app", "v2") == IMAGE_DIGEST
        assert registry.lines.count("HEAD /v2/app/manifests/v2") == 0, "it is asked by GET from now on"


def test_a_head_that_has_found_something_is_believed() -> None:
    def script(asked: Asked) -> Said:
        return (
            image(Docker_Content_Digest=IMAGE_DIGEST) if asked.path.endswith("v1") else error(404, "MANIFEST_UNKNOWN")
        )

    with ScriptedRegistry(script) as registry:
        client = registry.client()
        assert client.manifest_digest("app", "v1") == IMAGE_DIGEST
        assert client.manifest_digest("app", "v2") is None
        assert [asked.method for asked in registry.asked] == ["HEAD", "HEAD"]


def test_a_404_is_asked_for_twice_once_in_a_run() -> None:
    with ScriptedRegistry(one(error(404, "MANIFEST_UNKNOWN"))) as registry:
        client = registry.client()
        for tag in ("v1", "v2", "v3"):
            assert client.manifest_digest("app", tag) is None
        assert [asked.method for asked in registry.asked] == ["HEAD", "GET", "HEAD", "HEAD"]


# Lists


@pytest.mark.parametrize("code", ["PAGINATION_NUMBER_INVALID", "UNSUPPORTED", ""])
def test_a_registry_that_refuses_the_size_of_a_page_chooses_it(code: str) -> None:
    def script(asked: Asked) -> Said:
        return error(400, code) if "n=" in asked.path else said(200, {"tags": ["a", "b"]})

    with ScriptedRegistry(script) as registry:
        found = registry.client().tags("app")
        assert found is not None
        assert (found.names, found.complete) == (("a", "b"), True)


@pytest.mark.parametrize(
    "link",
    [
        '</v2/app/tags/list?next_page=gAAA%3D&n=50>; rel="next"',
        '<https://elsewhere.example/v2/app/tags/list?last=b&n=2>; rel="next"',
        "</v2/app/tags/list?last=b>; rel='next'",
        '</v2/app/tags/list?last=b>;title="x";rel="next"',
        '</v2/app/tags/list?last=b>; rel="prev next"',
        "</v2/app/tags/list?last=b>; REL=NEXT",
        '</v2/app/tags/list?last=a,b>; rel="next"',
        '</first>; rel="first", </v2/app/tags/list?last=b>; rel="next"',
        '</first>; rel="first" , </v2/app/tags/list?last=b>; rel="next", </last>; rel="last"',
        '<?last=b&n=2>; rel="next"',
    ],
)
def test_every_form_of_a_link_leads_on(link: str) -> None:
    pages = iter([said(200, {"tags": ["a", "b"]}, Link=link), said(200, {"tags": ["c"]})])
    with ScriptedRegistry(lambda asked: next(pages)) as registry:
        found = registry.client().tags("app")
        assert found is not None
        assert found.names == ("a", "b", "c")
        assert registry.lines[1].startswith("GET /v2/app/tags/list?")
        assert ("last" in registry.lines[1]) or "next_page=gAAA%3D" in registry.lines[1]


@pytest.mark.parametrize("link", ['</v2/app/tags/list?last=b>; rel="last"', "nonsense", "<>", '<>; rel="next"'])
def test_what_does_not_lead_on_is_the_end(link: str) -> None:
    with ScriptedRegistry(one(said(200, {"tags": ["a"]}, Link=link))) as registry:
        found = registry.client().tags("app")
        assert found is not None
        assert found.names == ("a",)
        assert len(registry.asked) == 1


# Tags that cannot be changed


@pytest.mark.parametrize(
    "refusal",
    [
        error(412, "PRECONDITION", "Failed to process request due to 'app:v1' configured as immutable."),
        error(400, "TAG_INVALID", "The image tag 'v1' already exists and cannot be overwritten"),
        error(409, "CONFLICT", "tag exists"),
        error(403, "DENIED", "Cannot overwrite immutable tag"),
    ],
)
def test_a_tag_that_names_the_image_already_needs_no_put(refusal: Said) -> None:
    """Another run was faster, and the registry refuses even the same image a second time."""
    manifest = parse_manifest(IMAGE, OCI_MANIFEST)
    there = {"v1": IMAGE_DIGEST, "v2": "sha256:" + "0" * 64}

    def script(asked: Asked) -> Said:
        digest = there[asked.path.rpartition("/")[2]]
        return refusal if asked.method == "PUT" else said(200, b"", Docker_Content_Digest=digest)

    with ScriptedRegistry(script) as registry:
        client = registry.client()
        assert client.put_manifest("app", "v1", manifest).confirmed
        with pytest.raises(RegistryRefused):
            client.put_manifest("app", "v2", manifest)


# One repository among others


@pytest.mark.parametrize("status", [401, 403])
def test_a_repository_that_refuses_stops_no_other(status: int) -> None:
    with StrictRegistry() as source, StrictRegistry() as target:
        for name in ("good", "bad"):
            Maker(source, name).image("v1", layers=[bytes_of(name, 5_000)], config=name)
            # An image before, so that the repository is looked into.
            Maker(target, name).image("v0", layers=[bytes_of(f"{name}0", 500)], config=f"{name}0")
        with refusing(target, "/v2/bad/blobs/", status):
            report = run([pair(f"{source.host}/{name}:v1", f"{target.host}/{name}:v1") for name in ("good", "bad")])
        states = {result.copy.target.repository: result.state for result in report.results}
        assert states == {"good": CopyState.COPIED, "bad": CopyState.FAILED}
        assert "v1" in target.repository("good").tags
        assert "v1" not in target.repository("bad").tags


class refusing:  # noqa: N801 - reads as a sentence where it is used
    """While it is entered, every request below a path is refused."""

    def __init__(self, registry: StrictRegistry, path: str, status: int) -> None:
        self._registry, self._path, self._status = registry, path, status

    def __enter__(self) -> None:
        from tests.oci import strict_registry

        handler = strict_registry._Handler
        self._before = handler._serve
        registry, path, status, before = self._registry, self._path, self._status, self._before

        def serve(own: Any) -> None:
            if own.registry is registry and own.path.startswith(path):
                own.left = int(own.headers.get("Content-Length") or 0)
                own._error(status, "DENIED", "not for you")
            else:
                before(own)

        handler._serve = serve  # type: ignore[method-assign,assignment]

    def __exit__(self, *_: object) -> None:
        from tests.oci import strict_registry

        strict_registry._Handler._serve = self._before  # type: ignore[method-assign]


# Content


def test_an_index_with_data_and_unknown_fields_is_copied_byte_for_byte() -> None:
    with StrictRegistry() as source, StrictRegistry() as target:
        maker = Maker(source, "app")
        child = maker.image(layers=[bytes_of("a", 100)], config="a")
        child |= {"data": "e30=", "urls": ["https://example.com/x"], "annotations": None, "platform": None}
        maker.put({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [child], "x-vendor": {"a": [1]}}, "v1")
        report = run([pair(f"{source.host}/app:v1", f"{target.host}/app:v1")])
        assert [result.error for result in report.results] == [None]
        assert target.repository("app").manifests == source.repository("app").manifests


def redirected(location: str, content: Said) -> Script:
    def script(asked: Asked) -> Said:
        return content if "store" in asked.path else said(307, Location=location.replace("HOST", asked.headers["Host"]))

    return script


@pytest.mark.parametrize(
    "location",
    [
        "/store/x?sig=a%2Fb%3D&e=1",
        "store/x?sig=a%2Fb%3D&e=1",
        "//HOST/store/x?sig=a%2Fb%3D&e=1",
        "?store=1&sig=a%2Fb%3D",
    ],
)
def test_a_relative_redirect_of_a_blob_is_followed_with_its_signature_as_it_is(location: str) -> None:
    with ScriptedRegistry(redirected(location, said(200, BLOB))) as registry:
        assert b"".join(stream(registry.client(logins=Known())).pieces(0, len(BLOB))) == BLOB
        assert "sig=a%2Fb%3D" in registry.lines[-1]


def test_a_blob_that_is_there_in_a_part_that_nobody_asked_for_is_read() -> None:
    whole = said(206, BLOB, Content_Range=f"bytes 0-{len(BLOB) - 1}/{len(BLOB)}")
    with ScriptedRegistry(one(whole)) as registry:
        assert b"".join(stream(registry.client()).pieces(0, len(BLOB))) == BLOB


def ends(turns: Iterator[Said]) -> Script:
    return lambda asked: next(turns) if asked.method == "PUT" else said(202, Location=UPLOAD, Range="0-0")


@pytest.mark.parametrize("status", [200, 202, 204])
def test_any_success_ends_an_upload(status: int) -> None:
    with ScriptedRegistry(ends(iter([said(status)]))) as registry:
        push(registry.client())
        assert registry.lines[-1].startswith("PUT ")
        assert registry.asked[-1].body == BLOB
        assert DIGEST in registry.lines[-1]
