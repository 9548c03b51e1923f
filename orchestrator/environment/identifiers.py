"""Forms of AWS identifiers: what an account, an ARN, a tag or a repository name must look like."""

from __future__ import annotations

import re
from dataclasses import dataclass

ACCOUNT = re.compile(r"[0-9]{12}")
ROLE_NAME = re.compile(r"[A-Za-z0-9_+=,.@-]{1,64}")
INSTANCE_PROFILE = re.compile(r"[A-Za-z0-9_+=,.@-]{1,128}")
DNS_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
DNS_SUBDOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
# botocore's ECR model (RepositoryName); AWS provider 5.100 takes the same for repositories.
REPOSITORY_NAME = re.compile(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*")
# The provider is narrower for the prefixes of rules: single separators only.
RULE_PREFIX = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*(/[a-z0-9]+([._-][a-z0-9]+)*)*")
# S3 user guide, "General purpose bucket naming rules".
_BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_BUCKET_RESERVED = re.compile(
    r"[0-9]+(\.[0-9]+){3}|(xn--|sthree-|amzn-s3-demo-).*|.*(-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)|.*\.\..*"
)
# Of a cluster's snapshot; modules/lifecycle-manager takes the same.
SNAPSHOT_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,99}")
TAG_TEXT = re.compile(r"[\w\s.:/=+@-]*")

REPOSITORY_LENGTH = range(2, 257)
PREFIX_LENGTH = range(2, 31)

_REGION = re.compile(
    r"(?:us|eu|ap|sa|ca|me|af|il|mx|cn|us-gov|us-iso|us-isob|us-isof|eu-isoe|eusc-de)"
    r"-(?:central|north|south|east|west|northeast|northwest|southeast|southwest)-[1-9][0-9]?"
)

_REGION_NAMES = """
af-south-1 ap-east-1 ap-east-2 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-south-2 ap-southeast-1
ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7 ca-central-1 ca-west-1
eu-central-1 eu-central-2 eu-north-1 eu-south-1 eu-south-2 eu-west-1 eu-west-2 eu-west-3 il-central-1 me-central-1
me-south-1 mx-central-1 sa-east-1 us-east-1 us-east-2 us-west-1 us-west-2 us-gov-east-1 us-gov-west-1 cn-north-1
cn-northwest-1 us-iso-east-1 us-iso-west-1 us-isob-east-1 us-isob-west-1 eu-isoe-west-1 us-isof-east-1
us-isof-south-1 eusc-de-east-1
"""
REGIONS = tuple(_REGION_NAMES.split())
"""Regions known in botocore 1.43; another one of a known form is only warned about."""


def is_bucket_name(text: str) -> bool:
    """Does S3 take `text` as the name of a general purpose bucket?"""
    return _BUCKET_NAME.fullmatch(text) is not None and not _BUCKET_RESERVED.fullmatch(text)


def is_repository_name(text: str) -> bool:
    """Does ECR take `text` as the name of a repository?"""
    return REPOSITORY_NAME.fullmatch(text) is not None and len(text) in REPOSITORY_LENGTH


def is_region(text: str) -> bool:
    """Has `text` the form of a region in a known partition?"""
    return _REGION.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Arn:
    """`arn:partition:service:region:account:resource`, split."""

    partition: str
    service: str
    region: str
    account: str
    resource: str


def parse_arn(text: str) -> Arn | None:
    """The parts of an ARN, or None when `text` is none."""
    parts = text.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn" or not parts[1] or not parts[2] or not parts[5]:
        return None
    return Arn(*parts[1:])


def resource_name(text: str) -> str:
    """The last part of an ARN's resource, or `text`: `arn:aws:iam::1:role/path/name` -> `name`."""
    arn = parse_arn(text)
    return arn.resource.rsplit("/", 1)[-1] if arn else text


def repository_suggestion(name: str) -> str:
    """The nearest name that ECR takes, for a remedy: `Team__App/` -> `team__app`."""
    lowered = re.sub(r"[^a-z0-9._/-]+", "-", name.lower())
    components = (re.sub(r"[._-]*([._-])[._-]*", r"\1", part).strip("._-") for part in lowered.split("/"))
    return "/".join(part for part in components if part)
