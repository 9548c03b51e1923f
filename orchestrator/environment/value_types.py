"""Types of single values that fields share, each with its rule. `RoleName` is a text that IAM takes as a name. Pure."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Annotated

from orchestrator.counts import counted
from orchestrator.environment.identifiers import (
    DNS_LABEL,
    DNS_SUBDOMAIN,
    INSTANCE_PROFILE,
    REPOSITORY_NAME,
    ROLE_NAME,
    SNAPSHOT_NAME,
    is_bucket_name,
    is_repository_name,
    repository_suggestion,
    resource_name,
)
from orchestrator.environment.markers import (
    Among,
    ArnOf,
    Between,
    Form,
    Fraction,
    Judged,
    Length,
    OneOf,
    Region,
    Unique,
)
from orchestrator.environment.schedules import crontab_problem, eventbridge_problem
from orchestrator.routes.reference import InvalidReference, parse_reference

# AWS provider 5.100: aws_ecr_account_setting.
ACCOUNT_SETTINGS = {"BASIC_SCAN_TYPE_VERSION": ("AWS_NATIVE", "CLAIR"), "REGISTRY_POLICY_SCOPE": ("V1", "V2")}
AccountSetting = Annotated[str, OneOf(tuple(ACCOUNT_SETTINGS))]
# What EKS takes; ROSA's names are narrower, which a check with the platform says.
EKS_CLUSTER_NAME = Form(
    re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}"),
    why="Cluster names have 1 to 100 letters, digits, - and _, and begin with a letter or digit.",
    remedy="Write the cluster's name, not its ARN or URL.",
)
ROSA_CLUSTER_NAME = Form(
    re.compile(r"[a-z](?:[a-z0-9-]{0,52}[a-z0-9])?"),
    why="ROSA cluster names have 1 to 54 lower case letters, digits and hyphens, and begin with a letter.",
    remedy="Write the cluster's name, not its ARN or URL.",
)
AnyClusterName = Annotated[str, EKS_CLUSTER_NAME]
Mutability = Annotated[str, OneOf(("MUTABLE", "IMMUTABLE"))]
UntaggedDays = Annotated[int, Between(1, why="ECR counts whole days from 1 on.")]
KeepCount = Annotated[int, Between(1, why="ECR keeps at least one image.")]
Boundary = Annotated[str, ArnOf("iam", "policy/", "IAM policy")]
Topic = Annotated[str, ArnOf("sns", "", "SNS topic", regional=True)]
Architecture = Annotated[
    str,
    OneOf(
        ("arm64", "x86_64"),
        meant=(("amd64", "x86_64"), ("x86-64", "x86_64"), ("x64", "x86_64")),
        why_not="Lambda calls it otherwise.",
    ),
]
FunctionName = Annotated[
    str,
    Form(
        re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,39}"),
        why="Function, role and rules begin with it: 1 to 40 letters, digits, hyphens and underscores.",
        remedy="Write another name.",
    ),
]
ClusterName = Annotated[
    str,
    Form(
        SNAPSHOT_NAME,
        why="A cluster's name is that of its snapshot: 1 to 100 letters, digits, hyphens and underscores.",
        remedy="Write the cluster's name, not its ARN.",
    ),
]
Email = Annotated[
    str,
    Form(
        re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+"),
        why="That is no address for electronic mail.",
        remedy='Write it like "platform@example.com".',
    ),
]
Emails = Annotated[tuple[Email, ...], Unique()]
RecordsBucket = Annotated[
    str,
    Form(
        is_bucket_name,
        why="Bucket names have 3 to 63 lower case letters, digits, dots and hyphens. They are no IP address. S3 keeps "
        "some beginnings and ends for itself (xn--, -s3alias and the like).",
        remedy="Write another name, or remove it to get ecr-lifecycle-<account>-<region>.",
    ),
]
# CloudWatch Logs API, PutRetentionPolicy.
LOG_RETENTION = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
QueueName = Annotated[
    str,
    Form(
        re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{2,39}"),
        why="Queue, table and role are called so: 3 to 40 letters, digits, hyphens and underscores.",
        remedy="Write another name, or remove it to get ecr-mirror-<environment>.",
    ),
]
LogRetention = Annotated[
    int,
    Among(LOG_RETENTION, why=f"CloudWatch Logs takes {', '.join(map(str, LOG_RETENTION[:12]))} and some longer ones."),
]
Alarm = Annotated[int, Between(1, why="The alarm would always be on.")]

RecordsRetention = Annotated[int, Between(30, why="Images that were deleted are restored from the audit log.")]

ExpiredFraction = Annotated[
    float,
    Fraction(
        why="It is a fraction of the images, above 0 and up to 1.",
        remedy="Write 0.5, or 1 for no limit.",
    ),
]
SilenceDays = Annotated[
    int,
    Between(0, 7, why="CloudWatch looks back seven days at most.", remedy="Write 1 to 7, or 0 for no such alarm."),
]
Description = Annotated[str, Length(255, why="ECR takes at most 255.")]
RegionName = Annotated[str, Region()]

_ROLE_CHARACTERS = "IAM role names have 1 to 64 letters, digits and _ + = , . @ -."


def _no_role_name(text: str) -> str:
    return f"That is {'an ARN' if resource_name(text) != text else 'no role name'}; {_ROLE_CHARACTERS}"


RoleName = Annotated[str, Form(ROLE_NAME, why=_no_role_name, remedy="Write the role's name.", meant=resource_name)]
OwnRoleName = Annotated[str, Form(ROLE_NAME, why=_ROLE_CHARACTERS, remedy="Write the role's name, not its ARN.")]
PushRoleName = Annotated[
    str,
    Form(
        ROLE_NAME,
        why=_ROLE_CHARACTERS,
        remedy="Write another name.",
        meant=resource_name,
        said="A push role is called {value}.",
    ),
]
# ROSA Classic names the role of its nodes so.
WORKER_ROLE = "-Worker-Role"


def _is_worker_prefix(text: str) -> bool:
    return text != "" and ROLE_NAME.fullmatch(text + WORKER_ROLE) is not None and _worker_prefix(text) == text


def _worker_prefix(text: str) -> str:
    return resource_name(text).removesuffix(WORKER_ROLE)


WorkerRolePrefix = Annotated[
    str,
    Form(
        _is_worker_prefix,
        why=f"The nodes' role is called <prefix>{WORKER_ROLE} and has at most 64 letters, digits and _ + = , . @ -.",
        remedy="Write the prefix only.",
        meant=_worker_prefix,
    ),
]
MachinePoolName = Annotated[
    str,
    Form(
        DNS_LABEL,
        why="Machine pools have names of lower case letters, digits and hyphens.",
        remedy="Write the name that `rosa list machinepools` shows.",
        said="A machine pool is called {value}.",
    ),
]
InstanceProfile = Annotated[
    str,
    Form(
        INSTANCE_PROFILE,
        why="It is the name of the instance profile, not its ARN: 1 to 128 letters, digits and _ + = , . @ -.",
        remedy="Write the name that `rosa describe machinepool` shows.",
        meant=resource_name,
    ),
]
_ONE_KUBERNETES_NAME = "Kubernetes names have lower case letters, digits and hyphens; Pod Identity knows no wildcards."
PodNamespace = Annotated[str, Form(DNS_LABEL, why=_ONE_KUBERNETES_NAME, remedy="Write one name.")]
PodServiceAccount = Annotated[str, Form(DNS_SUBDOMAIN, why=_ONE_KUBERNETES_NAME, remedy="Write one name.")]
KubernetesName = Annotated[
    str,
    Form(
        DNS_LABEL,
        why="Kubernetes names have 1 to 63 lower case letters, digits and hyphens.",
        remedy="Write one name.",
    ),
]
Audience = Annotated[
    str,
    Form(
        re.compile(r"[^*?]+"),
        why="An audience is compared as it is.",
        remedy='Write "sts.amazonaws.com".',
    ),
]


def _no_repository_name(text: str) -> str:
    if REPOSITORY_NAME.fullmatch(text):
        return f"It has {counted(len(text), 'character')}; ECR takes 2 to 256."
    return "ECR repository names have lower case letters and digits, separated by . _ - and /."


REPOSITORY = Form(
    is_repository_name,
    why=_no_repository_name,
    remedy="Write another name.",
    meant=repository_suggestion,
)
# Empty: it is named after the cluster.
SingleRepositoryName = Annotated[str, replace(REPOSITORY, fits=lambda text: not text or is_repository_name(text))]
OwnRepositoryName = Annotated[str, replace(REPOSITORY, said="A repository is called {value}.")]


def _is_state_key(text: str) -> bool:
    return text != "" and not text.startswith("/") and not text.endswith("/") and len(text.encode()) <= 1024


StateKey = Annotated[
    str,
    Form(
        _is_state_key,
        why="Terraform refuses an empty key and one that begins or ends with a slash; S3 takes 1,024 bytes.",
        remedy="Remove it to get the default.",
        meant=lambda text: text.strip("/")[:1000],
    ),
]
BUCKET_NAME = Form(
    is_bucket_name,
    why="Bucket names have 3 to 63 lower case letters, digits, dots and hyphens, and are no IP address.",
    remedy="Write the name only.",
    meant=lambda text: re.sub(r"^s3://|^arn:[^:]*:s3:::", "", text).split("/")[0],
)
BucketName = Annotated[str, BUCKET_NAME]


def _judge_kubernetes_version(text: str) -> tuple[str, str] | None:
    if re.fullmatch(r"1\.[1-9][0-9]?", text):
        return None
    why = "It is a minor version of Kubernetes."
    if openshift := re.fullmatch(r"4\.([0-9]{1,2})(?:\..*)?", text):
        minor = f"1.{int(openshift[1]) + 13}"
        return why, f'OpenShift 4.{openshift[1]} is Kubernetes {minor}: write "{minor}".'
    patch = re.fullmatch(r"v?(1\.[1-9][0-9]?)(?:[.+-].*)?", text)
    return why, f'Write "{patch[1]}".' if patch else 'Write it like "1.33".'


KubernetesVersion = Annotated[str, Judged(_judge_kubernetes_version)]
Profile = Annotated[
    str,
    Form(
        re.compile(r"(?s).*\S.*"),
        why="It names a profile of the AWS configuration.",
        remedy="Remove it to use what the AWS SDK finds.",
        said="{path} is empty.",
    ),
]


def _judge_eventbridge(text: str) -> tuple[str, str] | None:
    why, remedy = eventbridge_problem(text)
    return (why, remedy) if why else None


def _judge_crontab(text: str) -> tuple[str, str] | None:
    why = crontab_problem(text)
    return (why, 'Write it like "17 * * * *".') if why else None


def _judge_image(text: str) -> tuple[str, str] | None:
    try:
        parse_reference(text)
    except InvalidReference as error:
        return error.why, error.remedy
    return None


EventBridgeSchedule = Annotated[str, Judged(_judge_eventbridge)]
Crontab = Annotated[str, Judged(_judge_crontab)]
Image = Annotated[str, Judged(_judge_image)]
SnapshotName = Annotated[
    str,
    Form(
        SNAPSHOT_NAME,
        why="It names a snapshot among others: 1 to 100 letters, digits, hyphens and underscores.",
        remedy="Write another name, without .json; the owner's lifecycle_manager.clusters has the same.",
    ),
]
# What the CronJob of orchestrator.manifests.usage sets.
OWN_VARIABLES = frozenset({"AWS_REGION", "HOME"})
CREDENTIALS = frozenset({"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"})


def _judge_variable(name: str) -> tuple[str, str] | None:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        return "Variables have letters, digits and underscores.", 'Write it like "HTTPS_PROXY".'
    if name in OWN_VARIABLES:
        return "The CronJob sets it itself.", "Remove it."
    if name in CREDENTIALS:
        why = "Everybody who may read this file or the CronJob would have the key."
        return why, "Remove it: the ServiceAccount has a role."
    return None


VariableName = Annotated[str, Judged(_judge_variable, said="{map} holds {value}.")]
ScanPattern = Annotated[
    str,
    Form(
        re.compile(r"(?=.{1,255}$)[a-z0-9*](?:[._/-]?[a-z0-9*]+)*"),
        why="Patterns have lower case letters, digits, * and single . _ - / between them.",
        remedy='Write it like "docker-hub/*".',
    ),
]
