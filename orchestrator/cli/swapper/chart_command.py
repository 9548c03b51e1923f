"""`orchestrator swapper chart`: the Helm chart that comes with this program, written where Helm can read it."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrator.errors import OrchestratorError, RefusedInput

CHART = "image-swapper"


@click.command()
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder to write image-swapper/ to.",
)
def chart(out: Path) -> None:
    """Write the webhook's Helm chart to a folder. The chart holds no decision of an environment: `orchestrator
    manifests NAME --for swapper --out DIR` writes them to DIR/swapper/chart-values.yaml, for Helm's -f.
    """
    from orchestrator.files.shipped_folders import shipped_path

    source, target = shipped_path(f"_charts/{CHART}", f"charts/{CHART}", "The chart is"), out / CHART
    names = {path.relative_to(source) for path in source.rglob("*") if path.is_file()}
    try:
        there = {path.relative_to(target) for path in target.rglob("*") if path.is_file()} if target.is_dir() else set()
        others = sorted(str(path) for path in there - names)
        if others:
            raise RefusedInput(
                f"{target} holds files that are not the chart's: {', '.join(others[:5])}.",
                why="Helm would render them, too.",
                remedy="Take them away, or give --out another folder.",
            )
        for name in sorted(names):
            path = target / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes((source / name).read_bytes())
    except OSError as error:
        raise OrchestratorError(
            f"{error.filename or target} cannot be written: {error.strerror}.", remedy="Give --out another folder."
        ) from error
    click.echo(target)
