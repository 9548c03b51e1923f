"""`orchestrator swapper explain`: what the webhook would do with an image now, and why."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.cli.options import json_option, local_option
from orchestrator.errors import OrchestratorError, RefusedInput
from orchestrator.routes.reference import parse_reference

if TYPE_CHECKING:
    from orchestrator.cli.swapper.deciding import WebhookPlan

# {imageCopyPolicy: what becomes of an image that is not there yet}
_COPIED = {
    "delayed": "it is copied beside, so that the next Pod finds it",
    "immediate": "the Pod waits for its copy within the deadline",
    "force": "the Pod waits for its copy within the deadline",
    "none": "nothing is copied",
}
# The same of an image that its rule pulls through.
_PULLED = {
    "delayed": "it is pulled for the first time beside, so that the next Pod finds it",
    "immediate": "the Pod waits for its first pull within the deadline",
    "force": "the Pod waits for its first pull within the deadline",
    "none": "nothing is pulled for the first time",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """`becomes` is the image that the Pod gets; `why` are the steps to it, in order."""

    image: str
    becomes: str
    why: tuple[str, ...]


@click.command()
@click.argument("words", metavar="[NAME] REF", nargs=-1, required=True)
@click.option("--config", metavar="FILE", type=click.Path(path_type=Path), help="A configuration of k8s-image-swapper.")
@click.option(
    "--state-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="The --state-dir of `swapper serve` (default: below the project's .orchestrator).",
)
@local_option("Look in the embedded AWS on this machine.")
@json_option()
@click.pass_context
def explain(
    ctx: click.Context, words: tuple[str, ...], config: Path | None, state_dir: Path | None, local: bool, as_json: bool
) -> int:
    """Say what the webhook would do with an image REF in a Pod now, and why. Nothing is copied for it.

    NAME is left out where the project has one environment, or where FILE has the targets, as with `swapper serve`. Filters
    and what is left alone by its namespace or labels depend on the Pod: they are not asked.
    """
    from orchestrator.cli.swapper.deciding import decide_by
    from orchestrator.cli.swapper.serve_command import require_extra

    if len(words) > 2:
        raise RefusedInput("One image is explained at a time.", remedy="orchestrator swapper explain [NAME] REF")
    require_extra()
    name = words[0] if len(words) == 2 else None
    plan = decide_by(ctx, name, config, {}, state_dir=state_dir, local=local)
    found = explained(plan, words[-1])
    if as_json:
        click.echo(json.dumps(asdict(found)))
    else:
        click.echo(f"{found.image} -> {found.becomes}" if found.becomes != found.image else f"{found.image} stays")
        for line in found.why:
            click.echo(f"  {line}")
    return 0


def explained(plan: WebhookPlan, image: str) -> Explanation:
    """What becomes of `image` by this plan. The registry is asked where its route needs a look."""
    from orchestrator.routes.table import Redirected, Refused

    answer = plan.rules.table.redirect(image)
    if not isinstance(answer, Redirected):
        refused = "refused: " if isinstance(answer, Refused) else ""
        return Explanation(image, image, (f"the route table leaves it: {refused}{answer.reason}",))
    target = answer.target
    steps = [f"the route {answer.route.name} ({answer.route.kind}) gives {target}"]
    if answer.route.kind not in plan.rules.looked_at or plan.home is None:
        swaps, steps = True, [*steps, "it is redirected without a look: ECR pulls it through"]
    else:
        swaps, looked = _looked(plan, target)
        steps += looked
    if plan.rules.dry_run:
        steps.append("a dry run: the Pod keeps its image, and its annotation says what would become of it")
        swaps = False
    return Explanation(image, target if swaps else image, tuple(steps))


def _looked(plan: WebhookPlan, target: str) -> tuple[bool, Sequence[str]]:
    from orchestrator.cli.swapper.swap_copies import SwapCopies
    from orchestrator.swapper.metrics import SwapMetrics

    assert plan.home is not None
    cached = plan.home.cached(parse_reference(target).path)
    always = plan.settings.swap_policy == "always" and not cached
    copied = (_PULLED if cached else _COPIED)[plan.settings.copy_policy]
    if not cached and not plan.home.writes:
        copied = "the registry is another account's"
    try:
        there = SwapCopies(plan.home, SwapMetrics(), {}).is_there(target)
    except OrchestratorError as error:
        steps = [f"ECR cannot be asked: {error.headline} {error.remedy}".rstrip()]
    else:
        if there:
            return True, ["it is in ECR"]
        steps = [f"it is not in ECR: {copied}"]
    steps += _journal(plan.home.folder, target)
    steps.append(
        "imageSwapPolicy is always: it is swapped all the same" if always else "until then the Pod keeps its source"
    )
    return always, steps


def _journal(folder: Path, target: str) -> list[str]:
    """What the queue on this machine knows of it."""
    from orchestrator.swapper.copy_ledger import read_ledger

    state = read_ledger(folder / "queue.sqlite")
    found = ["it waits in the queue of copies" for one in state.waiting if one.target == target]
    found += [
        " ".join(part for part in ("its last copy failed:", one.what, one.why, one.remedy) if part)
        for one in state.ended
        if one.target == target and one.what
    ]
    return found
