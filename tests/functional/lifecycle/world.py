"""A project with a lifecycle manager and its embedded AWS, for commands as a shell runs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.local.process import ensure_running
from tests.functional.lifecycle.conftest import Account
from tests.functional.running import Ran, run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import ProjectFactory

ENVIRONMENT = """
cluster_name = "dev"
account_id = "{account}"
aws_region = "eu-west-1"
create_vpc_endpoints = false
pull_through_cache_rules = {{ quay = {{ upstream_registry_url = "quay.io" }} }}
lifecycle_manager = {{
  retention = {{ {retention} }}
  max_expire_fraction_account = 0.5
  {more}
}}
{after}
"""


class World:
    """A project and its embedded AWS."""

    def __init__(self, project: ProjectFactory, account_id: str, retention: str, more: str, after: str) -> None:
        text = ENVIRONMENT.format(account=account_id, retention=retention, more=more, after=after)
        self.root: Path = project(dev=text).root
        self.aws = Account(ensure_running(self.root / ".orchestrator" / "local-aws"), account_id)
        self.aws.rule("quay", "quay.io")

    def run(self, *arguments: str) -> Ran:
        return run("-C", str(self.root), "lifecycle", *arguments)
