"""What manifests and lists of single registries are known to do otherwise than the specification says: each kind once.

The kinds come from public reports to skopeo, containers/image, regclient, crane, oras and distribution.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest

from orchestrator.oci.errors import NotUsable, OciError, RegistryRefused
from orchestrator.oci.manifest import OCI_INDEX, OCI_MANIFEST, digest_of, fallback_tag, parse_manifest
from tests.oci.copying import pair, run
from tests.oci.corpus import Maker, bytes_of
from tests.oci.odd_images import CONFIG, DIGEST, IMAGE, IMAGE_DIGEST, image, one
from tests.oci.scripted_registry import Asked, Said, ScriptedRegistry, error, said
from tests.oci.strict_registry import StrictRegistry


@pytest.mark.parametrize("status", [400, 405, 501])
def test_a_registry_without_head_is_asked_by_get(status: int) -> None:
    with ScriptedRegistry(lambda asked: said(status) if asked.method == "HEAD" else image()) as registry:
        assert registry.client().manifest_digest("app", "v1") == IMAGE_DIGEST


@pytest.mark.parametrize(
    "header", ["", IMAGE_DIGEST.upper(), "sha256:short", f"{IMAGE_DIGEST}, {IMAGE_DIGEST}", '"etag"']
)
def test_a_digest_that_is_none_in_a_header_is_computed(header: str) -> None:
    with ScriptedRegistry(one(image(Docker_Content_Digest=header))) as registry:
        assert registry.client().manifest_digest("app", "v1") == IMAGE_DIGEST


def test_headers_in_any_case_are_read() -> None:
    with ScriptedRegistry(one(said(200, b"", docker_content_DIGEST=IMAGE_DIGEST))) as registry:
        assert registry.client().manifest_digest("app", "v1") == IMAGE_DIGEST
        assert len(registry.asked) == 1


@pytest.mark.parametrize("said_type", ["", "application/json", "text/plain", f"{OCI_MANIFEST}; charset=utf-8"])
def test_a_manifest_without_a_media_type_is_told_by_what_it_holds(said_type: str) -> None:
    with ScriptedRegistry(one(image(Content_Type=said_type))) as registry:
        assert registry.client().manifest("app", IMAGE_DIGEST).media_type == OCI_MANIFEST


def test_a_login_page_is_named_at_once() -> None:
    page = said(200, b"<html>Please log in</html>", Content_Type="text/html; charset=utf-8")
    with ScriptedRegistry(one(page)) as registry:
        with pytest.raises(NotUsable, match="web page"):
            registry.client().manifest("app", "v1")
        assert len(registry.asked) == 1


@pytest.mark.parametrize("kind", ["application/vnd.docker.distribution.manifest.v1+prettyjws", "application/json"])
def test_schema_1_is_refused_by_name_although_its_digest_is_another(kind: str) -> None:
    old = said(
        200, {"schemaVersion": 1, "fsLayers": [], "signatures": []}, Content_Type=kind, Docker_Content_Digest=DIGEST
    )
    with ScriptedRegistry(one(old)) as registry:
        with pytest.raises(NotUsable) as caught:
            registry.client().manifest("app", "v1")
        assert "schema 1" in caught.value.why
        assert len(registry.asked) == 1


def test_a_manifest_that_a_proxy_has_compressed_is_unpacked() -> None:
    packed = said(
        200,
        gzip.compress(IMAGE),
        Content_Type=OCI_MANIFEST,
        Content_Encoding="gzip",
        Docker_Content_Digest=IMAGE_DIGEST,
    )
    with ScriptedRegistry(one(packed)) as registry:
        assert registry.client().manifest("app", "v1").content == IMAGE


def test_what_unpacks_to_too_much_is_no_manifest() -> None:
    bomb = said(200, gzip.compress(b" " * 50_000_000), Content_Encoding="gzip", Docker_Content_Digest=IMAGE_DIGEST)
    with ScriptedRegistry(one(bomb)) as registry, pytest.raises(OciError):
        registry.client().manifest("app", "v1")


@pytest.mark.parametrize(
    ("document", "media_type"),
    [
        ({"manifests": [], "layers": []}, OCI_INDEX),
        ({"manifests": [], "config": CONFIG, "layers": []}, OCI_MANIFEST),
        ({"manifests": [], "config": CONFIG, "layers": []}, ""),
    ],
)
def test_a_document_that_is_an_image_and_an_index_is_refused(document: dict[str, Any], media_type: str) -> None:
    with pytest.raises(NotUsable) as caught:
        parse_manifest(json.dumps({"schemaVersion": 2} | document).encode(), media_type)
    assert "both" in caught.value.why


def test_a_build_cache_lists_layers_in_an_index() -> None:
    layer = {"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "digest": IMAGE_DIGEST, "size": 5}
    cache = CONFIG | {"mediaType": "application/vnd.buildkit.cacheconfig.v0"}
    found = parse_manifest(
        json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [layer, cache]}).encode()
    )
    assert [blob.digest for blob in found.blobs] == [IMAGE_DIGEST, DIGEST]
    assert found.children == ()


def test_a_build_cache_is_copied_with_its_layers() -> None:
    with StrictRegistry() as source, StrictRegistry() as target:
        maker = Maker(source, "cache")
        layer = maker.blob(bytes_of("layer", 5000)) | {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip"}
        content = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [layer]}).encode()
        repository = source.repository("cache")
        repository.manifests[digest_of(content)] = OCI_INDEX, content
        repository.tags["v1"] = digest_of(content)
        report = run([pair(f"{source.host}/cache:v1", f"{target.host}/cache:v1")])
        assert [result.error for result in report.results] == [None]
        assert layer["digest"] in target.repository("cache").blobs


def test_a_manifest_whose_blob_is_not_seen_yet_is_put_again() -> None:
    answers = iter([error(400, "MANIFEST_BLOB_UNKNOWN"), error(404, "BLOB_UNKNOWN")])
    with ScriptedRegistry(lambda asked: next(answers, said(201))) as registry:
        registry.client().put_manifest("app", "v1", parse_manifest(IMAGE))
        assert len(registry.asked) == 3
    with ScriptedRegistry(one(error(400, "MANIFEST_BLOB_UNKNOWN", "gone"))) as registry:
        with pytest.raises(RegistryRefused, match="gone"):
            registry.client().put_manifest("app", "v1", parse_manifest(IMAGE))
        assert len(registry.asked) <= 4


@pytest.mark.parametrize(
    "link",
    [
        '</v2/app/tags/list?n=1&last=a>; rel="next"',
        "</v2/app/tags/list?n=1&last=a>; rel=next",
        '<http://registry.internal:5000/v2/app/tags/list?n=1&last=a>; rel="next"',
        '<list?n=1&last=a>; title="x"; rel="next"',
    ],
)
def test_the_next_page_is_found_however_its_link_is_written(link: str) -> None:
    def script(asked: Asked) -> Said:
        if "last=" in asked.path:
            return said(200, {"tags": ["b"]})
        return said(200, {"tags": ["a"]}, Link=link)

    with ScriptedRegistry(script) as registry:
        found = registry.client().tags("app")
        assert found is not None
        assert found.names == ("a", "b")


@pytest.mark.parametrize("document", [{"tags": None}, {"name": "app"}, {"tags": []}])
def test_a_repository_without_tags_has_an_empty_list(document: dict[str, Any]) -> None:
    with ScriptedRegistry(one(said(200, document))) as registry:
        found = registry.client().tags("app")
        assert found is not None
        assert found.names == ()


def test_pages_that_point_at_each_other_end() -> None:
    def script(asked: Asked) -> Said:
        other = "b" if "page=a" in asked.path else "a"
        return said(
            200,
            {"manifests": []},
            Content_Type=OCI_INDEX,
            Link=f'<{asked.path.partition("?")[0]}?page={other}>; rel="next"',
        )

    with ScriptedRegistry(script) as registry:
        assert registry.client().referrers("app", DIGEST) == ()
        assert len(registry.asked) <= 3
    with ScriptedRegistry(lambda asked: script(asked)._replace(body=b'{"tags": ["x"]}')) as registry:
        registry.client().tags("app")
        assert len(registry.asked) <= 3


@pytest.mark.parametrize(
    "answer",
    [
        error(404, "NOT_FOUND"),
        said(404, b"page not found"),
        error(405, "UNSUPPORTED"),
        said(400, b""),
        said(406, b""),
        said(501, b""),
        said(200, b"<html>console</html>", Content_Type="text/html"),
        said(200, b"", Content_Type=OCI_INDEX),
        said(200, [], Content_Type="application/json"),
        said(200, {"manifests": ["text"]}, Content_Type="application/json"),
    ],
)
def test_no_list_of_referrers_is_told_from_an_empty_one(answer: Said) -> None:
    with ScriptedRegistry(one(answer)) as registry:
        assert registry.client().referrers("app", DIGEST) is None
    empty: list[dict[str, Any]] = [{"manifests": []}, {"manifests": None}]
    for body in empty:
        with ScriptedRegistry(one(said(200, body))) as registry:
            assert registry.client().referrers("app", DIGEST) == ()


def test_a_login_page_elsewhere_stands_for_no_list_of_referrers() -> None:
    with (
        ScriptedRegistry(one(said(403, b"<html>"))) as console,
        ScriptedRegistry(one(said(307, Location=f"http://{console.host}/signin"))) as registry,
    ):
        assert registry.client().referrers("app", DIGEST) is None


def test_one_repository_without_a_list_of_referrers_says_nothing_of_others() -> None:
    def script(asked: Asked) -> Said:
        return error(404, "NOT_FOUND") if "/remote/" in asked.path else said(200, {"manifests": [CONFIG]})

    with ScriptedRegistry(script) as registry:
        client = registry.client()
        assert client.referrers("remote/app", DIGEST) is None
        assert client.referrers("remote/app", IMAGE_DIGEST) is None
        assert len(registry.asked) == 1
        assert client.referrers("local/app", DIGEST) == (CONFIG,)


def test_a_registry_without_lists_of_referrers_is_asked_once_for_a_first_component() -> None:
    with ScriptedRegistry(one(said(404, b"404 page not found"))) as registry:
        client = registry.client()
        assert [client.referrers(f"team/app{n}", DIGEST) for n in range(5)] == [None] * 5
        assert len(registry.asked) == 1
        assert client.referrers("other/app", DIGEST) is None
        assert len(registry.asked) == 2


@pytest.mark.parametrize("code", ["NAME_UNKNOWN", "MANIFEST_UNKNOWN"])
def test_a_missing_repository_says_nothing_of_its_neighbours_referrers(code: str) -> None:
    def script(asked: Asked) -> Said:
        return error(404, code) if "/gone/" in asked.path else said(200, {"manifests": [CONFIG]})

    with ScriptedRegistry(script) as registry:
        client = registry.client()
        assert client.referrers("team/gone", DIGEST) is None
        assert client.referrers("team/app", DIGEST) == (CONFIG,)


def test_a_fallback_tag_that_a_registry_reads_as_a_digest_is_no_list() -> None:
    """GitLab gives the subject itself, so that an index's own images look like its referrers."""
    with StrictRegistry(referrers="none") as source, StrictRegistry() as target:
        maker = Maker(source, "app")
        maker.index("v1", children={"linux/amd64": maker.image(layers=[bytes_of("a", 100)], config="a")})
        repository = source.repository("app")
        repository.tags[fallback_tag(repository.tags["v1"])] = repository.tags["v1"]
        undo = real_tags(source, error(403, "DENIED"))
        report = run([pair(f"{source.host}/app:v1", f"{target.host}/app:v1")])
        undo()
        assert [(result.error, result.signatures) for result in report.results] == [(None, 0)]


def test_a_fallback_tag_that_is_an_image_is_replaced_by_a_list() -> None:
    with StrictRegistry() as source, StrictRegistry(referrers="none") as target:
        maker = Maker(source, "app")
        index = maker.index("v1", children={"linux/amd64": maker.image(layers=[bytes_of("a", 100)], config="a")})
        maker.referrer(index, "sig")
        own = Maker(target, "app")
        other = own.image(layers=[bytes_of("b", 100)], config="b")
        target.repository("app").tags[fallback_tag(source.repository("app").tags["v1"])] = other["digest"]
        report = run([pair(f"{source.host}/app:v1", f"{target.host}/app:v1")])
        assert [result.error for result in report.results] == [None]
        assert [result.lost for result in report.results] == [[]]


def test_a_target_that_lets_nobody_list_its_tags_is_asked_for_each() -> None:
    with StrictRegistry() as source, StrictRegistry() as real:
        maker = Maker(source, "app")
        maker.index("v1", children={"linux/amd64": maker.image(layers=[bytes_of("a", 100)], config="a")})
        for answer in (error(403, "DENIED"), said(405, b""), said(200, b"<html>", Content_Type="text/html")):
            original = real_tags(real, answer)
            report = run([pair(f"{source.host}/app:v1", f"{real.host}/app:v1")])
            original()
            assert [result.error for result in report.results] == [None]


def real_tags(registry: StrictRegistry, answer: Said) -> Callable[[], None]:
    """Have a strict registry answer its lists of tags with something else, until the returned function is called."""
    from tests.oci import strict_registry

    handler = strict_registry._Handler
    before = handler._tags

    def instead(self: Any, name: str, reference: str) -> None:
        if self.registry is registry:
            self._answer(answer.status, answer.body, dict(answer.headers))
        else:
            before(self, name, reference)

    handler._tags = instead  # type: ignore[method-assign]
    return lambda: setattr(handler, "_tags", before)


def test_an_index_that_lists_what_nobody_pushed_comes_without_it() -> None:
    with StrictRegistry() as source, StrictRegistry() as target:
        maker = Maker(source, "app")
        here, gone = (maker.image(layers=[bytes_of(name, 100)], config=name) for name in ("a", "b"))
        maker.index("v1", children={"linux/amd64": here, "linux/arm64": gone})
        del source.repository("app").manifests[gone["digest"]]
        names = f"{source.host}/app:v1", f"{target.host}/app:v1"
        (result,) = run([pair(*names)]).results
        assert result.error is not None
        assert gone["digest"] in result.error.what
        assert "--platform" in result.error.remedy
        (result,) = run([pair(*names, "linux/amd64")]).results
        assert result.error is None
