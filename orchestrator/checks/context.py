"""What a check sees: the environment, where each value was written, and a way to report."""

from __future__ import annotations

from orchestrator.checks.problem import Problem
from orchestrator.environment.model import Environment
from orchestrator.environment.tfvars import Path, Tfvars, dotted


class Context:
    """One environment under examination. Collects problems and warnings; checks never raise.

    `flag` stands behind every command that a remedy names: ` --local`, or nothing.
    """

    def __init__(self, environment: Environment, tfvars: Tfvars, problems: list[Problem], *, flag: str = "") -> None:
        self.environment = environment
        self.flag = flag
        self.tfvars = tfvars
        self.problems = problems
        self.warnings: list[Problem] = []
        # Variables whose value is not what was written: their own problem is reported, so nothing follows from them.
        self._doubtful = {problem.variable.split(".")[0].split("[")[0] for problem in problems}

    def usable(self, *variables: str) -> bool:
        """Were all of these variables good so far? A check that combines several asks first."""
        return self._doubtful.isdisjoint(variables)

    def written(self, variable: str) -> bool:
        """Does a file set the variable?"""
        return variable in self.tfvars.values

    def error(
        self, path: Path, what: str, *, why: str, remedy: str, value: object = None, at: Path | None = None
    ) -> None:
        """Report a problem of `path`; `at` is where to point when that is another place."""
        self.problems.append(self._problem(path, what, why, remedy, value, at))
        if len(path) == 1:
            self._doubtful.add(str(path[0]))

    def warn(
        self, path: Path, what: str, *, why: str, remedy: str, value: object = None, at: Path | None = None
    ) -> None:
        """Report what is allowed, but hardly meant."""
        self.warnings.append(self._problem(path, what, why, remedy, value, at))

    def _problem(self, path: Path, what: str, why: str, remedy: str, value: object, at: Path | None) -> Problem:
        return Problem(
            what,
            why=why,
            remedy=remedy,
            where=self.tfvars.where(at or path),
            variable=dotted(path),
            value=value,
        )
