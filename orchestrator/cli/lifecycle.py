"""`orchestrator lifecycle`: what would be expired and what it saves; do it now; bring back; call the deployed function."""

from __future__ import annotations

import click


@click.group()
def lifecycle() -> None:
    """Keep the cache small without deleting what runs."""
