"""The few checks of lifecycle policies in the ecr module agree with `orchestrator.lifecycle`, which knows them all."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.lifecycle.ecr_policy import check_policy
from tests.terraform.conftest import RunTerraform

LONG = "a description that makes the text long enough for ECR, which refuses less than a hundred characters"

Document = dict[str, Any]


def rule(priority: int, status: str, count_type: str, number: int, **more: Any) -> Document:
    selection: Document = {"tagStatus": status, "countType": count_type, "countNumber": number}
    if count_type != "imageCountMoreThan":
        selection["countUnit"] = "days"
    action = more.pop("action", {"type": "expire"})
    return {"rulePriority": priority, "description": LONG, "selection": selection | more, "action": action}


TO_ARCHIVE = {"type": "transition", "targetStorageClass": "archive"}
BASES: list[list[Document]] = [
    [rule(1, "any", "imageCountMoreThan", 5)],
    [rule(1, "tagged", "sinceImagePushed", 5, tagPatternList=["v*", "release-*"])],
    [rule(1, "tagged", "sinceImagePulled", 5, tagPrefixList=["v"], action=TO_ARCHIVE)],
    [rule(1, "untagged", "sinceImageTransitioned", 90, storageClass="archive")],
    [rule(1, "untagged", "sinceImagePushed", 14), rule(2, "any", "imageCountMoreThan", 30)],
]
ODD: list[Any] = [
    None,
    True,
    0,
    1,
    2,
    -1,
    1.5,
    89,
    90,
    "",
    "1",
    "days",
    "any",
    "untagged",
    "tagged",
    "archive",
    "standard",
]
ODD += [
    "expire",
    "transition",
    "imageCountMoreThan",
    "sinceImagePulled",
    "sinceImageTransitioned",
    [],
    [1],
    [None],
    ["v"],
]
ODD += [["v*"], ["a*b*c*d*"], ["a*b*c*d*e*"], ["x/y"], ["v", "v"], {}, {"0": "v"}]


def policies() -> Iterator[Document]:
    """The bases, and each of them with one thing changed, missing, added or doubled."""
    for base in BASES:
        yield {"rules": base}
        for index, original in enumerate(base):
            for part in (None, "selection", "action"):
                known = original if part is None else original[part]
                for key in [*known, "surprise", *(("countUnit", "storageClass") if part == "selection" else ())]:
                    for value in ODD:
                        changed = copy.deepcopy(base)
                        (changed[index] if part is None else changed[index][part])[key] = value
                        yield {"rules": changed}
                    if key in known:
                        changed = copy.deepcopy(base)
                        del (changed[index] if part is None else changed[index][part])[key]
                        yield {"rules": changed}
        yield {"rules": [*base, *base]}
        yield {"rules": [*base, *({**copy.deepcopy(one), "rulePriority": one["rulePriority"] + 5} for one in base)]}
        yield {"rules": [*base, *({**copy.deepcopy(one), "rulePriority": one["rulePriority"] + 5} for one in BASES[1])]}
        yield {"rules": base, "surprise": 1}
    yield {"rules": {"0": LONG}}
    yield {"rules": LONG}
    yield {"rule": [LONG]}


# What the module refuses, in the words of `orchestrator.lifecycle`. Only the latter knows the rest of the grammar.
SHARED_REASONS = (
    "priorities must be unique",
    "only one rule with tagStatus any is allowed",
    "a rule with tagStatus any must have the highest rulePriority",
    "countType sinceImagePulled allows the action transition only",
)


def shared_reasons(text: str) -> set[str]:
    """Those of SHARED_REASONS for which ECR would refuse the policy."""
    return {reason for problem in check_policy(text) for reason in SHARED_REASONS if reason in problem.reason}


HEAD = """\
mock_provider "aws" {}

variables {
  cluster_name             = "demo"
  create_repository        = false
  create_vpc_endpoints     = false
  lifecycle_policy_enabled = false
}
"""

# Hundreds of repositories in one plan take Terraform quadratic time, hence several runs.
CASES_IN_A_RUN = 75
RUN = """
run "both_say_the_same_of_NAME" {
  command = plan

  variables {
    repositories = { for name, case in jsondecode(file("NAME.json")) : name => { lifecycle_policy = case.text } }
  }

  assert {
    condition = alltrue([
      for name, case in jsondecode(file("NAME.json")) : (length(local.policy_problems_by_repository[name]) == 0) == case.accepted
    ])
    error_message = join("\\n", [
      for name, case in jsondecode(file("NAME.json")) :
      "${case.accepted ? "accepted in Python only" : "refused in Python only"}: ${case.text} ${join("; ", local.policy_problems_by_repository[name])}"
      if (length(local.policy_problems_by_repository[name]) == 0) != case.accepted
    ])
  }
}
"""


@pytest.mark.terraform
def test_the_module_and_the_package_judge_lifecycle_policies_alike(
    modules_copy: Path, tmp_path: Path, run_terraform: RunTerraform
) -> None:
    documents = sorted({json.dumps(policy) for policy in policies()})
    accepted = [text for text in documents if not check_policy(text)]
    refused = [text for text in documents if shared_reasons(text)]
    assert len(accepted) > 100
    assert set().union(*map(shared_reasons, refused)) == set(SHARED_REASONS)
    chosen = [*accepted, *refused]

    shutil.copytree(modules_copy, tmp_path / "modules", ignore=shutil.ignore_patterns(".terraform*", "tests"))
    folder = tmp_path / "modules" / "ecr"
    (folder / "tests").mkdir()
    test = HEAD
    for start in range(0, len(chosen), CASES_IN_A_RUN):
        cases = {
            f"case-{number}": {"text": text, "accepted": not check_policy(text)}
            for number, text in enumerate(chosen[start : start + CASES_IN_A_RUN])
        }
        (folder / f"cases-{start}.json").write_text(json.dumps(cases), "utf-8")
        test += RUN.replace("NAME", f"cases-{start}")
    (folder / "tests" / "agree.tftest.hcl").write_text(test, "utf-8")
    run_terraform(folder, "init", "-backend=false")
    assert " 0 failed" in run_terraform(folder, "test").stdout
