"""Checks of mirror_images: names, tags, patterns, ranges, and that a route takes each of them."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.checks.context import Context
from orchestrator.checks.problem import shown
from orchestrator.environment.parts import MirrorImage
from orchestrator.environment.tfvars import Path, dotted
from orchestrator.errors import RefusedInput
from orchestrator.mirroring.placing import NotCopied, place
from orchestrator.mirroring.tag_selection import compile_pattern, select_tags
from orchestrator.mirroring.versions import parse_range
from orchestrator.mirroring.wishes import Wish, read_reference
from orchestrator.routes.build import build_route_table
from orchestrator.routes.reference import ImageReference

_TAG = "A tag has 1 to 128 letters, digits, and _ . - and begins with none of the last two."


def check_mirror_images(context: Context) -> None:
    """All of them."""
    environment = context.environment
    images = {}
    for name, image in environment.mirror_images.items():
        found = _check_image(context, ("mirror_images", name), name, image)
        if found is not None:
            images[name] = found
    routed = ("mirrors", "pull_through_cache_rules", "account_id", "aws_region", "include", "exclude")
    if images and context.usable(*routed):
        _check_routes(context, images)


def _check_image(context: Context, path: Path, name: str, image: MirrorImage) -> ImageReference | None:
    if not (image.tags or image.tag_patterns or image.versions):
        context.error(
            path,
            f"{dotted(path)} chooses no tag.",
            why="A repository may have thousands.",
            remedy='Add tags = ["…"], tag_patterns or versions = ">=1.2"; all of them are tag_patterns = [".*"].',
        )
    elif image.newest is not None and not (image.tag_patterns or image.versions):
        context.error(
            (*path, "newest"),
            f"{dotted(path)} has newest, and names its tags.",
            why="Tags that are named are copied, all of them.",
            remedy="Remove newest, or choose by tag_patterns or versions.",
            value=image.newest,
        )
    for index, tag in enumerate(image.tags):
        _refused(context, (*path, "tags", index), tag, lambda text: read_reference(f"a:{text}"), why=_TAG)
    for index, pattern in enumerate(image.tag_patterns):
        _refused(context, (*path, "tag_patterns", index), pattern, compile_pattern)
    if image.versions is not None:
        _refused(context, (*path, "versions"), image.versions, parse_range)
    try:
        reference = read_reference(name)
    except RefusedInput as error:
        context.error(path, f"mirror_images: {error.what}", why=error.why, remedy=error.remedy, value=name)
        return None
    if reference.suffix:
        context.error(
            path,
            f"mirror_images: {shown(name)} names a tag or a digest.",
            why="Tags are chosen inside, so that one entry holds all of an image.",
            remedy=f'Write "{name.removesuffix(reference.suffix)}" = {{ tags = ["{reference.tag or "…"}"] }}.',
            value=name,
        )
        return None
    return reference


def _refused(context: Context, path: Path, value: str, read: Callable[[str], object], *, why: str = "") -> None:
    try:
        read(value)
    except RefusedInput as error:
        context.error(
            path,
            f"{dotted(path)} is {shown(value)}.",
            why=why or error.why or error.what,
            remedy=error.remedy,
            value=value,
        )


def _check_routes(context: Context, images: dict[str, ImageReference]) -> None:
    try:
        table = build_route_table(context.environment)
    except RefusedInput:
        return  # what is wrong with the routes is reported already
    for name, reference in images.items():
        found = place(table, Wish(reference, tags=select_tags(("latest",))))
        if isinstance(found, NotCopied):
            path = ("mirror_images", name)
            # `warm` reads the same list: what ECR pulls through is no mistake.
            if found.reason != "pull-through":
                context.error(
                    path,
                    f"mirror_images: {shown(name)} is not copied.",
                    why=found.detail,
                    remedy=found.remedy,
                    value=name,
                )
