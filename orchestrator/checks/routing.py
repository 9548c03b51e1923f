"""Checks of the routes together: rules, mirrors, include, exclude, and what they mean on the platform."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from orchestrator.checks.claims import Claim, mirror_claims, rule_claims
from orchestrator.checks.context import Context
from orchestrator.checks.rules import check_rule
from orchestrator.checks.selection import check_lists
from orchestrator.environment.pods import COMPARING_OPERATORS
from orchestrator.environment.tfvars import Path
from orchestrator.lifecycle.ports import ROOT
from orchestrator.lifecycle.upstream_names import longest_prefix
from orchestrator.partitions import has_rules
from orchestrator.routes.source import Source

MAX_RULES = 50
LONGEST_NAME = 256
_ISOLATED = "an isolated partition"
# What users call the partitions without rules.
_PARTITION_NAMES = {"aws-cn": "China"}
# OpenShift documentation: sources that ROSA Classic's managed configuration forbids in an IDMS or ITMS.
FORBIDDEN_IDMS_SOURCES = ("quay.io", "registry.access.redhat.com", "registry.redhat.io")


def check_routes(context: Context) -> None:
    """All of them; each rule by itself first."""
    environment = context.environment
    _check_partition_and_number(context)
    for prefix, rule in environment.pull_through_cache_rules.items():
        check_rule(context, prefix, rule)
    claims = [*rule_claims(context), *mirror_claims(context)]
    _check_sources_once(context, claims)
    _check_prefixes(context)
    _warn_of_what_consumers_pull(context)
    check_lists(context, claims)
    if environment.digest_references == "leave" and not environment.allow_upstream:
        context.warn(
            ("digest_references",),
            'digest_references is "leave", but allow_upstream is false.',
            why="References with a digest would go to a source that the cluster cannot reach.",
            remedy='Write "redirect" and fill the cache with `orchestrator warm`, or remove the line.',
            value="leave",
        )
    if (
        environment.failure_policy == "Fail"
        and not any(fnmatchcase("kube-system", pattern) for pattern in environment.exclude_namespaces)
        and context.usable("exclude_namespaces")
    ):
        context.warn(
            ("failure_policy",),
            'failure_policy is "Fail", and exclude_namespaces does not name kube-system.',
            why="While the policy fails, the cluster could not start its own Pods.",
            remedy='Add "kube-system" to exclude_namespaces.',
            value="Fail",
        )
    if context.usable("exclude_pods"):
        _check_excluded_pods(context)
    if environment.generate_idms:
        _warn_about_idms(context, claims)


def _check_excluded_pods(context: Context) -> None:
    """A list of one's own takes the place of the shipped one: what is no more in it is said once."""
    given = set(context.environment.exclude_pods)
    missing = [operator for operator in COMPARING_OPERATORS if operator.selector not in given]
    if missing:
        context.warn(
            ("exclude_pods",),
            f"exclude_pods takes the place of the shipped list and lacks {', '.join(one.selector for one in missing)}.",
            why=f"{', '.join(one.name for one in missing)} compare images and would remake redirected Pods for ever.",
            remedy="Add those that your clusters run (`orchestrator docs custom-resources` lists them).",
            value=list(context.environment.exclude_pods),
        )


def _check_partition_and_number(context: Context) -> None:
    environment = context.environment
    rules = environment.pull_through_cache_rules
    path = ("pull_through_cache_rules",)
    if rules and context.usable("aws_region") and not has_rules(environment.aws_region):
        context.error(
            path,
            f"There {'is 1 rule' if len(rules) == 1 else f'are {len(rules)} rules'} in {environment.aws_region}.",
            why=f"ECR has no pull-through cache in {_PARTITION_NAMES.get(environment.partition, _ISOLATED)}.",
            remedy="Write them as mirrors: there everything must be copied.",
            value=environment.aws_region,
        )
    if len(rules) > MAX_RULES:
        context.error(
            path,
            f"There are {len(rules)} rules.",
            why=f"A registry takes {MAX_RULES}, and AWS does not raise that.",
            remedy=f"Remove {len(rules) - MAX_RULES}, or turn some into mirrors.",
            value=len(rules),
        )


def _check_sources_once(context: Context, claims: list[Claim]) -> None:
    seen: dict[Source, Claim] = {}
    for claim in _in_file_order(context, claims):
        first = seen.setdefault(claim.source, claim)
        if first is not claim:
            name = f"{claim.source.registry}/{claim.source.path}".rstrip("/")
            context.error(
                claim.path,
                f'{claim.word} "{claim.prefix}" claims {name}, and so does {first.word} "{first.prefix}" '
                f"on line {context.tfvars.where(first.path).line}.",
                why="Images of one source go to one place.",
                remedy="Remove one, or narrow it with a path in source.",
                value=name,
            )


def _in_file_order(context: Context, claims: list[Claim]) -> list[Claim]:
    return sorted(claims, key=lambda claim: (_line(context, claim.path), claim.path[0], claim.prefix))


def _line(context: Context, path: Path) -> tuple[str, int]:
    """Where `path` is written, as something that thousands are sorted by."""
    where = context.tfvars.where(path)
    return where.file, where.line


def _check_prefixes(context: Context) -> None:
    environment = context.environment
    paths = [("pull_through_cache_rules", prefix) for prefix in environment.pull_through_cache_rules if prefix != ROOT]
    paths += [("mirrors", prefix) for prefix in environment.mirrors]
    ordered = sorted(paths, key=lambda path: (_line(context, path), path))
    for (variable, prefix), (other_variable, other) in _overlapping(ordered):
        word = "rule" if variable == "pull_through_cache_rules" else "mirror"
        other_word = "rule" if other_variable == "pull_through_cache_rules" else "mirror"
        line = context.tfvars.where((other_variable, other)).line
        same = prefix == other
        context.error(
            (variable, prefix),
            f'{word} "{prefix}" and {other_word} "{other}" (line {line}) '
            + ("have the same prefix." if same else "lie one below the other."),
            why="A repository there could come from either.",
            remedy="Give them prefixes of their own.",
            value=prefix,
        )
    for name in environment.own_repository_names:
        rule = longest_prefix(name, environment.pull_through_cache_rules)
        if rule is not None:
            context.warn(
                environment.repository_path(name),
                f'The repository "{name}" lies below the prefix of the rule "{rule}".',
                why="ECR fills it from the upstream when an image of that name is pulled.",
                remedy="Give it a name outside the cache, unless you want to prepare the cache's repository.",
                value=name,
            )


def _warn_of_what_consumers_pull(context: Context) -> None:
    """Own repositories in reach of other accounts: the registry's policy names prefixes, not what lies below them."""
    environment = context.environment
    if not environment.registry_consumer_account_ids or not environment.owns_registry:
        return
    if ROOT in environment.pull_through_cache_rules:
        context.warn(
            ("registry_consumer_account_ids",),
            "The accounts in registry_consumer_account_ids may pull every repository of the registry.",
            why="The rule ROOT caches below no prefix, so that their right cannot name one.",
            remedy="Give the rule a prefix, or keep what is not for them in another account.",
            value=environment.registry_consumer_account_ids,
        )
        return
    for name in environment.own_repository_names:
        prefix = longest_prefix(name, {*environment.pull_through_cache_rules, *environment.mirrors})
        if prefix is not None:
            context.warn(
                environment.repository_path(name),
                f'The accounts in registry_consumer_account_ids may pull the repository "{name}".',
                why=f'They may pull whatever lies below "{prefix}".',
                remedy="Give it a name outside that prefix if it is not for them.",
                value=name,
            )


def _overlapping(ordered: Sequence[tuple[str, str]]) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    """Each (variable, prefix) with each one before it that is the same, above or below; thousands take no long."""
    exactly: dict[str, list[int]] = {}
    below: dict[str, list[int]] = {}
    for index, path in enumerate(ordered):
        if len(path[1]) > LONGEST_NAME:
            # No prefix: it is refused where it stands.
            continue
        parts = path[1].split("/")
        above = ["/".join(parts[:length]) for length in range(1, len(parts))]
        found = {*exactly.get(path[1], ()), *below.get(path[1], ())}
        for prefix in above:
            found.update(exactly.get(prefix, ()))
        yield from ((path, ordered[other]) for other in sorted(found))
        exactly.setdefault(path[1], []).append(index)
        for prefix in above:
            below.setdefault(prefix, []).append(index)


def _warn_about_idms(context: Context, claims: list[Claim]) -> None:
    platform = context.environment.platform
    path: Path = ("generate_idms",)
    if platform == "eks":
        context.warn(
            path,
            "generate_idms is true, but platform is eks.",
            why="Only OpenShift reads an ImageDigestMirrorSet.",
            remedy="Remove it, or correct platform.",
            value=True,
        )
    elif platform == "rosa-hcp":
        context.warn(
            path,
            "generate_idms is true on rosa-hcp.",
            why="Hosted control planes deny an ImageDigestMirrorSet and take mirrors by `rosa create image-mirror`.",
            remedy="Use the document as input for oc mirror, and `orchestrator manifests --for rosa` for the cluster.",
            value=True,
        )
    elif platform == "rosa-classic":
        for claim in claims:
            if claim.source.registry in FORBIDDEN_IDMS_SOURCES:
                context.warn(
                    claim.path,
                    f'{claim.word} "{claim.prefix}": {claim.source.registry} cannot stand in an ImageDigestMirrorSet.',
                    why="ROSA Classic forbids it as a source there.",
                    remedy="It is left out of the document; admission policies redirect it all the same.",
                    value=claim.source.registry,
                )
