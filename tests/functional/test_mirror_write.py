"""`mirror --write` into a file that every environment reads."""

from __future__ import annotations

import pytest

from orchestrator.cli.mirror.write_routes import write_routes
from orchestrator.errors import RefusedInput
from orchestrator.mirroring.wishes import wish
from orchestrator.project import Project
from tests.conftest import ProjectFactory

SHARED_MAP = 'mirrors = {\n  redhat = { source = "registry.redhat.io" }\n}\n'
OTHERS = {
    "a rule of the same prefix": 'pull_through_cache_rules = { quay = { upstream_registry_url = "quay.io" } }\n',
    "a rule of the same source": 'pull_through_cache_rules = { cache = { upstream_registry_url = "quay.io" } }\n',
    "another rule of the same prefix": (
        'pull_through_cache_rules = { quay = { upstream_registry_url = "registry.k8s.io" } }\n'
    ),
}


def two_environments(project: ProjectFactory, other: str) -> Project:
    base = 'aws_region = "eu-west-1"\ncreate_vpc_endpoints = false\nattach_ecr_policy = false\n'
    written = {
        name: f'cluster_name = "{name}"\naccount_id = "20000000000{number}"\n{base}'
        for number, name in enumerate(("dev", "prod"), 1)
    }
    found = project({**written, "prod": written["prod"] + other})
    (found.environments_dir / "common.tfvars").write_text(SHARED_MAP)
    return found


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_routes_that_every_environment_reads_make_no_other_one_wrong(other: str, project: ProjectFactory) -> None:
    found = two_environments(project, other)
    found.load("prod")
    with pytest.raises(RefusedInput, match="is read for prod, too"):
        write_routes(found, found.load("dev"), [wish("quay.io/team/app:1")])
    assert (found.environments_dir / "common.tfvars").read_text() == SHARED_MAP
    found.load("prod")


@pytest.mark.parametrize("other", ["", 'mirrors = { quay = { source = "quay.io" } }\n', 'platform = "nonsense"\n'])
def test_routes_that_no_other_environment_minds_are_written(
    other: str, project: ProjectFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    found = two_environments(project, other)
    assert write_routes(found, found.load("dev"), [wish("quay.io/team/app:1")]).mirrors.keys() == {"redhat", "quay"}
    assert ("is read for prod, too" in capsys.readouterr().err) == ("nonsense" not in other)
