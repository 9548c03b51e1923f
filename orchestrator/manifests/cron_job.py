"""What runs the orchestrator itself in a cluster: a CronJob, the routes that it takes along, and its image.

The image is built from images/usage/Dockerfile: orchestrator and kubectl. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from orchestrator import __version__
from orchestrator.lifecycle.upstream_names import longest_prefix
from orchestrator.manifests.metadata import metadata
from orchestrator.routes.table import Redirected, RouteTable

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment

FOLDER = "/etc/orchestrator"
IMAGE = "orchestrator-usage"
# The image is built from there, the documents are applied from where they are.
CHECKOUT = "<checkout of the orchestrator>"
DOCKERFILE = "images/usage/Dockerfile"
# What decides a route, and where the snapshot goes.
VARIABLES = (
    *("cluster_name", "platform", "account_id", "aws_region"),
    *("registry_account_id", "registry_region"),
    *("include", "exclude", "allow_upstream", "digest_references"),
)


def settings_text(environment: Environment, *more: str) -> str:
    """The environment's routes and `more` of its variables as a tfvars file. Network, roles and secrets' values are left out."""
    wanted = {*VARIABLES, *more}
    values: dict[str, Any] = environment.model_dump(mode="json", include=wanted, exclude_defaults=True)
    if "mirror_queue" in wanted:
        # Its name is all that a worker needs; the role's settings stay with Terraform.
        values["mirror_queue"] = {"enabled": environment.shares_copies, "name": environment.mirror_queue_name}
    if "image_swapper" in wanted:
        values["image_swapper"] = {"enabled": environment.shares_swaps, "name": environment.image_swapper_name}
    # Their order means nothing, so that it changes no document.
    values |= {name: sorted(values[name]) for name in ("include", "exclude") if name in values}
    rules = {
        prefix: rule.model_dump(mode="json", exclude={"template"}, exclude_defaults=True)
        for prefix, rule in environment.pull_through_cache_rules.items()
    }
    values |= {
        "cluster_name": environment.cluster_name,
        "pull_through_cache_rules": rules,
        "mirrors": {prefix: mirror.model_dump(mode="json") for prefix, mirror in environment.mirrors.items()},
        "manage_registry": environment.manage_registry,
        "create_vpc_endpoints": False,
        "attach_ecr_policy": False,
    }
    usage = environment.lifecycle_manager and environment.lifecycle_manager.usage
    if usage and usage.snapshot_name:
        # The snapshot says whose it is. The way in which its role is taken goes along, without which a file with
        # `usage` is wrong.
        kept = {"snapshot_name", "oidc_provider_arn", "pod_identity"}
        values["lifecycle_manager"] = {"usage": usage.model_dump(mode="json", include=kept, exclude_defaults=True)}
    return "".join(f"{name} = {_hcl(value)}\n" for name, value in sorted(values.items()))


def _hcl(value: object) -> str:
    """A value as HCL: JSON is, but for what begins a template."""
    text = json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)
    return text.replace("${", "$${").replace("%{", "%%{")


def namespaced(environment: Environment, name: str, namespace: str) -> dict[str, Any]:
    """ObjectMeta of a generated object in a namespace."""
    head = metadata(environment, name)
    return {"name": name, "namespace": namespace, "labels": head["labels"], "annotations": head["annotations"]}


def usage_image(environment: Environment, table: RouteTable, named: str | None = None) -> tuple[str, str]:
    """The orchestrator's image as it is pushed (`named`, else in the own registry), and as the cluster pulls it."""
    built = named or f"{environment.registry_host}/{IMAGE}:{__version__}"
    answer = table.redirect(built)
    return built, answer.target if isinstance(answer, Redirected) else built


def pod_of(
    environment: Environment,
    head: Mapping[str, Any],
    *,
    image: str,
    arguments: Sequence[str],
    account: str,
    container: str,
    variables: Mapping[str, str] | None,
    cpu: str = "50m",
) -> dict[str, Any]:
    """The spec of a Pod that runs `orchestrator ARGUMENTS` with the routes of the ConfigMap of the name in `head`."""
    process = {
        "name": container,
        "image": image,
        # Whatever the entry point of the image is.
        "command": ["python", "-m", "orchestrator"],
        "args": list(arguments),
        "env": [
            {"name": "AWS_REGION", "value": environment.aws_region},
            # kubectl keeps what it discovers.
            {"name": "HOME", "value": "/tmp"},  # noqa: S108 - a volume of the Pod's own
            *({"name": name, "value": value} for name, value in sorted((variables or {}).items())),
        ],
        "resources": {"requests": {"cpu": cpu, "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [
            {"name": "routes", "mountPath": f"{FOLDER}/environments", "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108
        ],
    }
    return {
        "serviceAccountName": account,
        "restartPolicy": "Never",
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [process],
        "volumes": [{"name": "routes", "configMap": {"name": head["name"]}}, {"name": "tmp", "emptyDir": {}}],
    }


def cron_job(
    environment: Environment,
    head: Mapping[str, Any],
    *,
    image: str,
    arguments: Sequence[str],
    account: str,
    schedule: str,
    container: str = "usage",
    variables: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """A CronJob that runs `orchestrator ARGUMENTS` with the routes of the ConfigMap of its own name.

    `schedule` is that of cron; `variables` are further ones of its process, whose container has the name `container`.
    """
    pod = pod_of(
        environment, head, image=image, arguments=arguments, account=account, container=container, variables=variables
    )
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": dict(head),
        "spec": {
            "schedule": schedule,
            # Two at once would only write the same.
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": 1800,
            "successfulJobsHistoryLimit": 1,
            "failedJobsHistoryLimit": 3,
            "jobTemplate": {
                "spec": {
                    "backoffLimit": 2,
                    "activeDeadlineSeconds": 900,
                    "template": {"metadata": {"labels": dict(head["labels"])}, "spec": pod},
                }
            },
        },
    }


def image_steps(environment: Environment, image: str) -> tuple[str, ...]:
    """How `image` gets to where it is named, in a checkout of this repository. Nothing where nobody can push it so.

    That is one by digest, and one of the own registry's caches, which comes from its upstream.
    """
    host, _, rest = image.partition("/")
    repository = rest.partition(":")[0]
    own = host == environment.registry_host
    if "@" in image or (own and longest_prefix(repository, environment.pull_through_cache_rules) is not None):
        return ()
    steps = [f"cd {CHECKOUT}"]
    if own:
        region = environment.registry.region
        if repository not in environment.own_repository_names:
            steps.append(
                f"aws ecr describe-repositories --region {region} --repository-names {repository} || "
                f"aws ecr create-repository --region {region} --repository-name {repository}"
            )
        steps.append(
            f"aws ecr get-login-password --region {region} | docker login --username AWS --password-stdin {host}"
        )
    return (
        *steps,
        f"docker buildx build --platform linux/amd64,linux/arm64 -f {DOCKERFILE} -t {image} --push .",
        "cd -",
    )
