"""First pulls through the cache, from upstreams that tests fill: finds the rule, makes the repository, imports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.lifecycle.ports import ROOT
from orchestrator.local.ecr.ecr_error import EcrError
from orchestrator.local.ecr.holdings import Document, EcrCall, HeldImage, HeldRegistry, HeldRepository
from orchestrator.local.ecr.image_manifests import made_up_manifest, read_manifest
from orchestrator.local.ecr.pushes import store
from orchestrator.local.ecr.secrets import secret_problem
from orchestrator.local.ecr.templates_api import make_repository

if TYPE_CHECKING:
    from orchestrator.local.ecr.service import EcrService

MADE_UP_SIZE = 50 * 1024 * 1024


def rule_for(registry: HeldRegistry, name: str) -> Document | None:
    """The rule that serves a repository: the longest prefix of its path, else ROOT."""
    fitting = [
        rule for prefix, rule in registry.rules.items() if prefix == ROOT or name.startswith(prefix.rstrip("/") + "/")
    ]
    return max(
        fitting,
        key=lambda rule: -1 if rule["ecrRepositoryPrefix"] == ROOT else len(rule["ecrRepositoryPrefix"]),
        default=None,
    )


def upstream_repository(rule: Document, name: str) -> str:
    """The upstream's name of a repository, such as `library/nginx` for `docker-hub/library/nginx`."""
    prefix = rule["ecrRepositoryPrefix"].rstrip("/")
    rest = name if prefix == ROOT else name[len(prefix) + 1 :]
    upstream_prefix = (rule.get("upstreamRepositoryPrefix") or ROOT).rstrip("/")
    return rest if upstream_prefix == ROOT else f"{upstream_prefix}/{rest}"


def is_served(ecr: EcrService, host: str, repository: str, reference: str) -> bool:
    """Has the upstream an image? A test put it there, or its repository was made by a rule."""
    with ecr.lock:
        if ecr.upstream.get(host, repository, reference):
            return True
        for registry in ecr.registries():
            for name, held in registry.repositories.items():
                rule = rule_for(registry, name) if held.cause == "PULL_THROUGH_CACHE" else None
                if rule is None or rule["upstreamRegistryUrl"] != host or upstream_repository(rule, name) != repository:
                    continue
                image = held.images.get(reference) or held.tagged(reference)
                if image is not None and not image.pushed and reference not in image.given:
                    return True
    return False


def import_image(context: EcrCall, name: str, image_id: Document) -> None:
    """Import an absent image through the cache, when a rule covers it and its upstream has it; else do nothing.

    ECR cannot make a first pull by digest: the image answers as missing.
    """
    tag, rule = image_id.get("imageTag"), rule_for(context.registry, name)
    if rule is None or not tag or image_id.get("imageDigest"):
        return
    url = rule["upstreamRegistryUrl"]
    manifests = context.upstream.get(url, upstream_repository(rule, name), tag)
    if not manifests:
        return
    if rule["credentialArn"] and secret_problem(context.registry, rule["credentialArn"]):
        raise EcrError("UnableToGetUpstreamImageException", f"The credentials for '{url}' cannot be used.")
    cached = _cached_repository(context.registry, name)
    for text, media_type in manifests[:-1]:
        hold(cached, read_manifest(cached, text, media_type), None)
    hold(cached, read_manifest(cached, *manifests[-1]), tag)


def first_pull(context: EcrCall, name: str, tag: str, *, size: int = MADE_UP_SIZE) -> HeldImage:
    """Make the first pull of a repository and tag as a node would. An upstream that lacks it gets a made-up image.

    `size` is that image's, in bytes.
    """
    registry, upstream = context.registry, context.upstream
    rule = rule_for(registry, name)
    if rule is None:
        raise EcrError("RepositoryNotFoundException", f"No pull-through cache rule covers '{name}'")
    path = upstream_repository(rule, name)
    url = rule["upstreamRegistryUrl"]
    if not upstream.get(url, path, tag):
        upstream.put(url, path, tag, [(made_up_manifest(f"{url}/{path}:{tag}", size), None)])
    import_image(context, name, {"imageTag": tag})
    image = registry.repository(name).tagged(tag)
    assert image is not None
    image.pulled_at = image.pulled_at or image.pushed_at
    return image


def _cached_repository(registry: HeldRegistry, name: str) -> HeldRepository:
    return registry.repositories.get(name) or make_repository(registry, name, "PULL_THROUGH_CACHE")


def hold(repository: HeldRepository, image: HeldImage, tag: str | None) -> None:
    """Hold an imported image; a tag that is there already moves to it."""
    held = repository.images.get(image.digest)
    if held is None or (tag and tag not in held.tags):
        store(repository, image, tag)
