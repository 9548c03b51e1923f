"""The one loader of environments: every check that can be made before Terraform and AWS are called. Pure."""

from orchestrator.checks.check import Checked, build_environment, check_environment
from orchestrator.checks.problem import Problem

__all__ = ["Checked", "Problem", "build_environment", "check_environment"]
