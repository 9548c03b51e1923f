"""Every check that can be made before Terraform and AWS are called. Pure: values in, problems out."""

from orchestrator.checks.check import check
from orchestrator.checks.problem import Problem

__all__ = ["Problem", "check"]
