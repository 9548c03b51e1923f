"""`orchestrator mirror`: copy images into the environment's registry."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from orchestrator.cli.options import json_option, local_option, registry_addresses
from orchestrator.cli.project_option import open_project


@click.command()
@click.argument("name", metavar="NAME")
@click.argument("references", metavar="[REFERENCE]...", nargs=-1)
@click.option("--from", "sources", metavar="PATH|-", multiple=True, help="Read what to copy from a file or a folder.")
@click.option("--platform", "platforms", metavar="OS/ARCH,…", multiple=True, help="Only these platforms of an index.")
@click.option("--dry-run", is_flag=True, help="Show the plan and copy nothing.")
@click.option("--check", is_flag=True, help="Show the plan, copy nothing, and end with 3 when something is missing.")
@click.option("--no-referrers", is_flag=True, help="Leave signatures and attestations behind.")
@click.option("--allow-lost-signatures", is_flag=True, help="A signature that cannot come is no error.")
@click.option(
    "--via",
    multiple=True,
    callback=registry_addresses,
    metavar="REGISTRY=URL",
    help="Reach a registry by another address.",
)
@local_option("Copy into the embedded AWS on this machine.")
@json_option()
@click.pass_context
def mirror(
    ctx: click.Context,
    name: str,
    references: tuple[str, ...],
    sources: tuple[str, ...],
    platforms: tuple[str, ...],
    dry_run: bool,
    check: bool,
    no_referrers: bool,
    allow_lost_signatures: bool,
    via: dict[str, str],
    local: bool,
    as_json: bool,
) -> int:
    """Copy images into the registry of environment NAME, with their signatures; what is there already is left alone.

    What to copy: REFERENCEs; files and folders of --from (a list of references, manifests, values of charts, what
    `orchestrator images` prints, a CycloneDX document, an ImageSetConfiguration, a configuration of regsync); else the environment's mirror_images. The route
    table says where each image goes: below the prefix of its mirror. Repositories that do not exist are made.
    """
    from orchestrator.cli.mirror.gather import gather
    from orchestrator.cli.mirror.preconditions import NOT_THERE, refuse_named, require_own_registry
    from orchestrator.cli.mirror.run import MirrorRun

    project = open_project(ctx)
    environment = project.load(name)
    require_own_registry(environment)
    wishes = gather(environment, references, sources, platforms)
    with MirrorRun(project, environment, via=via, local=local, referrers=not no_referrers) as run:
        prepared = run.prepare(wishes)
        refuse_named(prepared.left, references)
        from orchestrator.cli.mirror.show import is_current, plan_document, plan_lines, report_document, report_lines

        results = prepared.prepared.results
        if check or dry_run:
            _print(as_json, plan_document(prepared), plan_lines(prepared))
            if check and not is_current(results):
                return NOT_THERE
            return 1 if any(result.error for result in results) else 0
        if not as_json:
            _say(plan_lines(prepared))
        report = run.execute(prepared, quiet=as_json)
        _print(as_json, report_document(prepared, report), report_lines(report))
        failed = any(result.error for result in report.results)
        return 1 if failed or (report.lost and not allow_lost_signatures) else 0


def _print(as_json: bool, document: dict[str, Any], lines: Any) -> None:
    if as_json:
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        _say(lines)


def _say(lines: Any) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()
