"""Mirror sets that `oc mirror` wrote -> entries of `mirrors`."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from orchestrator.checks.check import build_environment
from orchestrator.cli.mirror.oc_mirror import results_in
from orchestrator.environment.tfvars import parse_tfvars
from orchestrator.errors import RefusedInput
from orchestrator.mirroring.oc_mirror_results import OcMirrorResults, read_results

HOST = "111122223333.dkr.ecr.eu-west-1.amazonaws.com"


def idms(*pairs: tuple[str, str], tags: bool = False) -> str:
    kind, key = ("ImageTagMirrorSet", "imageTagMirrors") if tags else ("ImageDigestMirrorSet", "imageDigestMirrors")
    entries = [{"source": source, "mirrors": [mirror]} for source, mirror in pairs]
    document = {"apiVersion": "config.openshift.io/v1", "kind": kind, "metadata": {"name": "x"}, "spec": {key: entries}}
    return f"---\n{yaml.safe_dump(document)}"


def read(*texts: str) -> OcMirrorResults:
    return read_results([(f"{number}.yaml", text) for number, text in enumerate(texts)], [HOST])


def test_a_registry_below_one_prefix_is_one_entry() -> None:
    digests = idms(("registry.redhat.io/ubi9", f"{HOST}/redhat/ubi9"), ("registry.redhat.io/a/b", f"{HOST}/redhat/a/b"))
    tags = idms(("quay.io/team", f"{HOST}/quay/team"), tags=True)
    assert read(digests, tags).mirrors == {"redhat": "registry.redhat.io", "quay": "quay.io"}


def test_without_a_prefix_each_namespace_is_an_entry() -> None:
    found = read(idms(("registry.redhat.io/ubi9", f"{HOST}/ubi9"), ("quay.io/team/app", f"{HOST}/team/app")))
    assert found.mirrors == {"ubi9": "registry.redhat.io/ubi9", "team/app": "quay.io/team/app"}


def test_two_registries_below_one_prefix_are_told_apart_by_their_paths() -> None:
    found = read(idms(("registry.redhat.io/ubi9", f"{HOST}/m/ubi9"), ("quay.io/team", f"{HOST}/m/team")))
    assert found.mirrors == {"m/ubi9": "registry.redhat.io/ubi9", "m/team": "quay.io/team"}
    clash = read(idms(("registry.redhat.io/ubi9", f"{HOST}/m/ubi9"), ("quay.io/ubi9", f"{HOST}/m/ubi9")))
    assert clash.mirrors == {"m/ubi9": "quay.io/ubi9"}
    assert [pair.source for pair in clash.conflicts] == ["registry.redhat.io/ubi9"]


def test_catalogs_and_other_registries_are_named() -> None:
    source = f"kind: CatalogSource\nspec: {{sourceType: grpc, image: {HOST}/redhat/index:v4.18}}\n"
    catalog = f"kind: ClusterCatalog\nspec: {{source: {{type: Image, image: {{ref: {HOST}/x/y:1}}}}}}\n"
    other = idms(("quay.io/a", "registry.example.com/a"), ("quay.io/b", f"{HOST}/b"))
    found = read(source, catalog, other)
    assert found.catalogs == (f"{HOST}/redhat/index:v4.18", f"{HOST}/x/y:1")
    assert found.elsewhere == ("registry.example.com/a",)


@pytest.mark.parametrize("text", ["", "kind: ImageDigestMirrorSet\nspec: []\n", "kind: [1]\n", "- 1\n", "spec: {a: 1"])
def test_what_holds_no_results_is_refused(text: str) -> None:
    with pytest.raises(RefusedInput):
        read(text)


def test_results_of_the_first_oc_mirror_are_read_too() -> None:
    policy = {"kind": "ImageContentSourcePolicy", "metadata": {"name": "generic-0"}}
    mirrors = [{"source": "registry.redhat.io/ubi8", "mirrors": [f"{HOST}/redhat/ubi8"]}]
    text = yaml.safe_dump(policy | {"spec": {"repositoryDigestMirrors": mirrors}})
    mapping = "\n".join(
        [
            f"registry.redhat.io/a/b@sha256:{'0' * 64}={HOST}/redhat/a/b:1a2b3c",
            f"docker://quay.io/team/app:1=docker://{HOST}/quay/team/app:1",
            f"oci:///home/x/index={HOST}/index:1",
            "",
            "quay.io/c/d:1=registry.example.com:5000/c/d:1",
        ]
    )
    found = read_results([("r/imageContentSourcePolicy.yaml", text), ("r/mapping.txt", mapping)], [HOST])
    assert found.mirrors == {"redhat": "registry.redhat.io", "quay": "quay.io"}
    assert found.elsewhere == ("registry.example.com:5000/c/d",)


@pytest.mark.parametrize("line", ["quay.io/a/b:1", "quay.io/a/b:1=", "Quay!=x", "=x"])
def test_a_mapping_that_is_none_names_its_line(line: str) -> None:
    with pytest.raises(RefusedInput) as caught:
        read_results([("mapping.txt", f"\n{line}\n")], [HOST])
    assert "mapping" in str(caught.value)


def test_the_folders_of_both_are_found(tmp_path: Path) -> None:
    mapped = f"quay.io/team/app:1={HOST}/quay/team/app:1\n"
    for place in ("oc-mirror-workspace/results-1662455093", "results-1"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "mapping.txt").write_text(mapped)
    (tmp_path / "working-dir/cluster-resources").mkdir(parents=True)
    sets = idms(("registry.redhat.io/ubi9", f"{HOST}/redhat/ubi9"))
    (tmp_path / "working-dir/cluster-resources/idms-oc-mirror.yaml").write_text(sets)
    base = 'cluster_name = "c"\naccount_id = "111122223333"\naws_region = "eu-west-1"\ncreate_vpc_endpoints = false\n'
    of = build_environment("dev", [parse_tfvars(base, "environments/dev.tfvars")])
    expected = {"redhat": "registry.redhat.io", "quay": "quay.io"}
    assert results_in(of, tmp_path).mirrors == expected
    assert results_in(of, tmp_path / "results-1").mirrors == {"quay": "quay.io"}
