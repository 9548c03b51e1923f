"""What AWS refuses and moto takes: asked before moto is, one check for each refusal.

ECR has its own table, because the embedded ECR is this package's own. Here stand the other services that an
environment's resources belong to. `guard` says what a check is; `guard_table` lists all of them, for the page, too.
"""

from orchestrator.local.guards.guard import Check
from orchestrator.local.guards.guard_table import CHECKS, TAKEN, refuse

__all__ = ["CHECKS", "TAKEN", "Check", "refuse"]
