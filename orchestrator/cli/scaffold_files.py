"""The files that `init` would write, checked before they are; and answers that come from what an account has."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from orchestrator.cli.project_session import project_session
from orchestrator.errors import InvalidEnvironment, OrchestratorError, RefusedInput
from orchestrator.project import COMMON, Project

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from orchestrator.checks.check import Checked
    from orchestrator.environment.model import Environment
    from orchestrator.scaffold import Answers

# {variable: field of the answers}: what --from-aws writes, entry by entry or as one.
_ENTRIES = {"pull_through_cache_rules": "rules", "repositories": "repositories"}
_WHOLE = ("root_template", "registry_scanning")


def readable_environments(project: Project) -> list[Environment]:
    """The project's environments that can be read; a broken one must not keep a new one from being made."""
    found = []
    for name in project.environment_names():
        try:
            found.append(project.load(name))
        except RefusedInput:
            continue
    return found


def maker_of_endpoints(others: Iterable[Environment], account: str, region: str, vpc: str | None) -> str | None:
    """The environment that makes the endpoints of this VPC already, None where there is none or no VPC is known."""
    makers = (env for env in others if vpc and env.create_vpc_endpoints and env.vpc_id == vpc)
    return next((env.name for env in makers if (env.account_id, env.aws_region) == (account, region)), None)


def checked_as_written(project: Project, answers: Answers) -> tuple[dict[Path, str], Checked]:
    """({file: text}, what the checks say of these texts), with the common file that is there or a new one."""
    from orchestrator.checks.check import check_environment
    from orchestrator.environment.tfvars import parse_tfvars
    from orchestrator.scaffold import render_common, render_environment

    path, common = project.tfvars_path(answers.name), project.tfvars_path(COMMON)
    texts = {path: render_environment(answers)}
    if not common.exists():
        texts = {common: render_common(), **texts}

    def parsed(file: Path) -> Any:
        return parse_tfvars(texts[file], file.relative_to(project.root).as_posix())

    shared = project.parse(common) if common.exists() else parsed(common)
    return texts, check_environment(answers.name, [shared, parsed(path)])


def answers_from_aws(project: Project, answers: Answers, *, local: bool) -> Answers:
    """The answers with what the account has in the region instead of rules that were chosen.

    An entry that the checks refuse is left alone as well: its reason is theirs.
    """
    from orchestrator.aws.adoptable import adoptable
    from orchestrator.aws.caller import check_account
    from orchestrator.partitions import has_rules
    from orchestrator.scaffold import ScaffoldRule

    owned = answers.owner is not None
    if not owned:
        # Nothing is proposed beside what is there: neither rules nor, in regions without rules, mirrors.
        answers = replace(answers, from_aws=True, rules={}, mirrors={})
    base = checked_as_written(project, answers)[1]
    if base.environment is None:
        raise InvalidEnvironment(base.problems)
    environment = base.environment
    session = project_session(project, environment, local=local)
    check_account(session, environment)
    registry = (answers.account_id, answers.aws_region)
    found = adoptable(
        session,
        has_rules=has_rules(answers.aws_region),
        owned_elsewhere=owned,
        theirs={
            name
            for other in readable_environments(project)
            if (other.account_id, other.aws_region) == registry
            for name in other.own_repository_names
        },
        key_of_all=environment.kms_key_arn,
    )
    rules = {prefix: ScaffoldRule(**rule) for prefix, rule in found.rules.items()}  # type: ignore[arg-type]
    answers = replace(
        answers,
        from_aws=True,
        rules=answers.rules if owned else rules,
        repositories=found.repositories,
        root_template=found.root_template,
        registry_scanning=found.scanning,
        left_alone=tuple(" ".join(note.split()) for note in found.notes),
    )
    return _without_refused(project, answers)


def _without_refused(project: Project, answers: Answers) -> Answers:
    """Each round leaves out at least one entry; what is refused elsewhere is left to the caller."""
    while True:
        texts, checked = checked_as_written(project, answers)
        path = project.tfvars_path(answers.name)
        lines = texts[path].splitlines()
        refused: dict[tuple[str, str], OrchestratorError] = {}
        for problem in checked.problems:
            where = problem.where
            if where is not None and where.file == path.relative_to(project.root).as_posix() and where.line:
                entry = _entry_at(lines, where.line)
                if entry is not None:
                    refused.setdefault(entry, problem)
        if not refused:
            return answers
        for entry, problem in refused.items():
            answers = _without(answers, entry, problem)


def _entry_at(lines: list[str], line: int) -> tuple[str, str] | None:
    """(variable, key) of what --from-aws wrote around a line, counted from 1; the key of a whole variable is empty."""
    key = None
    for text in reversed(lines[:line]):
        entry = re.fullmatch(r'  ("?)([^ "]+)\1 = \{', text)
        if entry is not None and key is None:
            key = entry[2]
        top = re.fullmatch(r"([a-z_]+) = \{", text)
        if top is not None:
            if top[1] in _WHOLE:
                return top[1], ""
            return (top[1], key) if top[1] in _ENTRIES and key is not None else None
    return None


def _without(answers: Answers, entry: tuple[str, str], problem: OrchestratorError) -> Answers:
    variable, key = entry
    sentence = " ".join(f"{problem.headline} {problem.why}".split())
    left = (*answers.left_alone, f"{variable}{f' {key}' if key else ''} is left out: {sentence}")
    if variable in _WHOLE:
        return replace(answers, **{variable: None}, left_alone=left)  # type: ignore[arg-type]
    field = _ENTRIES[variable]
    rest = {name: value for name, value in getattr(answers, field).items() if name != key}
    return replace(answers, **{field: rest}, left_alone=left)  # type: ignore[arg-type]
