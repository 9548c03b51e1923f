"""What blobs and uploads of single registries, proxies and storages are known to do otherwise than the specification says: each kind once.

The kinds come from public reports to skopeo, containers/image, regclient, crane, oras and distribution.
"""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from orchestrator.oci.blobs import read_blob
from orchestrator.oci.client import RemoteRegistry
from orchestrator.oci.errors import Denied, NotUsable, RegistryRefused
from tests.oci.copying import pair, run
from tests.oci.corpus import Maker, bytes_of
from tests.oci.odd_images import BLOB, DIGEST, UPLOAD, Known, one, push, stream
from tests.oci.scripted_registry import Asked, Said, Script, ScriptedRegistry, error, said
from tests.oci.strict_registry import StrictRegistry


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_every_kind_of_redirect_of_a_blob_is_followed_without_credentials(status: int) -> None:
    with (
        ScriptedRegistry(one(said(200, BLOB))) as storage,
        ScriptedRegistry(one(said(status, Location=f"http://{storage.host}/b?X-Amz-Signature=a%2fb%2B"))) as registry,
    ):
        client = registry.client(logins=Known())
        client._authorizer._preemptive = True
        assert read_blob(stream(client), 1000) == BLOB
        assert registry.asked[0].headers["Authorization"]
        assert "Authorization" not in storage.asked[0].headers


def test_redirects_without_an_end_are_named() -> None:
    with ScriptedRegistry(lambda asked: said(302, Location=asked.path)) as registry:
        with pytest.raises(RegistryRefused, match="redirect"):
            registry.client().manifest("app", "v1")
        assert len(registry.asked) <= 10


def test_a_storage_that_refuses_is_named_and_gets_no_login() -> None:
    """A link may have ended; a rule of a VPC endpoint may not know the bucket. Its challenge is nobody's business."""

    def storage_script(asked: Asked) -> Said:
        return error(401, "UNAUTHORIZED", WWW_Authenticate=f'Bearer realm="http://{storage.host}/token"')

    with (
        ScriptedRegistry(storage_script) as storage,
        ScriptedRegistry(lambda asked: said(307, Location=f"http://{storage.host}{asked.path}")) as registry,
    ):
        with pytest.raises(Denied, match=storage.host):
            read_blob(stream(registry.client(logins=Known())), 1000)
        assert not any("token" in line for line in storage.lines)
        assert all("Authorization" not in asked.headers for asked in storage.asked)
        assert len(registry.asked) == 2


def test_a_link_that_has_ended_is_asked_for_again() -> None:
    answers = iter([error(403, "", "Request has expired")])
    with (
        ScriptedRegistry(lambda asked: next(answers, said(200, BLOB))) as storage,
        ScriptedRegistry(one(said(307, Location=f"http://{storage.host}/b"))) as registry,
    ):
        assert read_blob(stream(registry.client()), 1000) == BLOB


@pytest.mark.parametrize("status", [400, 403, 405])
def test_a_blob_that_is_redirected_to_a_storage_is_there(status: int) -> None:
    """What is signed for GET refuses HEAD."""
    with (
        ScriptedRegistry(one(said(status))) as storage,
        ScriptedRegistry(one(said(307, Location=f"http://{storage.host}/b"))) as registry,
    ):
        assert registry.client().has_blob("app", DIGEST)


@pytest.mark.parametrize("status", [400, 405, 501])
def test_a_registry_that_does_not_say_whether_it_has_a_blob_gets_it(status: int) -> None:
    with ScriptedRegistry(one(said(status))) as registry:
        assert not registry.client().has_blob("app", DIGEST)


@pytest.mark.parametrize("bad", [said(416), said(206, BLOB, Content_Range=f"bytes 0-{len(BLOB) - 1}/{len(BLOB)}")])
def test_a_registry_that_cannot_go_on_is_read_from_the_start(bad: Said) -> None:
    def script(asked: Asked) -> Said:
        return bad if asked.headers.get("Range") else said(200, BLOB)

    with ScriptedRegistry(script) as registry:
        assert b"".join(stream(registry.client()).pieces(50, 30)) == BLOB[50:80]


def test_a_layer_that_a_proxy_has_compressed_is_unpacked() -> None:
    def script(asked: Asked) -> Said:
        return said(200, gzip.compress(BLOB), Content_Encoding="gzip")

    with ScriptedRegistry(script) as registry:
        assert read_blob(stream(registry.client()), 1000) == BLOB


def test_a_layer_that_its_storage_calls_compressed_is_taken_as_it_is() -> None:
    with ScriptedRegistry(one(said(200, BLOB, Content_Encoding="gzip"))) as registry:
        assert read_blob(stream(registry.client()), 1000) == BLOB


def uploads(location: str, finish: Said | None = None, patch: Said | None = None) -> Script:
    def script(asked: Asked) -> Said:
        if asked.method == "POST":
            return said(202, Location=location.replace("HOST", asked.headers["Host"]))
        if asked.method == "PATCH":
            return patch or said(202)
        return finish or said(201)

    return script


@pytest.mark.parametrize(
    "location",
    [
        UPLOAD,
        f"http://HOST{UPLOAD}",
        UPLOAD.removeprefix("/v2/app/blobs/uploads/"),
        f"//HOST{UPLOAD}",
        "/v2/app/blobs/uploads/1?",
    ],
)
def test_an_upload_goes_where_its_location_says(location: str) -> None:
    with ScriptedRegistry(uploads(location)) as registry:
        push(registry.client())
        last = registry.asked[-1]
        path, _, query = last.path.partition("?")
        assert (path, last.body) == ("/v2/app/blobs/uploads/1", BLOB)
        assert query == ("_state=a%2Bb==&" if "_state" in location else "") + f"digest={DIGEST}"


@pytest.mark.parametrize("location", ["http://registry.example.com/u/1", "http://REGISTRY.example.com:80/u/1"])
def test_a_location_without_encryption_is_the_registry_behind_its_proxy(location: str) -> None:
    from orchestrator.oci.http import Transport
    from orchestrator.oci.ports import Endpoint

    client = RemoteRegistry(Endpoint("registry.example.com"), Transport(variables={}))
    base = "https://registry.example.com/v2/app/blobs/uploads/"
    assert client.located(base, location) == "https://registry.example.com/u/1"
    assert client.located(base, "https://registry.example.com:443/u/1").endswith("/u/1")
    with pytest.raises(NotUsable, match="unencrypted"):
        client.located(base, "http://internal:5000/u/1")


def test_an_upload_without_a_location_is_named() -> None:
    for answer in (said(202), said(201), said(200, Location="")):
        with ScriptedRegistry(one(answer)) as registry, pytest.raises(NotUsable, match="without saying where"):
            push(registry.client())


def test_chunks_go_to_the_same_place_where_no_other_is_named() -> None:
    with ScriptedRegistry(uploads(UPLOAD)) as registry:
        client = registry.client()
        client.largest_chunk = 90
        push(client)
        assert [asked.method for asked in registry.asked] == ["POST", "PATCH", "PATCH", "PATCH", "PUT"]
        assert {asked.path.partition("?")[0] for asked in registry.asked[1:]} == {"/v2/app/blobs/uploads/1"}


@pytest.mark.parametrize(("said_range", "rest"), [("0-99", 100), ("bytes=0-99", 100), ("0-0", 200), ("", 200)])
def test_an_upload_goes_on_from_what_the_registry_has(said_range: str, rest: int) -> None:
    failed: list[Asked] = []

    def script(asked: Asked) -> Said:
        if asked.method == "POST":
            return said(202, Location=UPLOAD)
        if asked.method == "GET":
            return said(204, Range=said_range)
        if asked.method == "HEAD":
            return said(404)
        if not failed:
            failed.append(asked)
            return said(502)
        return said(201 if asked.method == "PUT" else 202)

    with ScriptedRegistry(script) as registry:
        push(registry.client())
        after = registry.asked[registry.asked.index(failed[0]) + 1 :]
        assert max(len(asked.body) for asked in after) == rest


@pytest.mark.parametrize("code", ["DENIED", "NAME_INVALID", "UNSUPPORTED", "LAYER_TOO_LARGE"])
def test_a_blob_that_is_refused_for_good_is_sent_once(code: str) -> None:
    with ScriptedRegistry(uploads(UPLOAD, finish=error(400, code, "quota"))) as registry:
        with pytest.raises(RegistryRefused, match="quota"):
            push(registry.client())
        assert sum(asked.method == "PUT" for asked in registry.asked) == 1


def test_a_full_registry_is_named() -> None:
    with ScriptedRegistry(uploads(UPLOAD, finish=said(507))) as registry, pytest.raises(RegistryRefused, match="507"):
        push(registry.client())


def test_a_start_that_is_redirected_is_followed() -> None:
    def script(asked: Asked) -> Said:
        if asked.path == "/v2/app/blobs/uploads/":
            return said(307, Location="/v2/moved/app/blobs/uploads/")
        return uploads(UPLOAD)(asked)

    with ScriptedRegistry(script) as registry:
        push(registry.client())
        assert registry.lines[:2] == ["POST /v2/app/blobs/uploads/", "POST /v2/moved/app/blobs/uploads/"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405])
def test_a_mount_that_is_refused_becomes_an_upload(status: int) -> None:
    with StrictRegistry() as source, StrictRegistry() as target:
        for name in ("a", "b"):
            maker = Maker(source, name)
            maker.index("v1", children={"linux/amd64": maker.image(layers=[bytes_of("x", 9000)], config=name)})
        before = target.on_request
        from tests.oci import strict_registry

        handler, original = strict_registry._Handler, strict_registry._Handler._uploads

        def refusing(self: Any, name: str, session: str) -> None:
            if self.command == "POST" and self.query.get("mount"):
                self._error(status, "UNAUTHORIZED", "insufficient scope")
            else:
                original(self, name, session)

        handler._uploads = refusing  # type: ignore[method-assign]
        try:
            copies = [pair(f"{source.host}/{name}:v1", f"{target.host}/{name}:v1") for name in ("a", "b")]
            report = run(copies)
        finally:
            handler._uploads = original  # type: ignore[method-assign]
        assert before is target.on_request
        assert [result.error for result in report.results] == [None, None]
        assert report.refused_mounts >= 1
