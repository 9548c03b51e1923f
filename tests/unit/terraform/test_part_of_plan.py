"""What --target names, as Terraform's addresses."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.errors import RefusedInput
from orchestrator.terraform.part_of_plan import modules_of, target_options

ROOT_MODULE = Path(__file__).resolve().parents[3] / "environments"
MODULES = modules_of(ROOT_MODULE)


def options(*targets: str) -> tuple[str, ...]:
    return target_options(targets, MODULES, ["dev/web", "monitoring-api"], environment="dev", flag=" --local")


def test_the_root_modules_modules_are_found() -> None:
    assert {"registry", "ecr", "pull_through_cache", "vpc_endpoints", "lifecycle_manager"} <= set(MODULES)


@pytest.mark.parametrize(
    ("target", "address"),
    [
        ("ecr", "module.ecr"),
        ("module.vpc_endpoints", "module.vpc_endpoints"),
        ("module.registry[0]", "module.registry[0]"),
        (
            'module.pull_through_cache[0].aws_ecr_pull_through_cache_rule.this["quay"]',
            'module.pull_through_cache[0].aws_ecr_pull_through_cache_rule.this["quay"]',
        ),
        ('module.ecr.aws_ecr_repository.this["a/b.c"]', 'module.ecr.aws_ecr_repository.this["a/b.c"]'),
    ],
)
def test_a_module_or_an_address_is_itself(target: str, address: str) -> None:
    assert options(target, target) == (f"-target={address}",)


def test_a_repository_is_all_that_is_kept_for_it() -> None:
    found = options("dev/web")
    assert '-target=module.ecr.aws_ecr_repository.protected["dev/web"]' in found
    assert '-target=module.ecr.aws_ecr_lifecycle_policy.this["dev/web"]' in found
    text = (ROOT_MODULE.parent / "modules" / "ecr" / "main.tf").read_text()
    for option in found:
        _, _, kind, name = option.split("[")[0].split(".")
        assert f'resource "{kind}" "{name}"' in text


@pytest.mark.parametrize(
    ("target", "remedy"),
    [
        ("dev/wbe", "orchestrator plan dev --target dev/web"),
        ("vpc-endpoints", "--target vpc_endpoints"),
        ("module.vpc", "orchestrator plan dev"),
        ("", "orchestrator plan dev"),
        ("-destroy", "orchestrator plan dev"),
        ("module.ecr -destroy", "orchestrator plan dev"),
        ("module.ecr\n", "orchestrator plan dev"),
        ("aws_iam_role.x", "orchestrator plan dev"),
    ],
)
def test_what_there_is_not_is_refused_with_what_there_is(target: str, remedy: str) -> None:
    with pytest.raises(RefusedInput) as caught:
        options(target)
    assert remedy in str(caught.value)
    assert "dev/web" in str(caught.value)
