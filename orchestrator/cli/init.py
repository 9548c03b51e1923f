"""`orchestrator init`: scaffold an environment, or make the bucket for its state."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.cli import messages
from orchestrator.cli.environment_name import NAME
from orchestrator.cli.init_questions import (
    ask_bucket,
    ask_cluster,
    ask_cluster_name,
    ask_upstreams,
    asked_account,
    asked_region,
)
from orchestrator.cli.init_rules import UPSTREAMS, first_mirrors, new_rules, owned_rules
from orchestrator.cli.options import json_option, local_option
from orchestrator.cli.project_option import open_project
from orchestrator.cli.project_session import project_session
from orchestrator.cli.scaffold_files import (
    answers_from_aws,
    checked_as_written,
    maker_of_endpoints,
    readable_environments,
)
from orchestrator.environment.platforms import PLATFORMS
from orchestrator.errors import InvalidEnvironment, Location, OrchestratorError, RefusedInput, local_flag
from orchestrator.project import Project

if TYPE_CHECKING:
    from orchestrator.aws.state_bucket import StateBucket
    from orchestrator.environment.model import Environment
    from orchestrator.scaffold import Answers

_WITHOUT_CREDENTIALS = ("ecr-public", "k8s", "quay")
_ONLY_ON = (("node_role_names", "--node-role", "eks"), ("worker_role_prefix", "--worker-role-prefix", "rosa-classic"))
_NEEDED = {"platform": "--platform", "aws_region": "--region", "account_id": "--account-id"}
_LIKE = {"--platform": "eks", "--region": "eu-west-1", "--account-id": "111122223333"}


@click.command("init")
@NAME
@click.option("--platform", type=click.Choice(PLATFORMS), help="The cluster's platform.")
@click.option("--region", "aws_region", metavar="REGION", help="AWS region, such as eu-west-1.")
@click.option("--account-id", metavar="ID", help="AWS account, 12 digits.")
@click.option("--cluster-name", metavar="NAME", help="Name of the cluster (default: the environment's).")
@click.option("--upstream", "upstreams", multiple=True, type=click.Choice(list(UPSTREAMS)), help="A rule; repeatable.")
@click.option("--vpc-id", metavar="ID", help="VPC for the ECR endpoints.")
@click.option(
    "--subnet", "private_subnet_ids", multiple=True, metavar="ID", help="Subnet of the endpoints; repeatable."
)
@click.option("--vpc-cidr", metavar="CIDR", help="From where the endpoints' own security group admits HTTPS.")
@click.option(
    "--security-group",
    "endpoint_security_group_ids",
    multiple=True,
    metavar="ID",
    help="Existing security group of the endpoints; repeatable.",
)
@click.option("--node-role", "node_role_names", multiple=True, metavar="NAME", help="EKS node role; repeatable.")
@click.option("--worker-role-prefix", metavar="PREFIX", help="ROSA Classic: prefix of the account roles.")
@click.option("--zero-egress", is_flag=True, help="The cluster has no way out: allow_upstream = false.")
@click.option("--from-aws", is_flag=True, help="Write what the account has: rules, templates, repositories, scanning.")
@click.option("--state-bucket", metavar="BUCKET", help="Make this S3 bucket (if needed) and keep the state there.")
@click.option("--state-region", metavar="REGION", help="Region of that bucket (default: the environment's).")
@local_option("Look and make the bucket in the embedded AWS.")
@click.option("--yes", "--no-input", "no_input", is_flag=True, help="Ask nothing.")
@json_option()
@click.pass_context
def init(ctx: click.Context, /, name: str, no_input: bool, as_json: bool, local: bool, **given: object) -> int:
    """Write environments/NAME.tfvars with comments, from flags and answers; existing files are never overwritten.

    On a terminal it asks for what no flag says. It offers node roles and subnets of EKS clusters.

    In an empty folder this also writes common.tfvars and .gitignore. --state-bucket makes the bucket with versioning,
    encryption, no public access and TLS only. For an environment that exists already that is all.

    With --from-aws the file says what the account has in the region, ready for `apply --adopt`. Resources that it
    cannot say are left alone, and named in the file's last lines and on standard error.
    """
    project = _project(ctx)
    _refuse_name(name)
    path = project.tfvars_path(name)
    from_aws = bool(given.pop("from_aws"))
    if from_aws and given["upstreams"]:
        raise RefusedInput(
            "--upstream and --from-aws are given.",
            why="--from-aws writes the rules that the account has.",
            remedy="Leave one out; more rules can be added to the file.",
        )
    bucket, bucket_region = given.pop("state_bucket"), given.pop("state_region")
    if path.exists():
        if from_aws or not isinstance(bucket, str):
            raise RefusedInput(
                f"{_shown(project, path)} exists already.",
                why="init never overwrites a file.",
                remedy="Edit it, or choose another name.",
            )
        return _add_state(project, name, bucket, _text(bucket_region), local=local, as_json=as_json)
    ask = not no_input and sys.stdin.isatty()
    answers = _answers(project, name, given, bucket, bucket_region, ask=ask, from_aws=from_aws)
    if ask:
        answers = ask_cluster(project, answers, local=local)
        if answers.state_bucket is None and not local:
            answers = replace(answers, state_bucket=ask_bucket(name))
    if from_aws:
        answers = answers_from_aws(project, answers, local=local)
    return _scaffold(project, answers, local=local, as_json=as_json)


def _project(ctx: click.Context) -> Project:
    """The project of this call; without one, the chosen or the current folder becomes it."""
    chosen = (ctx.obj or {}).get("project_dir")
    try:
        return open_project(ctx)
    except RefusedInput:
        return Project(Path(chosen).resolve() if chosen else Path.cwd())


def _refuse_name(name: str) -> None:
    from orchestrator.checks.identity import name_fault

    plain = name.rsplit("/", 1)[-1].removesuffix(".tfvars").removesuffix(".auto")
    fault = name_fault(name)
    if fault is None and name.endswith(".tfvars"):
        fault = "The name has no ending; its file gets one."
    if fault is not None:
        suggestion = re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip("-._")
        usable = suggestion and suggestion != name and name_fault(suggestion) is None
        raise RefusedInput(
            f'An environment cannot be called "{name}".',
            why=fault,
            remedy=f'Try "{suggestion}".' if usable else "Choose another name.",
        )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _answers(
    project: Project,
    name: str,
    given: dict[str, object],
    bucket: object,
    bucket_region: object,
    *,
    ask: bool,
    from_aws: bool,
) -> Answers:
    from orchestrator.partitions import pulls_through
    from orchestrator.scaffold import Answers

    missing = [flag for key, flag in _NEEDED.items() if not _text(given[key])]
    if missing and not ask:
        raise RefusedInput(
            f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing.",
            why="There is no terminal to ask on, or --yes was given.",
            remedy=f"Add {' '.join(f'{flag} {_LIKE[flag]}' for flag in missing)}, with your own values.",
        )
    platform = _text(given["platform"]) or click.prompt("Platform", type=click.Choice(PLATFORMS), default="eks")
    for key, flag, wanted in _ONLY_ON:
        if given[key] and platform != wanted:
            raise RefusedInput(
                f"{flag} is given, but the platform is {platform}.",
                why=f"Only {wanted} has such a thing.",
                remedy="Leave it out.",
            )
    region = _text(given["aws_region"]) or click.prompt("AWS region", value_proc=asked_region)
    account = _text(given["account_id"]) or click.prompt("AWS account ID (12 digits)", value_proc=asked_account)
    cluster = _text(given["cluster_name"]) or (ask_cluster_name(platform, name) if ask else name)
    others = readable_environments(project)
    owner = next(
        (env for env in others if env.owns_registry and (env.account_id, env.aws_region) == (account, region)), None
    )
    # What `init` offers are registries of others.
    has_rules = pulls_through(region, "quay")
    chosen = given["upstreams"]
    assert isinstance(chosen, tuple)
    if chosen and not has_rules:
        raise RefusedInput(
            f"--upstream cannot be used in {region}.",
            why="ECR has no pull-through cache rules there.",
            remedy="Leave it out: mirrors are written instead.",
        )
    if ask and has_rules and owner is None and not from_aws and not chosen:
        chosen = ask_upstreams(list(UPSTREAMS), _WITHOUT_CREDENTIALS)
    prefixes = chosen or _WITHOUT_CREDENTIALS
    vpc = _text(given["vpc_id"])
    return Answers(
        name=name,
        platform=platform,
        cluster_name=cluster,
        account_id=account,
        aws_region=region,
        vpc_id=vpc,
        private_subnet_ids=_texts(given["private_subnet_ids"]),
        vpc_cidr=_text(given["vpc_cidr"]),
        endpoint_security_group_ids=_texts(given["endpoint_security_group_ids"]),
        node_role_names=_texts(given["node_role_names"]),
        worker_role_prefix=_text(given["worker_role_prefix"]),
        allow_upstream=not given["zero_egress"],
        state_bucket=_text(bucket),
        state_region=_text(bucket_region),
        rules=owned_rules(owner) if owner else (new_rules(name, prefixes) if has_rules else {}),
        mirrors={} if has_rules else first_mirrors(owner),
        owner=owner.name if owner else None,
        endpoints_of=maker_of_endpoints(others, account, region, vpc),
    )


def _texts(value: object) -> tuple[str, ...]:
    assert isinstance(value, tuple)
    return tuple(str(item) for item in value)


def _shown(project: Project, path: Path) -> str:
    return path.relative_to(project.root).as_posix()


def _scaffold(project: Project, answers: Answers, *, local: bool, as_json: bool) -> int:
    from orchestrator.checks.without_a_way_out import duties

    path = project.tfvars_path(answers.name)
    # Flags are checked as if they had been written by hand; nothing is written when they are wrong.
    texts, checked = checked_as_written(project, answers)
    if checked.environment is None:
        raise InvalidEnvironment([_without_place(problem, path.name) for problem in checked.problems])
    environment = checked.environment
    for warning in (*checked.warnings, *answers.left_alone):
        messages.warn(f"{warning}")
    bucket, refusal = None, None
    if answers.state_bucket:
        try:
            bucket = _make_bucket(project, environment, answers.state_region, local=local)
        except OrchestratorError as error:
            # The answers are kept: the file names no bucket, so that the command below can add it.
            error.remedy = f"{error.remedy} {_step_without_bucket(answers, local=local)}".lstrip()
            refusal = error
            answers = replace(answers, state_bucket=None, state_region=None)
            texts = checked_as_written(project, answers)[0]
    ignore = project.root / ".gitignore"
    if not ignore.exists():
        texts[ignore] = (
            "# Working directories, plans, the embedded AWS; packages of functions.\n.orchestrator/\nbuild/\n"
        )
    project.environments_dir.mkdir(parents=True, exist_ok=True)
    for file, text in texts.items():
        with file.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    _report(
        as_json,
        {
            "environment": answers.name,
            "written": [_shown(project, file) for file in texts],
            "bucket": _bucket_entry(bucket),
            **({"left_alone": list(answers.left_alone)} if answers.from_aws else {}),
        },
        [
            *(f"Wrote {file}." for file in texts),
            *_bucket_lines(bucket),
            *duties(environment),
            *([] if refusal else [_next_step(answers, _shown(project, path), local=local)]),
        ],
    )
    if refusal is not None:
        raise refusal
    return 0


def _step_without_bucket(answers: Answers, *, local: bool) -> str:
    """What makes up for a bucket that could not be made."""
    region = f" --state-region {answers.state_region}" if answers.state_region else ""
    command = f"orchestrator init {answers.name} --state-bucket {answers.state_bucket}{region}{local_flag(local)}"
    return f"Then `{command}` makes the bucket and adds it to the file."


def _next_step(answers: Answers, file: str, *, local: bool) -> str:
    adopt = " --adopt" if answers.from_aws else ""
    # Without a bucket for the state there is nothing yet that a real plan could use.
    embedded = local or not (answers.state_bucket or answers.from_aws)
    # The embedded AWS has a secret for each rule; what an account has, has its own.
    lacking = [] if embedded or answers.from_aws or answers.owner else answers.rules.items()
    steps = [f"secret set {answers.name} {prefix}" for prefix, rule in lacking if rule.secret_name]
    steps += [f"validate {answers.name}", f"plan {answers.name}{adopt}{local_flag(embedded)}"]
    *first, last = (f"`orchestrator {step}`" for step in steps)
    return f"Next: edit {file}, then {', '.join(first)} and {last}."


def _without_place(problem: OrchestratorError, file: str) -> OrchestratorError:
    # The file was not written, so a line in it would lead nowhere.
    if problem.where is None or Path(problem.where.file).name != file:
        return problem
    return RefusedInput(problem.what, why=problem.why, remedy=problem.remedy)


def _add_state(project: Project, name: str, bucket: str, region: str | None, *, local: bool, as_json: bool) -> int:
    """The bucket for an environment that exists: made, and named in its file when that names none."""
    path = project.tfvars_path(name)
    shown = _shown(project, path)
    environment = project.load(name)
    written = []
    text = ""
    if environment.state is None:
        lines = [f"  bucket = {json.dumps(bucket)}"]
        if region is not None and region != environment.aws_region:
            lines.append(f"  region = {json.dumps(region)}")
        text = "\n# Terraform's state.\nstate = {\n" + "\n".join(lines) + "\n}\n"
        environment = _reloaded(project, name, text)
    elif environment.state.bucket != bucket:
        raise RefusedInput(
            f"{shown} keeps its state in {environment.state.bucket}, not in {bucket}.",
            why="Moving a state is Terraform's business.",
            remedy=f"Give --state-bucket {environment.state.bucket}, or edit the file and migrate the state.",
            where=Location(shown),
        )
    made = _make_bucket(project, environment, region, local=local)
    if text:
        with path.open("ab") as stream:
            stream.write(text.encode())
        written.append(shown)
    _report(
        as_json,
        {"environment": name, "written": written, "bucket": _bucket_entry(made)},
        [*_bucket_lines(made), *(f"Added state to {file}." for file in written)],
    )
    return 0


def _reloaded(project: Project, name: str, addition: str) -> Environment:
    """The environment as it will be with `addition` at the end of its file: checked before anything is made."""
    from orchestrator.checks.check import build_environment
    from orchestrator.environment.tfvars import parse_tfvars

    path = project.tfvars_path(name)
    files = project.read(name)
    own = parse_tfvars(path.read_text(encoding="utf-8") + addition, files[-1].file)
    return build_environment(name, [*files[:-1], own])


def _make_bucket(project: Project, environment: Environment, region: str | None, *, local: bool) -> StateBucket:
    from orchestrator.aws.caller import check_account
    from orchestrator.aws.state_bucket import create_state_bucket

    session = project_session(project, environment, local=local)
    check_account(session, environment)
    state = environment.state
    assert state is not None
    return create_state_bucket(
        session, state.bucket, region=region or state.region or environment.aws_region, kms_key_arn=state.kms_key_arn
    )


def _bucket_entry(bucket: StateBucket | None) -> dict[str, object] | None:
    if bucket is None:
        return None
    return {"name": bucket.name, "region": bucket.region, "created": bucket.created, "changes": list(bucket.changes)}


def _bucket_lines(bucket: StateBucket | None) -> list[str]:
    if bucket is None:
        return []
    head = (
        f"Made the bucket {bucket.name} in {bucket.region}." if bucket.created else f"The bucket {bucket.name} exists."
    )
    return [head, *bucket.changes]


def _report(as_json: bool, document: dict[str, object], lines: list[str]) -> None:
    if as_json:
        click.echo(json.dumps(document, indent=2))
    else:
        click.echo("\n".join(lines))
