"""What each Terraform command does with one environment, and what it reports of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.cli.operation import EnvironmentRun, Report
from orchestrator.counts import counted
from orchestrator.lifecycle.ports import ROOT
from orchestrator.terraform import operations
from orchestrator.terraform.fleet import Result
from orchestrator.terraform.plan_comment import PlanComment, plan_comment
from orchestrator.terraform.summary import attribute_line, change_line, plan_text

if TYPE_CHECKING:
    from orchestrator.aws.inventory import CachedRepository
    from orchestrator.terraform.plan import Plan

WARNING = "warning: "


def rendered(unit: EnvironmentRun) -> Report:
    """The working directory is there; say where."""
    workdir = unit.stack.workdir
    document = {"environment": unit.name, "directory": str(workdir.root), "digest": workdir.digest}
    return Report(document, (f"{workdir.root}",))


def planned(
    unit: EnvironmentRun, *, out: Path | None, adopt: bool, ask_changes: bool, targets: tuple[str, ...] = ()
) -> Report:
    """Show the plan."""
    warnings = _overheard(unit)
    plan = operations.plan(unit.stack, out=out, adopt=adopt, targets=targets)
    lines = plan_text(plan, colour=unit.fleet.colour).splitlines()
    if out is not None:
        lines.append(
            f"The plan is in {out}. It holds secrets: keep it as one. `orchestrator apply {unit.name} --plan {out}{unit.stack.workdir.flag}` applies it."
        )
    comment = PlanComment(unit.name, plan, tuple(warnings), mask=unit.stack.runner.masker, flag=unit.stack.workdir.flag)
    return Report(_plan_document(unit, plan), tuple(lines), ask_changes and not plan.is_empty, comment)


def _overheard(unit: EnvironmentRun) -> list[str]:
    """Warnings that are said from now on; a comment repeats them, because nobody reads a pipeline's log."""
    warnings: list[str] = []
    say = unit.stack.say

    def listen(text: str) -> None:
        if text.startswith(WARNING):
            warnings.append(text.removeprefix(WARNING))
        say(text)

    unit.stack.say = listen
    return warnings


def as_comment(results: Sequence[Result[Report]]) -> str:
    """The plans of all environments as one comment of a pull request."""
    parts = [
        result.value.comment
        if result.value is not None and result.value.comment is not None
        else PlanComment(result.name, error=str(result.error))
        for result in results
    ]
    return plan_comment(parts)


def applied(
    unit: EnvironmentRun,
    *,
    plan_file: Path | None,
    adopt: bool,
    allow_destroy: tuple[str, ...],
    targets: tuple[str, ...] = (),
) -> Report:
    """Apply and report what AWS says of the rules."""
    done = operations.apply(
        unit.stack,
        show=unit.show,
        ask=unit.fleet.ask,
        adopt=adopt,
        allow_destroy=allow_destroy,
        plan_file=plan_file,
        targets=targets,
    )
    lines = ["Applied." if done.changed else "Nothing to apply."]
    for rule in done.rules:
        if rule.valid:
            lines.append(
                f"rule {rule.prefix}: valid ({rule.upstream})" if rule.upstream else f"rule {rule.prefix}: valid"
            )
        else:
            state = "invalid" if rule.valid is False else "could not be checked"
            lines.append(f"rule {rule.prefix}: {state}: {rule.failure}")
    root = unit.fleet.project.root.resolve()
    lines += [f"wrote {path.relative_to(root)}" for path in done.written]
    document = {
        **_plan_document(unit, done.plan),
        "applied": done.changed,
        "outputs": done.outputs,
        "rules": [
            {"prefix": r.prefix, "valid": r.valid, "failure": r.failure or None, "upstream": r.upstream or None}
            for r in done.rules
        ],
        "written": [str(path.relative_to(root)) for path in done.written],
    }
    return Report(document, tuple(lines))


def destroyed(unit: EnvironmentRun, *, allow_destroy: tuple[str, ...]) -> Report:
    """Destroy and report what stays."""
    done = operations.destroy(unit.stack, show=unit.show, ask=unit.fleet.ask, allow_destroy=allow_destroy)
    lines = ["Destroyed." if done.changed else "Nothing to destroy."]
    if done.spared:
        lines.append(f"Spared, because protected: {', '.join(done.spared)}.")
    if done.cached:
        lines += left_over(done.cached, unit.stack.environment.aws_region, local=unit.stack.context.local is not None)
    document = {
        **_plan_document(unit, done.plan),
        "destroyed": done.changed,
        "spared": list(done.spared),
        "cached": [{"name": c.name, "prefix": c.prefix, "images": c.images, "bytes": c.size} for c in done.cached],
    }
    return Report(document, tuple(lines))


def left_over(cached: Sequence[CachedRepository], region: str, *, local: bool) -> list[str]:
    """What ECR made by itself, with the commands that delete it.

    Those speak to the real AWS, where a repository of that name may be in use. With `local` there are none.
    """
    count, total = counted(len(cached), "cached repository", "cached repositories"), sum(each.size for each in cached)
    lines = [f"Left over: {count} that AWS made and nobody manages, {total} bytes."]
    for repository in cached:
        doubt = "  (under ROOT: make sure that it is a cache)" if repository.prefix == ROOT else ""
        lines.append(f"  {repository.name}: {counted(repository.images, 'image')}, {repository.size} bytes{doubt}")
        if not local:
            lines.append(f"    aws ecr delete-repository --region {region} --force --repository-name {repository.name}")
    return [*lines, "`orchestrator local down` forgets them."] if local else lines


def drifted(unit: EnvironmentRun) -> Report:
    """What changed outside; an environment that is not applied differs from what its file says, too."""
    found = operations.drift(unit.stack)
    document = {"environment": unit.name, **found.as_dict()}
    if not found.applied:
        lines = ["Nothing is applied."]
        if found.existing:
            lines.append(f"In AWS already: {', '.join(found.existing)}.")
        if found.advice:
            lines.append(str(found.advice))
        return Report(document, tuple(lines), True)
    lines = []
    for change in found.changes:
        if change.action == "delete":
            lines.append(f"{change_line(change, colour=unit.fleet.colour)}  was deleted")
            continue
        lines.append(change_line(change, colour=unit.fleet.colour))
        lines += [f"        {attribute_line(attribute)}" for attribute in change.attributes]
    count = len(found.changes)
    lines.append(f"Drift: {counted(count, 'resource')} changed outside." if count else "No drift.")
    return Report(document, tuple(lines), bool(found.changes))


def _plan_document(unit: EnvironmentRun, plan: Plan) -> dict[str, Any]:
    return {"environment": unit.name, **plan.as_dict()}
