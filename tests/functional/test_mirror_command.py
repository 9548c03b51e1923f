"""`orchestrator mirror` as a shell runs it: from registries on loopback into the embedded ECR, and back by its ECR name."""

from __future__ import annotations

import base64
import itertools
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from orchestrator.cli.mirror.catalogs import open_catalog
from orchestrator.local import LocalAws, ensure_running, stop
from orchestrator.local.controls import set_behaviour
from orchestrator.oci.auth import Login
from orchestrator.oci.image_files import config_document, files_below, image_of
from orchestrator.oci.ports import Endpoint
from orchestrator.oci.registries import Registries
from orchestrator.project import Project
from tests.made_catalogs import put_catalog
from tests.made_images import make_image
from tests.oci.corpus import Maker
from tests.oci.strict_registry import StrictRegistry

from .running import Ran, run

REGION = "eu-west-1"
_numbers = itertools.count(200_000_000_001)


class TokenOf:
    """A login by ECR's token."""

    def __init__(self, ecr: Any) -> None:
        self._ecr = ecr

    def login(self, registry: str, repository: str, *, renew: bool = False) -> Login | None:
        token = self._ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
        user, _, password = base64.b64decode(token).decode().partition(":")
        return Login(user, password)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """One project for the module: its embedded AWS serves all tests, each with an environment of its own."""
    project = Project(tmp_path_factory.mktemp("project"))
    project.environments_dir.mkdir()
    try:
        yield project
    finally:
        stop(project.local_aws_dir)


@pytest.fixture
def source() -> Iterator[StrictRegistry]:
    """Red Hat's registry, as far as the tests need it: an index with two platforms and a signature, and an application."""
    with StrictRegistry() as registry:
        image = make_image(1)
        held = registry.repository("ubi9/ubi")
        held.blobs |= image.blobs
        held.manifests |= image.manifests
        held.tags |= {"9.4": image.digest, "latest": image.digest}
        layers = [content for content in image.blobs.values() if content[:2] == b"\x1f\x8b"]
        Maker(registry, "ubi9/app").image("9.4.1", "9.5.0", "9.10.0", layers=layers[:1])
        yield registry


class World:
    """One environment of the shared project, and its account's ECR."""

    def __init__(self, project: Project, source: StrictRegistry, name: str) -> None:
        self.project, self.source, self.name = project, source, name
        self.account = str(next(_numbers))
        self.aws: LocalAws = ensure_running(project.local_aws_dir)
        values = self.aws.variables(self.account, REGION)
        self.ecr: Any = boto3.client(
            "ecr",
            region_name=REGION,
            endpoint_url=self.aws.endpoint,
            aws_access_key_id=values["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=values["AWS_SECRET_ACCESS_KEY"],
        )
        self.host = f"{self.account}.dkr.ecr.{REGION}.amazonaws.com"

    def write(self, text: str = "") -> None:
        self.project.tfvars_path(self.name).write_text(
            f'cluster_name = "{self.name}"\naccount_id = "{self.account}"\naws_region = "{REGION}"\n'
            "create_vpc_endpoints = false\nattach_ecr_policy = false\n"
            f'mirrors = {{ redhat = {{ source = "registry.redhat.io" }} }}\n{text}\n'
        )

    def mirror(self, *arguments: str, stdin: bytes = b"") -> Ran:
        via = f"registry.redhat.io=http://{self.source.host}"
        root = str(self.project.root)
        return run("-C", root, "mirror", self.name, *arguments, "--via", via, "--local", stdin=stdin)

    def tags(self, repository: str) -> dict[str, list[str]]:
        details = self.ecr.describe_images(repositoryName=repository)["imageDetails"]
        return {detail["imageDigest"]: detail.get("imageTags", []) for detail in details}


@pytest.fixture
def world(shared: Project, source: StrictRegistry) -> Iterator[World]:
    found = World(shared, source, f"e{next(_numbers)}")
    found.write()
    yield found
    set_behaviour(found.aws)


UBI = "registry.redhat.io/ubi9/ubi:9.4"


def test_a_first_copy_makes_the_repository_and_a_second_moves_nothing(world: World) -> None:
    world.write('tags = { team = "base" }\nscan_on_push = false\nregistry_consumer_account_ids = ["999988887777"]')
    ran = world.mirror(UBI, "--check")
    assert ran.code == 3, ran.err
    assert "to make: redhat/ubi9/ubi" in ran.out
    ran = world.mirror(UBI)
    assert ran.code == 0, ran.err
    assert "1 image copied" in ran.out
    index = world.source.repository("ubi9/ubi").tags["9.4"]
    held = world.tags("redhat/ubi9/ubi")
    assert held[index] == ["9.4"]
    assert len(held) == 4, "an index, two images, one signature"
    (made,) = world.ecr.describe_repositories(repositoryNames=["redhat/ubi9/ubi"])["repositories"]
    assert made["imageScanningConfiguration"] == {"scanOnPush": False}
    tags = world.ecr.list_tags_for_resource(resourceArn=made["repositoryArn"])["tags"]
    assert {"Key": "team", "Value": "base"} in tags
    assert "999988887777" in world.ecr.get_repository_policy(repositoryName="redhat/ubi9/ubi")["policyText"]
    world.source.requests.clear()
    again = world.mirror(UBI, "--json")
    assert again.code == 0
    assert (again.json["bytes_sent"], again.json["images"][0]["state"]) == (0, "unchanged")
    assert sum(world.source.requests.values()) == 1
    assert world.mirror(UBI, "--check").code == 0


def test_a_plan_is_no_pull(world: World) -> None:
    assert world.mirror(UBI).code == 0
    before = {
        detail["imageDigest"]: detail.get("lastRecordedPullTime")
        for detail in world.ecr.describe_images(repositoryName="redhat/ubi9/ubi")["imageDetails"]
    }
    children = [digest for digest, time in before.items() if time is None]
    assert children, "what was only pushed has no pull time"
    assert world.mirror(UBI, "--check").code == 0
    after = world.ecr.describe_images(repositoryName="redhat/ubi9/ubi")["imageDetails"]
    assert {detail["imageDigest"]: detail.get("lastRecordedPullTime") for detail in after} == before


def test_the_environments_own_list_is_copied(world: World) -> None:
    world.write(
        'mirror_images = {\n  "registry.redhat.io/ubi9/ubi" = { tags = ["9.4"], platforms = ["linux/amd64"] }\n'
        '  "registry.redhat.io/ubi9/app" = { versions = ">=9.4.2", newest = 1 }\n}'
    )
    ran = world.mirror()
    assert ran.code == 0, ran.err
    assert "its digest is" in ran.out
    assert [tag for tags in world.tags("redhat/ubi9/app").values() for tag in tags] == ["9.10.0"]
    (index,) = [digest for digest, tags in world.tags("redhat/ubi9/ubi").items() if tags]
    (answer,) = world.ecr.batch_get_image(repositoryName="redhat/ubi9/ubi", imageIds=[{"imageDigest": index}])["images"]
    entries = json.loads(answer["imageManifest"])["manifests"]
    assert [entry["platform"]["architecture"] for entry in entries] == ["amd64"]
    world.write('mirror_images = { "registry.redhat.io/ubi9/app" = { versions = ">=99" } }')
    assert "none of the 3 tags of registry.redhat.io/ubi9/app is wanted" in world.mirror().err
    Maker(world.source, "ubi9/built").image("main-a1b2c3d", "main-0e1b2c3", layers=[])
    world.write('mirror_images = { "registry.redhat.io/ubi9/built" = { tag_patterns = ["main-.*"], newest = 1 } }')
    assert "newest cannot order 2 tags of registry.redhat.io/ubi9/built such as main-" in world.mirror("--dry-run").err


def test_a_list_names_what_is_not_copied_and_why(world: World) -> None:
    ran = world.mirror("--from", "-", "--json", stdin=f"{UBI}\nquay.io/a/b:1\n".encode())
    assert ran.code == 0, ran.err
    assert [image["state"] for image in ran.json["images"]] == ["copied"]
    (left,) = ran.json["left"]
    assert (left["reference"], left["reason"], left["line"]) == ("quay.io/a/b:1", "no route", 2)


def test_manifests_and_values_are_read_where_they_are(world: World, tmp_path: Path) -> None:
    (tmp_path / "pod.yaml").write_text(
        f"apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec:\n  containers:\n  - name: a\n    image: {UBI}\n"
        "  - name: b\n    image: quay.io/a/b:1\n"
    )
    (tmp_path / "values.yaml").write_text("image:\n  repository: registry.redhat.io/ubi9/app\n  tag: 9.5.0\n")
    for source, stdin in ((str(tmp_path), b""), ("-", (tmp_path / "pod.yaml").read_bytes())):
        ran = world.mirror("--from", source, "--json", stdin=stdin)
        assert ran.code == 0, ran.err
        assert UBI in [image["source"] for image in ran.json["images"]]
        assert [left["line"] for left in ran.json["left"]] == [9]
    assert world.tags("redhat/ubi9/app")
    rewritten = f"{world.host}/redhat/ubi9/app:9.4.1\n".encode()
    assert world.mirror("--from", "-", "--json", stdin=rewritten).json["images"][0]["state"] == "copied"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("quay.io/a/b:1",), "mirrors"),
        (("NGINX",), "lower case"),
        (("--from", "/nowhere/list.txt"), "does not exist"),
        (("--platform", "amd64", UBI), "platform"),
        ((), "mirror_images"),
        (("--via", "quay.io", UBI), "REGISTRY=URL"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_copied(
    world: World, arguments: tuple[str, ...], says: str
) -> None:
    ran = world.mirror(*arguments)
    assert ran.code == 2
    assert says in ran.err
    assert world.ecr.describe_repositories()["repositories"] == []


def test_what_the_source_lacks_fails_alone(world: World) -> None:
    ran = world.mirror("registry.redhat.io/ubi9/ubi:9.9", UBI)
    assert ran.code == 1
    # Once, in the report; the plan counts it.
    assert [line[:10] for line in ran.out.splitlines() if "ubi9/ubi:9.9" in line] == ["failed    "]
    assert "2 images: 0 unchanged, 1 missing, 0 stale, 1 failed" in ran.out
    assert "1 image copied, 0 unchanged, 1 failed" in ran.out


CATALOG = "registry.redhat.io/redhat/index:v4.18"


def test_operators_of_a_catalog_come_with_their_images(world: World, tmp_path: Path) -> None:
    put_catalog(world.source, "registry.redhat.io", "redhat/index", "v4.18")
    (tmp_path / "isc.yaml").write_text(
        "apiVersion: mirror.openshift.io/v2alpha1\nkind: ImageSetConfiguration\nmirror:\n"
        f"  operators:\n  - catalog: {CATALOG}\n    packages:\n    - name: logs\n"
    )
    ran = world.mirror("--from", str(tmp_path / "isc.yaml"), "--json")
    assert ran.code == 0, ran.out + ran.err
    wanted = {CATALOG, "registry.redhat.io/logs/bundle:1.1.0", "registry.redhat.io/logs/op:1.1.0"}
    assert {image["source"] for image in ran.json["images"]} == wanted
    index = world.source.repository("redhat/index").tags["v4.18"]
    assert world.tags("redhat/redhat/index") == {index: ["v4.18"]}
    world.source.requests.clear()
    again = world.mirror("--from", str(tmp_path / "isc.yaml"), "--check")
    assert again.code == 0, again.out


def test_a_filtered_catalog_has_the_chosen_operators_and_no_old_cache(world: World, tmp_path: Path) -> None:
    put_catalog(world.source, "registry.redhat.io", "redhat/index", "v4.18")
    (tmp_path / "isc.yaml").write_text(
        "apiVersion: mirror.openshift.io/v2alpha1\nkind: ImageSetConfiguration\nmirror:\n"
        f"  operators:\n  - catalog: {CATALOG}\n    packages:\n    - name: logs\n"
    )
    filtered = ("--from", str(tmp_path / "isc.yaml"), "--filter-catalog")
    ran = world.mirror(*filtered, "--json")
    assert ran.code == 0, ran.out + ran.err
    assert {image["source"] for image in ran.json["images"]} >= {CATALOG, "registry.redhat.io/logs/op:1.1.0"}
    ((digest, tags),) = world.tags("redhat/redhat/index").items()
    assert tags == ["v4.18"]
    assert digest != world.source.repository("redhat/index").tags["v4.18"]
    # The copy, read back from ECR, is a catalog of this operator with its chosen version, and builds its cache anew.
    where = Endpoint(world.host, url=world.aws.endpoint, host_header=world.host, logins=TokenOf(world.ecr))
    with Registries([where]) as registries:
        found = open_catalog(registries, f"{world.host}/redhat/redhat/index:v4.18")
        registry = registries.of(world.host)
        image = image_of(registry, "redhat/redhat/index", "v4.18")
        config = config_document(registry, "redhat/redhat/index", image)
        assert files_below(registry, "redhat/redhat/index", image, "/tmp/cache") == {}
        assert set(files_below(registry, "redhat/redhat/index", image, "/configs")) == {"logs/catalog.json"}
    assert found.defaults == {"logs": "stable"}
    assert set(found.bundles["logs"]) == {"logs.v1.1.0"}
    assert config["config"]["Cmd"] == ["serve", "/configs"]
    assert len(config["rootfs"]["diff_ids"]) == 4
    again = world.mirror(*filtered, "--json")
    assert (again.code, again.json["manifests_put"], again.json["bytes_sent"]) == (0, 0, 0), (
        "the same digest from run to run"
    )
    refused = world.mirror(*filtered, "--queue")
    assert (refused.code, "signed by nobody" in refused.err) == (2, True)


def test_a_catalog_is_listed_and_found_by_the_cluster(world: World) -> None:
    put_catalog(world.source, "registry.redhat.io", "redhat/index", "v4.18")
    root, via = str(world.project.root), f"registry.redhat.io=http://{world.source.host}"
    ran = run("-C", root, "operators", world.name, CATALOG, "--via", via, "--sizes")
    assert ran.code == 0, ran.err
    lines = ran.out.splitlines()
    assert lines[0].startswith("logs  (2 images, 6.")
    assert lines[1:3] == ["    stable  logs.v1.1.0  2 bundles  default", lines[2]]
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == ["logs", "mesh"]
    listed = run("-C", root, "operators", world.name, CATALOG, "--via", via, "--package", "mesh", "--json")
    (package,) = listed.json["packages"]
    assert package["channels"] == [{"name": "stable", "head": "mesh.v3.0.0", "bundles": 1}]
    found = run("-C", root, "operators", world.name, CATALOG, "--for", "cluster-catalog", "--json")
    assert found.json["spec"]["source"]["image"]["ref"] == f"{world.host}/redhat/redhat/index:v4.18"
    none = run("-C", root, "operators", world.name, "registry.redhat.io/ubi9/app:9.5.0", "--via", via)
    assert (none.code, "no catalog of operators" in none.err) == (2, True)


def test_a_signature_that_ecr_refuses_is_named_and_the_image_is_there(world: World) -> None:
    set_behaviour(world.aws, refuse_referrers=True)
    ran = world.mirror(UBI)
    assert ran.code == 1
    assert "lost" in ran.out
    assert "405" in ran.out
    index = world.source.repository("ubi9/ubi").tags["9.4"]
    assert world.tags("redhat/ubi9/ubi")[index] == ["9.4"]
    assert world.mirror(UBI, "--allow-lost-signatures").code == 0


def test_blobs_are_mounted_where_the_account_mounts(world: World) -> None:
    world.ecr.put_account_setting(name="BLOB_MOUNTING", value="ENABLED")
    ran = world.mirror("--from", "-", "--json", stdin=f"{UBI}\nregistry.redhat.io/ubi9/app:9.5.0\n".encode())
    assert ran.code == 0, ran.err
    assert ran.json["bytes_mounted"] >= 20_000


def test_a_template_for_pushes_makes_the_repository(world: World) -> None:
    world.ecr.create_repository_creation_template(
        prefix="redhat", appliedFor=["CREATE_ON_PUSH"], imageTagMutability="IMMUTABLE"
    )
    assert world.mirror(UBI).code == 0
    (made,) = world.ecr.describe_repositories(repositoryNames=["redhat/ubi9/ubi"])["repositories"]
    assert made["imageTagMutability"] == "IMMUTABLE"


def test_rates_of_ecr_are_kept(world: World) -> None:
    set_behaviour(world.aws, rates={"PutImage": 5, "InitiateLayerUpload": 5})
    ran = world.mirror(UBI, "--json")
    assert ran.code == 0, ran.err
    assert ran.json["images"][0]["signatures"] == 1


@pytest.mark.skipif(not shutil.which("skopeo"), reason="skopeo is not installed")
def test_skopeo_pulls_the_copy_by_its_name_in_ecr(world: World, tmp_path: Path) -> None:
    assert world.mirror(UBI).code == 0
    (data,) = world.ecr.get_authorization_token()["authorizationData"]
    address = world.aws.endpoint.removeprefix("http://")
    (tmp_path / "auth.json").write_text(json.dumps({"auths": {address: {"auth": data["authorizationToken"]}}}))
    (tmp_path / "registries.conf").write_text(
        f'[[registry]]\nprefix = "{world.host}"\nlocation = "{address}/{world.host}"\ninsecure = true\n'
    )
    command = ["skopeo", "--insecure-policy", f"--registries-conf={tmp_path}/registries.conf", "copy", "--all"]
    image = f"docker://{world.host}/redhat/ubi9/ubi:9.4"
    done = subprocess.run(
        [*command, f"--src-authfile={tmp_path}/auth.json", image, f"oci:{tmp_path}/back:1"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    index = json.loads((tmp_path / "back" / "index.json").read_text())["manifests"][0]["digest"]
    assert index == world.source.repository("ubi9/ubi").tags["9.4"]
    assert base64.b64decode(data["authorizationToken"]).startswith(b"AWS:")


def test_what_oc_mirror_copied_becomes_routes(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "working-dir" / "cluster-resources"
    folder.mkdir(parents=True)
    (folder / "idms-oc-mirror.yaml").write_text(
        "kind: ImageDigestMirrorSet\nspec:\n  imageDigestMirrors:\n"
        f"  - source: quay.io/team\n    mirrors: [{world.host}/quay/team]\n"
    )
    ran = run("-C", str(world.project.root), "mirror", world.name, "--from-oc-mirror", str(tmp_path))
    assert ran.code == 0, ran.err
    # The answer is what a file of an environment takes.
    world.project.tfvars_path(world.name).write_text(
        f'cluster_name = "x"\naccount_id = "{world.account}"\naws_region = "{REGION}"\n'
        f"create_vpc_endpoints = false\nattach_ecr_policy = false\n{ran.out}"
    )
    routed = run("-C", str(world.project.root), "route", world.name, "quay.io/team/app:1", "--json")
    assert routed.json["target"] == f"{world.host}/quay/team/app:1", routed.out


def test_a_catalogs_images_get_routes_too(world: World, tmp_path: Path) -> None:
    put_catalog(world.source, "quay.io", "redhat/index", "v4.18")
    (tmp_path / "isc.yaml").write_text(
        "apiVersion: mirror.openshift.io/v2alpha1\nkind: ImageSetConfiguration\nmirror:\n"
        f"  operators:\n  - catalog: {CATALOG}\n    packages:\n    - name: logs\n"
    )
    world.write("# ours, kept")
    quay = ("--via", f"quay.io=http://{world.source.host}")
    ran = world.mirror("--from", str(tmp_path / "isc.yaml"), *quay, "--write", "--json")
    assert ran.code == 0, ran.out + ran.err
    assert [image["target"].partition("/")[2] for image in ran.json["images"] if "op" in image["source"]] == [
        "quay/logs/op:1.1.0"
    ]
    assert "# ours, kept" in world.project.tfvars_path(world.name).read_text()
    assert world.project.load(world.name).mirrors.keys() == {"redhat", "quay"}
