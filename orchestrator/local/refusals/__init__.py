"""What AWS refuses and moto takes: asked before moto is, one check for each refusal.

ECR has its own table, because the embedded ECR is this package's own. Here stand the other services that an
environment's resources belong to. `check` says what a check is; `table` lists all of them, for the page, too.
"""

from orchestrator.local.refusals.check import Check
from orchestrator.local.refusals.table import CHECKS, TAKEN, refuse

__all__ = ["CHECKS", "TAKEN", "Check", "refuse"]
