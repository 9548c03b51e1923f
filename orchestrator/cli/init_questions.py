"""What `init` asks on a terminal beyond its flags: upstreams, facts of an EKS cluster, the state's bucket."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from orchestrator.cli import messages
from orchestrator.cli.project_session import project_session
from orchestrator.cli.scaffold_files import checked_as_written, maker_of_endpoints, readable_environments
from orchestrator.counts import counted
from orchestrator.errors import OrchestratorError

if TYPE_CHECKING:
    from orchestrator.aws.cluster_network import ClusterNetwork
    from orchestrator.environment.markers import Form
    from orchestrator.project import Project
    from orchestrator.scaffold import Answers


def asked_region(answer: str) -> str:
    """The answer, or another question when it is no region."""
    from orchestrator.environment.identifiers import is_region

    if not is_region(answer.strip()):
        raise click.BadParameter(f'"{answer}" is no region; they look like eu-west-1')
    return answer.strip()


def asked_account(answer: str) -> str:
    """The answer, or another question when it has not twelve digits."""
    if not re.fullmatch("[0-9]{12}", answer.strip()):
        raise click.BadParameter(f'"{answer}" has no 12 digits')
    return answer.strip()


def ask_cluster_name(platform: str, usual: str) -> str:
    """The cluster's name; asked again while the platform has none like it."""
    from orchestrator.environment.value_types import EKS_CLUSTER_NAME, ROSA_CLUSTER_NAME

    form = EKS_CLUSTER_NAME if platform == "eks" else ROSA_CLUSTER_NAME
    # An environment's name may be none of a cluster.
    default = usual if form.holds(usual) else None
    answer: str = click.prompt("Cluster name", default=default, value_proc=lambda text: _of_form(form, text))
    return answer


def _of_form(form: Form, text: str) -> str:
    """The answer, or another question when it has not that form."""
    fault = form.judge(text.strip())
    if fault is not None:
        raise click.BadParameter(f'"{text}": {" ".join(fault)}')
    return text.strip()


def ask_upstreams(offered: Sequence[str], usual: Sequence[str]) -> tuple[str, ...]:
    """The prefixes that are chosen, each a rule; asked again while one is not offered."""

    def chosen(answer: str) -> tuple[str, ...]:
        words = tuple(dict.fromkeys(answer.replace(",", " ").split()))
        unknown = [word for word in words if word not in offered]
        if unknown or not words:
            raise click.BadParameter(f'"{" ".join(unknown)}" is not among {", ".join(offered)}')
        return words

    text = f"Upstreams to pull through ({', '.join(offered)})"
    answer: tuple[str, ...] = click.prompt(text, default=" ".join(usual), value_proc=chosen)
    return answer


def ask_cluster(project: Project, answers: Answers, *, local: bool) -> Answers:
    """The answers with node roles and network of the cluster, where EKS knows it and they are wanted.

    Values of flags stay. Without a login or the right to look it says so and goes on.
    """
    from orchestrator.aws.caller import check_account
    from orchestrator.aws.cluster_network import find_cluster_network

    environment = checked_as_written(project, answers)[1].environment
    if environment is None:
        return answers  # what is wrong is said once, by whoever writes the file
    try:
        session = project_session(project, environment, local=local)
        check_account(session, environment)
        found = find_cluster_network(session, answers.cluster_name)
    except OrchestratorError as error:
        messages.note(f"the cluster was not looked up: {error.headline}")
        return answers
    if found is None:
        messages.note(
            f"EKS has no cluster {answers.cluster_name} in {answers.aws_region}: nodes and network are left open"
        )
        return answers
    answers = _with_roles(answers, found)
    others = readable_environments(project)
    if maker_of_endpoints(others, answers.account_id, answers.aws_region, found.vpc_id) is not None:
        return answers  # the environment that makes them serves the whole VPC
    return _with_network(answers, found)


def ask_bucket(name: str) -> str | None:
    """The bucket for the state, None when the answer is empty."""
    from orchestrator.environment.value_types import BUCKET_NAME

    text = f"S3 bucket for the state, made when it is missing (empty: later, by `orchestrator init {name} --state-bucket BUCKET`)"

    def named(answer: str) -> str:
        return _of_form(BUCKET_NAME, answer) if answer.strip() else ""

    return click.prompt(text, default="", show_default=False, value_proc=named) or None


def _with_roles(answers: Answers, found: ClusterNetwork) -> Answers:
    roles = found.node_role_names
    if answers.node_role_names or not roles:
        return answers
    many = counted(len(roles), "node role")
    return replace(answers, node_role_names=roles) if _agreed(f"{many} may pull: {', '.join(roles)}?") else answers


def _with_network(answers: Answers, found: ClusterNetwork) -> Answers:
    subnets = found.private_subnet_ids
    if answers.vpc_id or found.vpc_id is None or not subnets:
        return answers
    what = f"Endpoints of ECR in {found.vpc_id}, subnets {', '.join(subnets)} (they cost by the hour)?"
    if not _agreed(what, default=False):
        return answers
    return replace(answers, vpc_id=found.vpc_id, private_subnet_ids=subnets, vpc_cidr=found.vpc_cidr)


def _agreed(question: str, *, default: bool = True) -> bool:
    return click.confirm(question, default=default)
