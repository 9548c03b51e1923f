"""Checks of the routes together: rules, mirrors, include, exclude, and what they mean on the platform."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

from orchestrator.checks.common import check_one_of
from orchestrator.checks.context import Context
from orchestrator.checks.forms import REPOSITORY_NAME, repository_suggestion
from orchestrator.checks.problem import shown
from orchestrator.checks.rules import ROOT, check_rule
from orchestrator.checks.sources import check_source, covers, overlaps
from orchestrator.environment import Environment, PullThroughCacheRule
from orchestrator.routes import Source
from orchestrator.tfvars import Path, dotted
from orchestrator.upstreams import canonical_registry, ecr_registry, partition_for, upstream_of

MAX_RULES = 50
# A mirror's prefix, a slash and a repository must fit into 256 characters.
MIRROR_PREFIX_LENGTH = range(2, 255)
# What users call the partitions in which ECR has no pull-through cache.
_PARTITION_NAMES = {"aws-us-gov": "GovCloud", "aws-cn": "China"}
DIGEST_REFERENCES = ("leave", "redirect")
FAILURE_POLICIES = ("Ignore", "Fail")
# OpenShift documentation: sources that ROSA Classic's managed configuration forbids in an IDMS or ITMS.
FORBIDDEN_IDMS_SOURCES = ("quay.io", "registry.access.redhat.com", "registry.redhat.io")
_NAMESPACE = re.compile(r"[a-z0-9*]([a-z0-9*-]*[a-z0-9*])?")


@dataclass(frozen=True, slots=True)
class _Claim:
    """What one rule or mirror takes: a source, and where it was written."""

    path: Path
    prefix: str
    source: Source

    @property
    def word(self) -> str:
        return "rule" if self.path[0] == "pull_through_cache_rules" else "mirror"


def check_routes(context: Context) -> None:
    """All of them; each rule by itself first."""
    environment = context.environment
    _check_partition_and_number(context)
    for prefix, rule in environment.pull_through_cache_rules.items():
        check_rule(context, prefix, rule)
    claims = [*_rule_claims(context), *_mirror_claims(context)]
    _check_sources_once(context, claims)
    _check_prefixes(context)
    _check_lists(context, claims)
    if environment.digest_references is not None:
        check_one_of(context, ("digest_references",), environment.digest_references, DIGEST_REFERENCES)
    check_one_of(context, ("failure_policy",), environment.failure_policy, FAILURE_POLICIES)
    if environment.digest_references == "leave" and not environment.allow_upstream:
        context.warn(
            ("digest_references",),
            'digest_references is "leave", but allow_upstream is false.',
            why="References with a digest would go to a source that the cluster cannot reach.",
            remedy='Write "redirect" and fill the cache with `orchestrator warm`, or remove the line.',
            value="leave",
        )
    for index, namespace in enumerate(environment.exclude_namespaces):
        _check_namespace(context, ("exclude_namespaces", index), namespace)
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
    if environment.generate_idms:
        _warn_about_idms(context, claims)


def has_rules(environment: Environment) -> bool:
    """Has ECR a pull-through cache where the environment is?"""
    return partition_for(environment.aws_region).pull_through_cache


def _check_partition_and_number(context: Context) -> None:
    environment = context.environment
    rules = environment.pull_through_cache_rules
    path = ("pull_through_cache_rules",)
    partition = _PARTITION_NAMES.get(environment.partition, "an isolated partition")
    if rules and context.usable("aws_region") and not has_rules(environment):
        context.error(
            path,
            f"There {'is 1 rule' if len(rules) == 1 else f'are {len(rules)} rules'} in {environment.aws_region}.",
            why=f"ECR has no pull-through cache in {partition}.",
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


def _rule_claims(context: Context) -> list[_Claim]:
    claims = []
    for prefix, rule in context.environment.pull_through_cache_rules.items():
        path: Path = ("pull_through_cache_rules", prefix)
        if upstream_of(rule.upstream_registry_url) is None:
            continue
        source = _rule_source(context, path, rule)
        if source is not None:
            claims.append(_Claim(path, prefix, source))
    return claims


def _rule_source(context: Context, path: Path, rule: PullThroughCacheRule) -> Source | None:
    registry = canonical_registry(rule.upstream_registry_url)
    if rule.source is None:
        return Source(registry, rule.upstream_repository_prefix or "")
    source = check_source(context, (*path, "source"), rule.source, registry)
    if source is None:
        return None
    whole = Source(registry, rule.upstream_repository_prefix or "")
    if not covers(whole, source):
        shown_whole = f"{whole.registry}/{whole.path}" if whole.path else whole.registry
        context.error(
            (*path, "source"),
            f"{dotted((*path, 'source'))} is {shown(rule.source)}.",
            why=f"The rule pulls from {shown_whole}: a source can only narrow that.",
            remedy=f'Write "{shown_whole}/<path>", or remove it.',
            value=rule.source,
        )
        return None
    return source


def _mirror_claims(context: Context) -> list[_Claim]:
    environment = context.environment
    claims = []
    for prefix, mirror in environment.mirrors.items():
        path: Path = ("mirrors", prefix)
        _check_mirror_prefix(context, path, prefix)
        source = check_source(context, (*path, "source"), mirror.source)
        if source is None:
            continue
        if _is_own_registry(context, source):
            context.error(
                (*path, "source"),
                f"{dotted((*path, 'source'))} is the environment's own registry.",
                why="Its images are there already.",
                remedy="Remove the mirror.",
                value=mirror.source,
            )
            continue
        if (
            upstream_of("registry-1.docker.io" if source.registry == "docker.io" else source.registry)
            and context.usable("aws_region")
            and has_rules(environment)
            and environment.allow_upstream
        ):
            context.warn(
                (*path, "source"),
                f"{dotted((*path, 'source'))} is {shown(mirror.source)}, which ECR can pull through.",
                why="A mirror holds only what was copied; a rule fetches by itself.",
                remedy="Write it as a rule unless you want to choose the images.",
                value=mirror.source,
            )
        claims.append(_Claim(path, prefix, source))
    return claims


def _check_mirror_prefix(context: Context, path: Path, prefix: str) -> None:
    if REPOSITORY_NAME.fullmatch(prefix) and len(prefix) in MIRROR_PREFIX_LENGTH:
        return
    suggestion = repository_suggestion(prefix)
    good = REPOSITORY_NAME.fullmatch(suggestion) and len(suggestion) in MIRROR_PREFIX_LENGTH and prefix != ROOT
    if prefix == ROOT:
        why = "Copies need a prefix of their own, so that they cannot be taken for own repositories."
    elif REPOSITORY_NAME.fullmatch(prefix):
        why = f"It has {len(prefix)} characters; with a repository's name after it, it must fit into 256."
    elif prefix.endswith("/") and REPOSITORY_NAME.fullmatch(prefix.rstrip("/")):
        why = "The slash after a prefix is added by itself."
    else:
        why = "ECR repositories have lower case letters and digits, separated by . _ - and /."
    context.error(
        path,
        f"mirror {shown(prefix)}: the prefix has not ECR's form.",
        why=why,
        remedy=f'Write "{suggestion}".' if good and suggestion != prefix else "Write another prefix.",
        value=prefix,
    )


def _is_own_registry(context: Context, source: Source) -> bool:
    environment = context.environment
    ecr = ecr_registry(source.registry)
    return (
        ecr is not None
        and context.usable("account_id", "aws_region", "registry_account_id", "registry_region")
        and (ecr.account, ecr.region) == (environment.registry_account, environment.registry_region_name)
    )


def _check_sources_once(context: Context, claims: list[_Claim]) -> None:
    seen: dict[Source, _Claim] = {}
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


def _in_file_order(context: Context, claims: list[_Claim]) -> list[_Claim]:
    return sorted(claims, key=lambda claim: (context.tfvars.where(claim.path), claim.path[0], claim.prefix))


def _check_prefixes(context: Context) -> None:
    environment = context.environment
    paths = [("pull_through_cache_rules", prefix) for prefix in environment.pull_through_cache_rules if prefix != ROOT]
    paths += [("mirrors", prefix) for prefix in environment.mirrors]
    ordered = sorted(paths, key=lambda path: (context.tfvars.where(path), path))
    for index, (variable, prefix) in enumerate(ordered):
        for other_variable, other in ordered[:index]:
            if f"{prefix}/".startswith(f"{other}/") or f"{other}/".startswith(f"{prefix}/"):
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
        for prefix in environment.pull_through_cache_rules:
            if name.startswith(f"{prefix}/"):
                written = name in environment.repositories
                context.warn(
                    ("repositories", name) if written else ("ecr_repository_name",),
                    f'The repository "{name}" lies below the prefix of the rule "{prefix}".',
                    why="ECR fills it from the upstream when an image of that name is pulled.",
                    remedy="Give it a name outside the cache, unless you want to prepare the cache's repository.",
                    value=name,
                )


def _check_lists(context: Context, claims: list[_Claim]) -> None:
    environment = context.environment
    included = _check_list(context, "include", environment.include)
    excluded = _check_list(context, "exclude", environment.exclude)
    routes_known = context.usable("pull_through_cache_rules", "mirrors") and len(claims) == len(
        environment.pull_through_cache_rules
    ) + len(environment.mirrors)
    for path, source in included:
        if any(source == other for _, other in excluded):
            context.error(
                path,
                f"{dotted(path)} is {shown(context_text(context, path))}, which exclude names, too.",
                why="A source cannot be redirected and left alone.",
                remedy="Remove it from one of the two.",
                value=context_text(context, path),
            )
    if not routes_known:
        return
    for path, source in (*included, *excluded):
        if _is_own_registry(context, source):
            reason = "Images of the environment's own registry are never redirected."
        elif path[0] == "include" and not any(overlaps(claim.source, source) for claim in claims):
            reason = "No rule and no mirror redirects anything from there."
        else:
            continue
        context.warn(
            path,
            f"{dotted(path)} is {shown(context_text(context, path))}.",
            why=reason,
            remedy="Remove it, or add a route." if path[0] == "include" else "Remove it.",
            value=context_text(context, path),
        )
    for path, source in included:
        # A more specific route below the exclude would still be used.
        outer = next(
            (other for other, excluding in excluded if covers(excluding, source) and excluding != source), None
        )
        if outer is None:
            continue
        excluding = next(entry for other, entry in excluded if other == outer)
        if not any(covers(excluding, claim.source) and claim.source != excluding for claim in claims):
            context.warn(
                path,
                f"{dotted(path)} is {shown(context_text(context, path))}, but {dotted(outer)} leaves all of it alone.",
                why="An exclude wins over an include.",
                remedy="Remove one of the two.",
                value=context_text(context, path),
            )
    for claim in claims:
        whole = next((path for path, source in excluded if covers(source, claim.source)), None)
        if whole is not None:
            context.warn(
                claim.path,
                f'{claim.word} "{claim.prefix}" is never used: {dotted(whole)} excludes all of its source.',
                why="What is excluded is left alone.",
                remedy="Remove one of the two.",
                value=claim.prefix,
            )
        elif included and not any(overlaps(source, claim.source) for _, source in included):
            context.warn(
                claim.path,
                f'{claim.word} "{claim.prefix}" is never used: include names nothing of its source.',
                why="With an include list, only what it names is redirected.",
                remedy="Add its source to include, or remove it.",
                value=claim.prefix,
            )


def _check_list(context: Context, variable: str, values: tuple[str, ...]) -> list[tuple[Path, Source]]:
    found: dict[Source, Path] = {}
    for index, value in enumerate(values):
        path: Path = (variable, index)
        source = check_source(context, path, value)
        if source is None:
            continue
        if source in found:
            context.error(
                path,
                f"{variable} names {shown(value)} twice.",
                why="Each source stands there once.",
                remedy="Remove one.",
                value=value,
            )
            continue
        found[source] = path
    return [(path, source) for source, path in found.items()]


def context_text(context: Context, path: Path) -> str:
    """The entry of a list variable as it was written."""
    variable, index = path
    assert isinstance(index, int)
    return str(getattr(context.environment, str(variable))[index])


def _check_namespace(context: Context, path: Path, namespace: str) -> None:
    if _NAMESPACE.fullmatch(namespace) and len(namespace) <= 63:
        if not namespace.strip("*"):
            context.warn(
                path,
                f"{dotted(path)} is {shown(namespace)}.",
                why="Every namespace is left alone, so admission policies redirect nothing.",
                remedy="Remove it.",
                value=namespace,
            )
        return
    context.error(
        path,
        f"{dotted(path)} is {shown(namespace)}.",
        why="Namespaces have 1 to 63 lower case letters, digits and hyphens; * stands for any characters.",
        remedy='Write it like "openshift-*".',
        value=namespace,
    )


def _warn_about_idms(context: Context, claims: list[_Claim]) -> None:
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
