"""What an account has in a region already, as an environment's file says it. Other settings come in words.

Only reads. A kind of resource that says nothing is left alone. A thing that cannot be said exactly is left out, never
said almost.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from orchestrator.aws.inventory import PAGE, prefix_of
from orchestrator.aws.session import POOL, AwsSession
from orchestrator.aws.shared_settings import registry_policy, scanning
from orchestrator.aws.translation import explained, found_or_none
from orchestrator.counts import counted
from orchestrator.lifecycle.ports import ROOT
from orchestrator.mirroring.repository import CROSS_ACCOUNT_SID, PULL_ACTIONS

# Tags of this namespace are AWS's own: nobody else can set them.
_RESERVED = "aws:"
# As modules/ecr calls its own statement.
_REPOSITORY_SID = "PullFromOtherAccounts"
_STACK = "aws:cloudformation:stack-name"


@dataclass(frozen=True, slots=True)
class Adoptable:
    """Values as tfvars have them (tuples of plain values, lists of objects): rules by prefix, repositories by name.

    `notes` are sentences of what is left alone.
    """

    rules: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    root_template: Mapping[str, object] | None = None
    repositories: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    scanning: Mapping[str, object] | None = None
    notes: tuple[str, ...] = ()


class _Unsaid(Exception):
    """A setting that no variable says; its text is the reason."""


def adoptable(
    session: AwsSession,
    *,
    has_rules: bool = True,
    owned_elsewhere: bool = False,
    theirs: Collection[str] = (),
    key_of_all: str | None = None,
) -> Adoptable:
    """What stands in the session's account and region. Raises what AWS refuses.

    `has_rules`: the region has pull-through cache rules. `owned_elsewhere`: another environment says what the registry has,
    so that only repositories are looked at. `theirs` are repositories of other environments. `key_of_all` is the KMS key
    that the environment gives to repositories that name none.
    """
    notes: list[str] = []
    rules = _rules(session) if has_rules else {}
    root_template, scans = None, None
    if not owned_elsewhere:
        if has_rules:
            root_template = _put_templates(session, rules, notes)
        scans = _scanning(session)
        notes += _statements(session)
    repositories = _repositories(session, frozenset(rules), theirs, key_of_all, notes)
    return Adoptable({} if owned_elsewhere else rules, root_template, repositories, scans, tuple(notes))


def _rules(session: AwsSession) -> dict[str, dict[str, object]]:
    client: Any = session.client("ecr")
    with explained(session, "ecr"):
        pages = client.get_paginator("describe_pull_through_cache_rules").paginate()
        found = [rule for page in pages for rule in page["pullThroughCacheRules"]]
    return {
        rule["ecrRepositoryPrefix"]: _given(
            upstream_registry_url=rule["upstreamRegistryUrl"],
            # AWS fills ROOT in for all repositories of an upstream ECR, and so does the module.
            upstream_repository_prefix=_unless(rule.get("upstreamRepositoryPrefix"), ROOT),
            credential_arn=rule.get("credentialArn"),
            custom_role_arn=rule.get("customRoleArn"),
        )
        for rule in sorted(found, key=lambda each: str(each["ecrRepositoryPrefix"]))
    }


def _put_templates(
    session: AwsSession, rules: dict[str, dict[str, object]], notes: list[str]
) -> dict[str, object] | None:
    """Give each rule its template; the one for everything else comes back."""
    client: Any = session.client("ecr")
    with explained(session, "ecr"):
        pages = client.get_paginator("describe_repository_creation_templates").paginate()
        found = [template for page in pages for template in page["repositoryCreationTemplates"]]
    root = None
    for template in sorted(found, key=lambda each: str(each["prefix"])):
        prefix = template["prefix"]
        try:
            said = _template(template, has_place=prefix in rules or prefix == ROOT, alone=prefix not in rules)
        except _Unsaid as reason:
            notes.append(f"The repository creation template {prefix} is left as it is: {reason}.")
            continue
        if prefix in rules:
            rules[prefix]["template"] = said
        else:
            root = said
    return root


def _template(template: Mapping[str, Any], *, has_place: bool, alone: bool) -> dict[str, object]:
    """`alone`: it is no rule's, so that it is the `root_template`, which names no accounts."""
    if not has_place:
        raise _Unsaid("no rule has its prefix")
    applied = sorted(template.get("appliedFor", []))
    if applied != ["PULL_THROUGH_CACHE"]:
        raise _Unsaid(f"it applies to {', '.join(applied) or 'nothing'}")
    if template.get("lifecyclePolicy"):
        raise _Unsaid("it has a lifecycle policy")
    accounts: tuple[str, ...] = ()
    if template.get("repositoryPolicy"):
        accounts = _pulling_accounts(template["repositoryPolicy"], CROSS_ACCOUNT_SID)
    if alone and accounts:
        raise _Unsaid("root_template names no accounts that pull")
    return _given(
        description=template.get("description"),
        image_tag_mutability=_mutability(template),
        kms_key_arn=_key(template),
        custom_role_arn=template.get("customRoleArn"),
        pull_account_ids=accounts,
        resource_tags={tag["Key"]: tag["Value"] for tag in template.get("resourceTags") or []},
    )


def _scanning(session: AwsSession) -> dict[str, object] | None:
    """None for what every registry has that nobody set."""
    scan_type, rules = scanning(session)
    if scan_type == "BASIC" and not rules:
        return None
    patterns: dict[str, list[str]] = {}
    for frequency, pattern in rules:
        patterns.setdefault(frequency, []).append(pattern)
    listed = [
        {"scan_frequency": frequency, "repository_patterns": tuple(every)} for frequency, every in patterns.items()
    ]
    return {"scan_type": scan_type, **({"rules": listed} if listed else {})}


def _statements(session: AwsSession) -> list[str]:
    text = registry_policy(session)
    if text is None:
        return []
    written = json.loads(text).get("Statement", [])
    names = [each.get("Sid", "one without a Sid") for each in (written if isinstance(written, list) else [written])]
    return [f"The registry policy is left as it is, with the statements of others: {', '.join(names)}."]


def _repositories(
    session: AwsSession,
    prefixes: frozenset[str],
    theirs: Collection[str],
    key_of_all: str | None,
    notes: list[str],
) -> dict[str, dict[str, object]]:
    """Own ones by name: what lies below a rule's prefix, ECR made."""
    client: Any = session.client("ecr")
    own: list[Mapping[str, Any]] = []
    cached: dict[str, int] = {}
    with explained(session, "ecr"):
        pages = client.get_paginator("describe_repositories").paginate(PaginationConfig={"PageSize": PAGE})
        for repository in (each for page in pages for each in page["repositories"]):
            prefix = prefix_of(repository["repositoryName"], prefixes)
            if prefix is not None:
                cached[prefix] = cached.get(prefix, 0) + 1
            elif repository["repositoryName"] not in theirs:
                own.append(repository)

        def look(repository: Mapping[str, Any]) -> tuple[dict[str, object] | None, list[str]]:
            return _repository(session, repository, key_of_all)

        with ThreadPoolExecutor(max_workers=POOL) as pool:
            looked = list(pool.map(look, own))
    found = {}
    for repository, (said, reasons) in sorted(zip(own, looked, strict=True), key=lambda each: _name(each[0])):
        if said is not None:
            found[_name(repository)] = said
        notes += reasons
    for prefix, count in sorted(cached.items()):
        many = counted(count, "repository is", "repositories are")
        below = "in the rule ROOT's reach; name those of your own" if prefix == ROOT else f"the cache of {prefix}"
        notes.append(f"{many} left out: {below}.")
    return found


def _repository(
    session: AwsSession, repository: Mapping[str, Any], key_of_all: str | None
) -> tuple[dict[str, object] | None, list[str]]:
    """(its entry or None, what is left alone)."""
    client: Any = session.client("ecr")
    name = _name(repository)

    def asked(call: Callable[..., Any], key: str) -> str | None:
        answer = found_or_none(session, "ecr", lambda: call(repositoryName=name))
        return None if answer is None else str(answer[key])

    answer = found_or_none(
        session, "ecr", lambda: client.list_tags_for_resource(resourceArn=repository["repositoryArn"])
    )
    if answer is None:
        return None, []  # It went away meanwhile.
    tags = {tag["Key"]: tag["Value"] for tag in answer["tags"]}
    notes: list[str] = []
    try:
        key = _key_of_own(repository, tags, key_of_all)
        mutability = _mutability(repository)
    except _Unsaid as reason:
        return None, [f"The repository {name} is left out: {reason}."]
    policy = asked(client.get_repository_policy, "policyText")
    accounts: tuple[str, ...] = ()
    if policy is not None:
        try:
            accounts = _pulling_accounts(policy, _REPOSITORY_SID)
        except _Unsaid as reason:
            notes.append(f"The policy of the repository {name} is left as it is: {reason}.")
    lifecycle = asked(client.get_lifecycle_policy, "lifecyclePolicyText")
    return {
        "image_tag_mutability": mutability,
        "scan_on_push": bool((repository.get("imageScanningConfiguration") or {}).get("scanOnPush")),
        **_given(kms_key_arn=key, lifecycle_policy=lifecycle),
        "lifecycle_policy_enabled": lifecycle is not None,
        # Written out even when it is empty: common.tfvars may say another for all.
        "pull_account_ids": accounts,
        **_given(tags={each: value for each, value in tags.items() if not each.startswith(_RESERVED)}),
    }, notes


def _key_of_own(repository: Mapping[str, Any], tags: Mapping[str, str], key_of_all: str | None) -> str | None:
    """The KMS key of a repository that an environment may own."""
    if _STACK in tags:
        raise _Unsaid(f"the CloudFormation stack {tags[_STACK]} owns it")
    key = _key(repository)
    if key is None and key_of_all is not None:
        raise _Unsaid("it has no KMS key, and kms_key_arn gives one to every repository that names none")
    return key


def _name(repository: Mapping[str, Any]) -> str:
    return str(repository["repositoryName"])


def _mutability(described: Mapping[str, Any]) -> str:
    found = str(described.get("imageTagMutability", "MUTABLE"))
    if found not in ("MUTABLE", "IMMUTABLE"):
        raise _Unsaid(f"its mutability is {found}")
    return found


def _key(described: Mapping[str, Any]) -> str | None:
    encryption = described.get("encryptionConfiguration") or {}
    kind = encryption.get("encryptionType", "AES256")
    if kind == "AES256":
        return None
    key = str(encryption.get("kmsKey", ""))
    if kind != "KMS" or ":key/" not in key:
        raise _Unsaid(f"it is encrypted by {kind}" + (f" with {key}" if key else ""))
    return key


def _pulling_accounts(policy: str, sid: str) -> tuple[str, ...]:
    """Accounts of a policy that is exactly the one that `pull_account_ids` makes."""
    written = json.loads(policy).get("Statement", [])
    statements = written if isinstance(written, list) else [written]
    accounts = []
    for statement in statements:
        principals = statement.get("Principal")
        arns = list(_texts(principals.get("AWS"))) if isinstance(principals, dict) else []
        parts = [arn.split(":") for arn in arns]
        exact = (
            set(statement) == {"Sid", "Effect", "Principal", "Action"}
            and (statement["Sid"], statement["Effect"]) == (sid, "Allow")
            and set(principals) == {"AWS"}
            and sorted(_texts(statement["Action"])) == sorted(PULL_ACTIONS)
            and all(len(part) == 6 and (part[2], part[5]) == ("iam", "root") for part in parts)
        )
        if len(statements) != 1 or not exact:
            raise _Unsaid("it is not the one that pull_account_ids makes")
        accounts += [part[4] for part in parts]
    return tuple(sorted(accounts))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield from map(str, value)


def _unless(value: object, default: object) -> object:
    return None if value == default else value


def _given(**values: object) -> dict[str, object]:
    """Without what says nothing: None and what is empty."""
    return {name: value for name, value in values.items() if value not in (None, "", (), {})}
