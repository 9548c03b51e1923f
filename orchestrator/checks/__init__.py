"""The one loader of environments: every check that can be made before Terraform and AWS are called. Pure.

The stages, in `check`: `convert` makes typed values of what tfvars hold. `walker` asks each value for its marker.
Modules named after a part of an environment examine what lies across fields. All problems come out at once, or the
`Environment`. `across` compares several environments that are loaded.
"""

from orchestrator.checks.check import Checked, build_environment, check_environment
from orchestrator.checks.problem import Problem

__all__ = ["Checked", "Problem", "build_environment", "check_environment"]
