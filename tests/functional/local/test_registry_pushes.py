"""Pushing to the embedded ECR by its registry API and pulling back, with a plain client and with skopeo."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from orchestrator.local.controls import set_behaviour
from tests.made_images import MadeImage, digest_of, make_image

if TYPE_CHECKING:
    from orchestrator.local import LocalAws

NOWHERE = "sha256:" + "0" * 64


class Registry:
    """One account's registry on the server's own address: the token says whose it is."""

    def __init__(self, local: LocalAws, ecr: Any) -> None:
        (data,) = ecr.get_authorization_token()["authorizationData"]
        self.token = str(data["authorizationToken"])
        self.host = str(data["proxyEndpoint"]).removeprefix("https://")
        self.endpoint = local.endpoint
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Basic {self.token}"

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        url = path if path.startswith("http") else f"{self.endpoint}{path}"
        return self._session.request(method, url, timeout=20, **options)

    def upload(self, repository: str, content: bytes) -> requests.Response:
        place = self.ask("POST", f"/v2/{repository}/blobs/uploads/")
        assert place.status_code == 202, place.text
        return self.ask("PUT", f"{place.headers['Location']}?digest={digest_of(content)}", data=content)

    def push_manifest(self, repository: str, image: MadeImage, digest: str, reference: str) -> requests.Response:
        media_type, content = image.manifests[digest]
        headers = {"Content-Type": media_type}
        return self.ask("PUT", f"/v2/{repository}/manifests/{reference}", data=content, headers=headers)

    def push(self, repository: str, image: MadeImage, tag: str) -> None:
        for content in image.blobs.values():
            assert self.upload(repository, content).status_code == 201
        for digest in image.children:
            assert self.push_manifest(repository, image, digest, digest).status_code == 201
        assert self.push_manifest(repository, image, image.digest, tag).status_code == 201


@pytest.fixture
def registry(local_aws: LocalAws, ecr: Any) -> Iterator[Registry]:
    ecr.create_repository(repositoryName="team/app")
    yield Registry(local_aws, ecr)
    set_behaviour(local_aws)


def code(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["errors"][0]["code"]


def test_what_is_pushed_is_what_the_api_describes(registry: Registry, ecr: Any) -> None:
    image = make_image(1)
    registry.push("team/app", image, "1")
    signature = registry.push_manifest("team/app", image, image.signature, image.signature)
    assert signature.headers["OCI-Subject"] == image.digest
    details = {d["imageDigest"]: d for d in ecr.describe_images(repositoryName="team/app")["imageDetails"]}
    assert set(details) == {image.digest, image.signature, *image.children}
    assert details[image.digest]["imageTags"] == ["1"]
    child = json.loads(image.manifests[image.children[0]][1])
    size = sum(part["size"] for part in (child["config"], *child["layers"]))
    assert details[image.children[0]]["imageSizeInBytes"] == size
    found = registry.ask("GET", f"/v2/team/app/referrers/{image.digest}").json()["manifests"]
    assert [entry["digest"] for entry in found] == [image.signature]
    none = registry.ask("GET", f"/v2/team/app/referrers/{image.digest}?artifactType=text/none")
    assert (none.json()["manifests"], none.headers["OCI-Filters-Applied"]) == ([], "artifactType")
    gone = ecr.batch_delete_image(repositoryName="team/app", imageIds=[{"imageTag": "1"}])
    assert gone["imageIds"][0]["imageDigest"] == image.digest
    assert code(registry.ask("GET", "/v2/team/app/manifests/1")) == (404, "MANIFEST_UNKNOWN")


def test_a_blob_is_sent_from_elsewhere_without_credentials_and_in_parts(
    registry: Registry, local_aws: LocalAws
) -> None:
    content = b"0123456789" * 1000
    digest = digest_of(content)
    assert registry.upload("team/app", content).status_code == 201
    path = f"/v2/team/app/blobs/{digest}"
    head = registry.ask("HEAD", path)
    assert (head.status_code, head.headers["Content-Length"]) == (200, "10000")
    named = {"Host": registry.host, "Authorization": f"Basic {registry.token}"}
    moved = requests.get(f"{registry.endpoint}{path}", headers=named, allow_redirects=False, timeout=20)
    assert moved.status_code == 307
    place = moved.headers["Location"]
    assert requests.get(place, timeout=20).content == content
    with_credentials = requests.get(place, headers={"Authorization": named["Authorization"]}, timeout=20)
    assert with_credentials.status_code == 400
    part = requests.get(place, headers={"Range": "bytes=9990-"}, timeout=20)
    assert (part.status_code, part.content, part.headers["Content-Range"]) == (
        206,
        b"0123456789",
        "bytes 9990-9999/10000",
    )
    set_behaviour(local_aws, redirect_blobs=False)
    for asked, expected in (("bytes=0-4", b"01234"), ("bytes=-3", b"789"), ("lines=1-2", content)):
        assert registry.ask("GET", path, headers={"Range": asked}).content == expected
    assert registry.ask("GET", path, headers={"Range": "bytes=10000-"}).status_code == 416
    assert code(registry.ask("GET", f"/v2/team/app/blobs/{NOWHERE}")) == (404, "BLOB_UNKNOWN")


def test_an_upload_in_chunks_says_how_far_it_is(registry: Registry) -> None:
    content = bytes(range(256)) * 40
    place = registry.ask("POST", "/v2/team/app/blobs/uploads/").headers["Location"]
    first = registry.ask("PATCH", place, data=content[:4000], headers={"Content-Range": "0-3999"})
    assert (first.status_code, first.headers["Range"]) == (202, "0-3999")
    wrong = registry.ask("PATCH", place, data=content[5000:], headers={"Content-Range": "5000-10239"})
    assert (wrong.status_code, wrong.headers["Range"]) == (416, "0-3999")
    status = registry.ask("GET", place)
    assert (status.status_code, status.headers["Range"]) == (204, "0-3999")
    assert registry.ask("PATCH", place, data=iter([content[4000:9000]])).status_code == 202
    done = registry.ask("PUT", f"{place}?digest={digest_of(content)}", data=content[9000:])
    assert (done.status_code, done.headers["Docker-Content-Digest"]) == (201, digest_of(content))
    assert code(registry.ask("GET", place)) == (404, "BLOB_UPLOAD_UNKNOWN")


def test_wrong_digests_and_missing_parts_are_never_held(registry: Registry, ecr: Any) -> None:
    place = registry.ask("POST", "/v2/team/app/blobs/uploads/").headers["Location"]
    assert code(registry.ask("PUT", f"{place}?digest={NOWHERE}", data=b"abc")) == (400, "DIGEST_INVALID")
    assert registry.ask("HEAD", f"/v2/team/app/blobs/{NOWHERE}").status_code == 404
    image = make_image(2)
    for reference, digest in ((image.children[0], image.children[0]), ("1", image.digest)):
        answer = registry.push_manifest("team/app", image, digest, reference)
        assert code(answer) == (404, "MANIFEST_BLOB_UNKNOWN")
    media_type, content = image.manifests[image.children[0]]
    answer = registry.ask(
        "PUT", f"/v2/team/app/manifests/{NOWHERE}", data=content, headers={"Content-Type": media_type}
    )
    assert code(answer) == (400, "DIGEST_INVALID")
    assert ecr.describe_images(repositoryName="team/app")["imageDetails"] == []


def test_a_repository_must_exist_or_a_template_makes_it(registry: Registry, ecr: Any) -> None:
    assert code(registry.ask("POST", "/v2/new/app/blobs/uploads/")) == (404, "NAME_UNKNOWN")
    ecr.create_repository_creation_template(prefix="new", appliedFor=["CREATE_ON_PUSH"], imageTagMutability="IMMUTABLE")
    image, other = make_image(3), make_image(4)
    registry.push("new/app", image, "1")
    assert registry.push_manifest("new/app", image, image.digest, "1").status_code == 201
    for content in other.blobs.values():
        registry.upload("new/app", content)
    for digest in other.children:
        registry.push_manifest("new/app", other, digest, digest)
    refused = registry.push_manifest("new/app", other, other.digest, "1")
    assert code(refused) == (400, "TAG_INVALID")
    assert "immutable" in refused.json()["errors"][0]["message"]


def test_a_blob_is_mounted_where_the_account_allows_it_and_a_manifest_holds_it(registry: Registry, ecr: Any) -> None:
    image = make_image(5, signed=False)
    digest, content = next(iter(image.blobs.items()))
    ecr.create_repository(repositoryName="team/other")
    query = f"/v2/team/other/blobs/uploads/?mount={digest}&from=team/app"
    registry.upload("team/app", content)
    assert registry.ask("POST", query).status_code == 202
    ecr.put_account_setting(name="BLOB_MOUNTING", value="ENABLED")
    assert registry.ask("POST", query).status_code == 202, "no committed manifest refers to the blob"
    registry.push("team/app", image, "1")
    mounted = registry.ask("POST", query)
    assert (mounted.status_code, mounted.headers["Docker-Content-Digest"]) == (201, digest)
    assert registry.ask("HEAD", f"/v2/team/other/blobs/{digest}").status_code == 200
    ecr.create_repository(repositoryName="team/kms", encryptionConfiguration={"encryptionType": "KMS"})
    assert registry.ask("POST", query.replace("team/other", "team/kms")).status_code == 202


def test_what_some_paths_refuse_can_be_refused(registry: Registry, local_aws: LocalAws) -> None:
    image = make_image(6)
    registry.push("team/app", image, "1")
    set_behaviour(local_aws, refuse_referrers=True, referrers_api=False, max_layer_bytes=100, min_chunk_bytes=50)
    answer = registry.push_manifest("team/app", image, image.signature, image.signature)
    assert code(answer) == (405, "UNSUPPORTED")
    assert registry.ask("GET", f"/v2/team/app/referrers/{image.digest}").status_code == 404
    assert code(registry.upload("team/app", b"x" * 101)) == (413, "SIZE_INVALID")
    place = registry.ask("POST", "/v2/team/app/blobs/uploads/")
    assert place.headers["OCI-Chunk-Min-Length"] == "50"
    assert code(registry.ask("PATCH", place.headers["Location"], data=b"x" * 10)) == (400, "SIZE_INVALID")
    assert code(registry.ask("DELETE", "/v2/team/app/manifests/1")) == (405, "UNSUPPORTED")


def test_each_action_has_its_rate(registry: Registry, local_aws: LocalAws, ecr: Any) -> None:
    set_behaviour(local_aws, rates={"InitiateLayerUpload": 2})
    answers = [registry.ask("POST", "/v2/team/app/blobs/uploads/").status_code for _ in range(6)]
    assert answers[:2] == [202, 202]
    assert 429 in answers
    assert code(registry.ask("POST", "/v2/team/app/blobs/uploads/")) == (429, "TOOMANYREQUESTS")
    assert registry.ask("GET", "/v2/team/app/tags/list").status_code == 200


def test_tags_come_in_pages(registry: Registry) -> None:
    image = make_image(7, signed=False)
    registry.push("team/app", image, "t0")
    for number in range(1, 5):
        registry.push_manifest("team/app", image, image.digest, f"t{number}")
    seen: list[str] = []
    path = "/v2/team/app/tags/list?n=2"
    while path:
        answer = registry.ask("GET", path)
        seen += answer.json()["tags"]
        path = answer.links.get("next", {}).get("url", "")
    assert seen == ["t0", "t1", "t2", "t3", "t4"]
    assert "team/app" in registry.ask("GET", "/v2/_catalog").json()["repositories"]


@pytest.mark.skipif(not shutil.which("skopeo"), reason="skopeo is not installed")
def test_skopeo_pushes_and_pulls_back_by_the_name_of_ecr(registry: Registry, tmp_path: Path) -> None:
    image = make_image(8, signed=False)
    image.write_layout(tmp_path / "image", "1")
    address = registry.endpoint.removeprefix("http://")
    (tmp_path / "auth.json").write_text(json.dumps({"auths": {address: {"auth": registry.token}}}))
    (tmp_path / "registries.conf").write_text(
        f'[[registry]]\nprefix = "{registry.host}"\nlocation = "{address}/{registry.host}"\ninsecure = true\n'
    )
    password = base64.b64decode(registry.token).decode()
    for arguments in (
        (
            "--dest-tls-verify=false",
            f"--dest-creds={password}",
            f"oci:{tmp_path}/image:1",
            f"docker://{address}/team/app:1",
        ),
        (f"--src-authfile={tmp_path}/auth.json", f"docker://{registry.host}/team/app:1", f"oci:{tmp_path}/back:1"),
    ):
        command = ["skopeo", "--insecure-policy", f"--registries-conf={tmp_path}/registries.conf", "copy", "--all"]
        run = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=60, check=False)
        assert run.returncode == 0, run.stderr
    for blob in (tmp_path / "image" / "blobs" / "sha256").iterdir():
        assert (tmp_path / "back" / "blobs" / "sha256" / blob.name).read_bytes() == blob.read_bytes()
