"""The script that compares what the modules use with the newest provider's schema, on a package made here."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from scripts.check_provider_schema import main, unknown_uses, uses_of

QUEUE = '''
class _LazyImport:
    def name(self) -> str: ...


class SqsQueue(_cdktn.TerraformResource):
    """https://registry.terraform.io/providers/hashicorp/aws/6.69.1/docs/resources/sqs_queue"""

    def url(self) -> builtins.str: ...


class SqsQueueConfig(_cdktn.TerraformMetaArguments):
    def name(self) -> builtins.str: ...
    def lambda_(self) -> typing.Optional[builtins.str]: ...
    def redrive(self) -> typing.Optional["SqsQueueRedriveConfig"]: ...


class SqsQueueRedriveConfig:
    def target(self) -> builtins.str: ...
'''
TEXT = """
resource "aws_sqs_queue" "this" {
  count = 1
  name  = "a"

  redrive {
    target = "b"
  }

  lifecycle {
    prevent_destroy = true
  }
}

output "urls" {
  value = [for queue in aws_sqs_queue.this : queue.url]
}
"""


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / "cdktn_provider_aws-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "cdktn_provider_aws/ecr_repository/__init__.py",
            "# registry.terraform.io/providers/hashicorp/aws/6.69.1/docs",
        )
        archive.writestr("cdktn_provider_aws/sqs_queue/__init__.py", QUEUE)
    return path


def unknown(text: str, wheel: Path) -> list[str]:
    version, found = unknown_uses(list(uses_of(text, "main.tf")), wheel)
    assert version == "6.69.1"
    return [f"{use.where} {use}" for use in found]


def test_what_the_schema_has_is_known(wheel: Path) -> None:
    assert len(list(uses_of(TEXT, "main.tf"))) == 5
    assert unknown(TEXT, wheel) == []


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ('name  = "a"', 'title = "a"', "main.tf:4 aws_sqs_queue.title"),
        ('target = "b"', 'goal = "b"', "main.tf:7 aws_sqs_queue.redrive.goal"),
        ("queue.url", "queue.arn", "main.tf:16 aws_sqs_queue.arn"),
        ("[for queue in aws_sqs_queue.this : queue.url]", "aws_sqs_queue.this[*].arn", "main.tf:16 aws_sqs_queue.arn"),
        (
            "[for queue in aws_sqs_queue.this : queue.url]",
            "data.aws_sqs_queue.this.url",
            "main.tf:16 data.aws_sqs_queue.url",
        ),
        ("prevent_destroy = true", "prevent_destroy = self.colour", "main.tf:2 aws_sqs_queue.colour"),
    ],
)
def test_what_the_schema_lacks_is_named_with_its_line(wheel: Path, old: str, new: str, found: str) -> None:
    assert unknown(TEXT.replace(old, new), wheel) == [found]


def test_a_block_made_for_each_element_is_looked_into(wheel: Path) -> None:
    dynamic = 'dynamic "redrive" {\n    for_each = [1]\n    content {\n      goal = 1\n    }'
    assert unknown(TEXT.replace('redrive {\n    target = "b"', dynamic), wheel) == [
        "main.tf:9 aws_sqs_queue.redrive.goal"
    ]


def test_a_package_that_cannot_be_read_is_an_error_without_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "broken.whl"
    path.write_bytes(b"no zip")
    assert main([str(path)]) == 2
    assert "the schema could not be read" in capsys.readouterr().err


def test_uses_of_this_repository_are_found() -> None:
    root = Path(__file__).parents[2]
    text = (root / "modules" / "vpc-endpoints" / "main.tf").read_text("utf-8")
    assert {"aws_vpc_endpoint", "aws_vpc_endpoint.service_name", "data.aws_region.name"} <= {
        str(use) for use in uses_of(text, "main.tf")
    }
