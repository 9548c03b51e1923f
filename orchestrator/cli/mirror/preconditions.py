"""What `mirror` and `warm` refuse before they begin, and how they end when an image is not there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from orchestrator.errors import RefusedInput
from orchestrator.mirroring.chart_wishes import ChartWish

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment
    from orchestrator.mirroring.operator_selection import Wanted

# The exit code of `--check` when something is missing.
NOT_THERE = 3


def require_own_registry(environment: Environment) -> None:
    """Raise RefusedInput when the registry is another account's or region's."""
    if not environment.uses_central_registry:
        return
    account, region = environment.registry.account, environment.registry.region
    raise RefusedInput(
        f'environment "{environment.name}" pulls from the registry of account {account} in {region}.',
        why="Images are copied with the credentials of the account that they go to.",
        remedy="Run it for the environment of that account and region.",
    )


def refuse_made_charts(wishes: Iterable[Wanted]) -> None:
    """Raise RefusedInput for a chart that becomes an artifact here: no worker could read it."""
    for item in wishes:
        if isinstance(item, ChartWish) and not item.is_oci and not item.path:
            raise RefusedInput(
                f"The chart {item.name} of {item.repository} cannot be copied by workers.",
                why="It becomes an artifact in the process that fetches it.",
                remedy="Leave --queue out for this image set.",
                where=item.where,
            )


def refuse_named(left: tuple[Any, ...], references: tuple[str, ...]) -> None:
    """Images that were named one by one must be copied, or the command does not do what it was told."""
    named = [item for item in left if str(item.wish.image) in references and item.wish.where is None]
    if named:
        first = named[0]
        raise RefusedInput(f"{first.wish.image} is not copied.", why=first.detail, remedy=first.remedy)
