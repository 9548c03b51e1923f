"""Says before a plan what keeps ECR from the credentials of its upstreams, in the words of `doctor`. Reads only.

Terraform would only say that it "couldn't find" a secret that waits for its deletion.
"""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.errors import OrchestratorError, RefusedInput
from orchestrator.terraform.stack import Stack


def credential_notes(stack: Stack) -> Iterator[str]:
    """Notes on secrets that ECR may not be able to read.

    Raises OrchestratorError, of all such secrets at once, for those that wait for their deletion or do not exist. No plan
    can be made with them. With `--local` absent ones are the embedded AWS's to make.
    """
    environment = stack.environment
    rules = environment.pull_through_cache_rules if environment.owns_registry else {}
    if not any(rule.secret_name or rule.credential_arn for rule in rules.values()):
        return
    from orchestrator.aws.upstream_credentials import target_of
    from orchestrator.aws.upstream_secrets import describe_secret, unusable

    lacking = []
    for prefix, rule in sorted(rules.items()):
        if not (rule.secret_name or rule.credential_arn):
            continue
        target = target_of(stack.name, prefix, rules)
        try:
            found = describe_secret(stack.session(), target.name)
        except OrchestratorError as error:
            yield f"whether ECR can use the secret {target.name} of the rule {prefix} is not known: {error.what}"
            continue
        if found is None and stack.workdir.local:
            continue
        reason = unusable(stack.session(), stack.name, prefix, target.name, found)
        if reason is None:
            continue
        if found is None or found.deleted:
            lacking.append((prefix, *reason))
        else:
            yield f"the secret of the rule {prefix}: {reason[0]}. {reason[1]}"
    if lacking:
        raise RefusedInput(
            "; ".join(f"the secret of the rule {prefix}: {what}" for prefix, what, _ in lacking) + ".",
            environment=stack.name,
            why="ECR pulls from such an upstream with credentials only.",
            remedy=" ".join(dict.fromkeys(remedy for _, _, remedy in lacking)),
        )
