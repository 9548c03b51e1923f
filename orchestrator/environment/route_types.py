"""Types of single values of routes and of the network, each with its rule: prefixes, sources, secrets, IDs, blocks. Pure."""

from __future__ import annotations

import ipaddress
import re
from functools import partial
from typing import Annotated

from orchestrator.counts import counted
from orchestrator.environment.identifiers import (
    PREFIX_LENGTH,
    REPOSITORY_NAME,
    RULE_PREFIX,
    parse_arn,
    repository_suggestion,
)
from orchestrator.environment.markers import Accounts, ArnOf, Doubted, Form, InAccount, Judged, Unique
from orchestrator.environment.source_form import judge_source
from orchestrator.lifecycle.ports import ROOT

SECRET_PREFIX = "ecr-pullthroughcache/"  # noqa: S105
SECRET_NAME = re.compile(rf"{SECRET_PREFIX}[A-Za-z0-9/_+=.@-]+")
# A mirror's prefix, a slash and a repository must fit into 256 characters.
MIRROR_PREFIX_LENGTH = range(2, 255)


def _is_rule_prefix(text: str) -> bool:
    return text == ROOT or (RULE_PREFIX.fullmatch(text) is not None and len(text) in PREFIX_LENGTH)


def _no_rule_prefix(prefix: str) -> str:
    if prefix.endswith("/") and RULE_PREFIX.fullmatch(prefix.rstrip("/")):
        return "ECR adds the slash after a prefix by itself."
    if prefix != prefix.lower():
        return "ECR prefixes are lower case."
    if RULE_PREFIX.fullmatch(prefix):
        return f"It has {counted(len(prefix), 'character')}; ECR prefixes have 2 to 30."
    return "ECR prefixes have lower case letters and digits with single . _ - or / between them."


RulePrefix = Annotated[
    str,
    Form(
        _is_rule_prefix,
        why=_no_rule_prefix,
        remedy="Write another prefix.",
        meant=lambda text: ROOT if text.upper() == ROOT else repository_suggestion(text),
        said="rule {value}: the prefix has not ECR's form.",
    ),
]
UpstreamPrefix = Annotated[
    str,
    Form(
        _is_rule_prefix,
        why="It has 2 to 30 lower case letters and digits with single . _ - or / between them.",
        remedy="Remove it to take every repository.",
        meant=repository_suggestion,
        said="rule {key}: upstream_repository_prefix is {value}.",
    ),
]


def _is_mirror_prefix(text: str) -> bool:
    return REPOSITORY_NAME.fullmatch(text) is not None and len(text) in MIRROR_PREFIX_LENGTH


def _no_mirror_prefix(prefix: str) -> str:
    if REPOSITORY_NAME.fullmatch(prefix):
        if len(prefix) < MIRROR_PREFIX_LENGTH.start:
            return f"It has 1 character; a prefix has {MIRROR_PREFIX_LENGTH.start} at least."
        return f"It has {len(prefix)} characters; with a repository's name after it, it must fit into 256."
    if prefix.endswith("/") and REPOSITORY_NAME.fullmatch(prefix.rstrip("/")):
        return "The slash after a prefix is added by itself."
    return "ECR repositories have lower case letters and digits, separated by . _ - and /."


MirrorPrefix = Annotated[
    str,
    Form(
        lambda text: text != ROOT,
        why="Copies of one source would lie among own repositories and those of other sources, and nothing could tell "
        "them apart. ROOT is for a pull-through rule, which ECR fills by itself.",
        remedy='Copies need a prefix of their own, such as "mirror".',
        said="mirror {value}: a mirror cannot be at the root of the registry.",
    ),
    Form(
        lambda text: text == ROOT or _is_mirror_prefix(text),
        why=_no_mirror_prefix,
        remedy="Write another prefix.",
        meant=repository_suggestion,
        said="mirror {value}: the prefix has not ECR's form.",
    ),
]
SourceText = Annotated[str, Judged(judge_source)]


def _judge_secret(name: str) -> tuple[str, str] | None:
    if SECRET_NAME.fullmatch(name) and len(name) <= 512:
        return None
    if parse_arn(name):
        return "That is an ARN.", f'Write credential_arn = "{name}".'
    if not name.startswith(SECRET_PREFIX):
        rest = re.sub(r"[^A-Za-z0-9/_+=.@-]", "-", name.removeprefix("/")) or "name"
        return f"ECR reads only secrets whose name begins {SECRET_PREFIX}.", f'Write "{SECRET_PREFIX}{rest}".'
    return "Names of secrets have letters, digits and / _ + = . @ -, 512 at most.", "Write another name."


SecretName = Annotated[str, Judged(_judge_secret)]
PulledBy = Annotated[tuple[str, ...], Accounts()]
RoleOfRegistry = Annotated[
    str,
    ArnOf(
        "iam",
        "role/",
        "IAM role",
        owner=InAccount(
            "{path} is a role of account {account}.",
            why="ECR assumes roles of the registry's own account, {own}.",
            remedy="Name a role of that account.",
            of_registry=True,
        ),
    ),
]
OidcProvider = Annotated[
    str,
    ArnOf(
        "iam",
        "oidc-provider/",
        "OIDC provider",
        owner=InAccount(
            "{path} is in account {account}.",
            why="A role trusts OIDC providers of its own account, {own}.",
            remedy="Name the provider of that account.",
        ),
    ),
]


def _fits_id(kind: str, text: str) -> bool:
    return re.fullmatch(rf"{kind}-([0-9a-f]{{8}}|[0-9a-f]{{17}})", text) is not None


def _id_in(kind: str, text: str) -> str:
    found = re.search(rf"\b{kind}-([0-9a-f]{{17}}|[0-9a-f]{{8}})\b", text)
    return found[0] if found else text


def _id(kind: str) -> Form:
    """Of what EC2 numbers: `vpc-` and 8 or 17 digits."""
    return Form(
        partial(_fits_id, kind),
        why=f"Such an ID is {kind}- and 8 or 17 hexadecimal digits.",
        remedy=f'Write it like "{kind}-0a1b2c3d4e5f67890".',
        meant=partial(_id_in, kind),
    )


VpcId = Annotated[str, _id("vpc")]
SubnetId = Annotated[str, _id("subnet")]
SecurityGroupId = Annotated[str, _id("sg")]
RouteTableId = Annotated[str, _id("rtb")]


def _judge_block(text: str) -> tuple[str, str] | None:
    example = 'Write it like "10.0.0.0/16".'
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return "It is no network in CIDR form.", example
    if not re.fullmatch(r"[0-9A-Fa-f.:]+/[0-9]{1,3}", text):
        return "The security group takes a network with its prefix length.", example
    if str(network) != text:
        return "Its address lies inside the network, and AWS wants the network's own.", f'Write "{network}".'
    return None


def _doubt_block(text: str) -> tuple[str, str] | None:
    if _judge_block(text) is None and text.endswith("/0"):
        why = "The endpoints' security group would admit every address that reaches the VPC."
        return why, "Write the VPC's own CIDR."
    return None


Block = Annotated[str, Judged(_judge_block), Doubted(_doubt_block)]
Blocks = Annotated[tuple[Block, ...], Unique()]


def _doubt_namespace(text: str) -> tuple[str, str] | None:
    if text and not text.strip("*"):
        return "Every namespace is left alone, so admission policies redirect nothing.", "Remove it."
    return None


NamespacePattern = Annotated[
    str,
    Form(
        re.compile(r"(?=.{1,63}$)[a-z0-9*]([a-z0-9*-]*[a-z0-9*])?"),
        why="Namespaces have 1 to 63 lower case letters, digits and hyphens; * stands for any characters.",
        remedy='Write it like "openshift-*".',
    ),
    Doubted(_doubt_namespace),
]
