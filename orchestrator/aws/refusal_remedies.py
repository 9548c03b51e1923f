"""What helps against a refusal of AWS, by AWS's own words. One table for the SDK's errors and for Terraform's diagnostics. Pure.

Who refused matters more than what was asked: no policy of the account helps against one of its organization.
"""

from __future__ import annotations

import re

# (AWS's code or words, remedy). The first that is found counts: what is said of one service before what is said of all.
_REMEDIES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(words, re.IGNORECASE), remedy)
    for words, remedy in (
        (
            r"service control polic",
            "A service control policy of the organization refuses it, and no policy of the account can allow it. Ask who "
            "administers the organization, or leave out the setting that needs the call.",
        ),
        (
            r"resource control polic",
            "A resource control policy of the organization refuses it, and no policy of the account can allow it. Ask "
            "who administers the organization.",
        ),
        (
            r"permissions boundary",
            "The permissions boundary of this role or user refuses it. Ask its administrator to widen the "
            "boundary, or use another role.",
        ),
        (
            r"session polic",
            "The policy that this session was started with refuses it: start it without, or with a wider one.",
        ),
        (
            r"VPC endpoint polic",
            "The policy of the VPC endpoint refuses it. Let that policy admit the call, or run this outside of the VPC.",
        ),
        (
            r"explicit deny in an? identity-based polic",
            "A policy of this role or user denies it, and a Deny wins over every Allow: take the Deny away.",
        ),
        (
            r"resource-based polic",
            "The policy of the thing itself (key, bucket, topic, registry, repository) decides: admit this role there.",
        ),
        (
            r"CreateServiceLinkedRole",
            "AWS makes a role of its own at the first use in an account. Allow iam:CreateServiceLinkedRole once, or let "
            "an administrator make the role first.",
        ),
        (
            r"PullThroughCacheRule.*(?:LimitExceeded|maximum)|(?:LimitExceeded|maximum).*pull.through cache rule",
            "A registry takes 50 rules, and AWS raises that for nobody. Put rules of one upstream together, or let "
            "`registry_account_id` name another account's registry.",
        ),
        (
            r"PoliciesPerRole|policies attached to (?:the )?role",
            "A role takes 10 managed policies unless the quota was raised. Raise it in Service Quotas (IAM). Or set "
            "`attach_ecr_policy = false`, and give the role the right to pull in a policy of its own.",
        ),
        (
            r"ReservedConcurrentExecutions|UnreservedConcurrentExecution",
            "Lambda keeps part of the account's concurrency unreserved: leave `reserved_concurrency` out, or raise "
            "concurrent executions in Service Quotas (Lambda).",
        ),
        (
            r"pending.?deletion|KMSInvalidState|KmsInvalidState|DisabledException|key .{0,120}(?:is disabled|pending)",
            "The KMS key is disabled or waits for its deletion: `aws kms cancel-key-deletion --key-id KEY`, then `aws kms "
            "enable-key --key-id KEY`, or let `kms_key_arn` name another key. Data that it encrypted cannot be read "
            "until then.",
        ),
        (
            r"scheduled for deletion|marked for deletion",
            "The secret waits for its deletion: `aws secretsmanager restore-secret --secret-id NAME` brings it back.",
        ),
        (
            r"tag.?polic(?:y|ies)",
            "A tag policy of the organization refuses a tag: `tags` has to spell keys and values as that policy does.",
        ),
        (
            r"OptInRequired|RegionDisabledException|not (?:been )?opted.in|STS is not activated in this region",
            "The account has not opted in to this region: `aws account enable-region --region-name REGION`, or correct "
            "`aws_region`.",
        ),
        (
            r"lookup [a-z0-9.-]+\.(?:amazonaws\.com(?:\.cn)?|amazonaws\.eu|api\.aws)\b.*no such host|no such host.*amazonaws",
            "No host of AWS has this name. `aws_region` is misspelt, the region lacks the service, or the name server "
            "does not answer.",
        ),
        (
            r"(?<!Request)LimitExceeded|QuotaExceeded|exceed(?:s|ed)? (?:the |your )?quota",
            "A quota of the account is used up. Raise it in Service Quotas (`aws service-quotas list-service-quotas "
            "--service-code SERVICE` names it), or remove what is not needed any more.",
        ),
    )
)


def remedy_for(text: str) -> str:
    """What helps against a refusal with this code and message; empty where nothing particular is known.

    `text` is AWS's, such as `AccessDeniedException: User: … with an explicit deny in a service control policy`.
    """
    flat = " ".join(text.split())
    return next((remedy for words, remedy in _REMEDIES if words.search(flat)), "")
