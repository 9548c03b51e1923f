"""`orchestrator mirror`: copy images into the environment's registry."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.environment_name import NAME
from orchestrator.cli.mirror.prune_options import Pruning, check_pruning, prune_options
from orchestrator.cli.mirror.words import part_size
from orchestrator.cli.mirror.worker_command import WithWorker, worker
from orchestrator.cli.options import json_option, local_option, registry_option
from orchestrator.cli.project_option import open_project

if TYPE_CHECKING:
    from orchestrator.cli.mirror.archives import ArchiveRun
    from orchestrator.cli.mirror.prune import Pruner
    from orchestrator.cli.mirror.run import MirrorRun
    from orchestrator.cli.mirror.shared_copies import Sharing
    from orchestrator.mirroring.operator_selection import Wanted
    from orchestrator.mirroring.wishes import Wish


@click.group(cls=WithWorker)
@NAME
@click.argument("references", metavar="[REFERENCE]...", nargs=-1)
@click.option(
    "--from",
    "sources",
    metavar="PATH|-",
    multiple=True,
    help="Read what to copy from a file or a folder, or copy from an archive.",
)
@click.option("--to", metavar="FILE.tar", type=click.Path(path_type=Path), help="Write an archive; needs no AWS.")
@click.option("--part-size", metavar="SIZE", callback=part_size, help="Cut the archive into parts, such as 4GB.")
@click.option(
    "--from-oc-mirror",
    "results",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Print the routes of what `oc mirror` copied, by the mirror sets that it wrote to DIR; copy nothing.",
)
@click.option("--platform", "platforms", metavar="OS/ARCH,…", multiple=True, help="Only these platforms of an index.")
@click.option("--dry-run", is_flag=True, help="Show the plan and copy nothing.")
@click.option("--check", is_flag=True, help="Show the plan, copy nothing, and end with 3 when something is missing.")
@click.option("--no-referrers", is_flag=True, help="Leave signatures and attestations behind.")
@click.option("--allow-lost-signatures", is_flag=True, help="A signature that cannot come is no error.")
@click.option(
    "--pull-secret",
    "secrets",
    metavar="FILE",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Log in to sources as this Secret of Kubernetes does.",
)
@click.option(
    "--verify",
    "keys",
    metavar="cosign:FILE|keyless:ISSUER,IDENTITY",
    multiple=True,
    help="Copy what this public key, or whom this issuer knows by this name, has signed.",
)
@click.option(
    "--trust-root",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Whom keyless signatures are trusted by: a trusted_root.json.  [default: Sigstore's own]",
)
@click.option("--require-signature", is_flag=True, help="Copy no image without a signature.")
@click.option(
    "--write", is_flag=True, help="Give registries without a route an entry of mirrors in the environment's file."
)
@prune_options
@click.option("--sync", is_flag=True, help="Keep going: one round after the other, everything read anew for each.")
@click.option("--interval", metavar="1h30m", help="From the beginning of one round of --sync to that of the next.")
@click.option("--cron", metavar="'0 3 * * *'", help="When the rounds of --sync begin, in local time.")
@click.option("--once", is_flag=True, help="One round of --sync, for a CronJob.")
@click.option("--filter-catalog", is_flag=True, help="Copy catalogs of operators with the chosen operators only.")
@click.option("--queue", is_flag=True, help="Have workers copy it (mirror worker NAME), and wait for them.")
@click.option("--no-wait", is_flag=True, help="With --queue: end when everything is in the queue.")
@registry_option()
@local_option("Copy into the embedded AWS on this machine.")
@json_option()
@click.pass_context
def mirror(
    ctx: click.Context,
    name: str,
    references: tuple[str, ...],
    sources: tuple[str, ...],
    results: Path | None,
    to: Path | None,
    part_size: int,
    platforms: tuple[str, ...],
    dry_run: bool,
    check: bool,
    no_referrers: bool,
    allow_lost_signatures: bool,
    secrets: tuple[Path, ...],
    keys: tuple[str, ...],
    trust_root: Path | None,
    require_signature: bool,
    write: bool,
    pruning: Pruning | None,
    sync: bool,
    interval: str | None,
    cron: str | None,
    once: bool,
    filter_catalog: bool,
    queue: bool,
    no_wait: bool,
    via: dict[str, str],
    local: bool,
    as_json: bool,
) -> int:
    """Copy images into the registry of environment NAME, with their signatures; what is there already is left alone.

    REFERENCEs say what to copy, and so do files and folders of --from; else the environment's mirror_images. A file is a list of
    references, manifests, values of charts or what `orchestrator images` prints. It may also be a CycloneDX document, an
    ImageSetConfiguration or a configuration of regsync. The route
    table says where each image goes: below the prefix of its mirror. Repositories that do not exist are made.

    Nothing is deleted. With --prune what no list names goes by the lifecycle manager's rules. Images stay that clusters
    run, that were pulled lately, that are protected or young, or gone at their source. It is shown, and asked, first.

    Where no way leads from the source to the registry, images go by an archive. --to writes it (OCI image layout) on the side of the sources, and
    --from takes it on the other side. A run that was ended goes on.
    """
    from orchestrator.cli.mirror.archives import ArchiveRun, archive_among, archive_wishes
    from orchestrator.cli.mirror.gather import gap_teller, gather
    from orchestrator.cli.mirror.preconditions import refuse_made_charts, require_own_registry
    from orchestrator.cli.mirror.pull_secrets import source_logins
    from orchestrator.cli.mirror.rounds import keep_going, read_rounds
    from orchestrator.cli.mirror.shared_copies import Sharing
    from orchestrator.oci.cosign_check import SignatureDemand, read_keys

    rounds = read_rounds(sync, interval, cron, once)
    if (write or rounds) and (dry_run or check or to is not None):
        raise click.UsageError("--dry-run, --check and --to copy nothing to ECR: leave --write and --sync out.")
    if rounds is not None and not once and "-" in sources:
        raise click.UsageError("Standard input can be read once: give --sync a file by --from, or --once.")
    if pruning is not None and (to is not None or results is not None):
        raise click.UsageError("--to and --from-oc-mirror change nothing in ECR: leave --prune out.")
    if no_wait and not queue:
        raise click.UsageError("--no-wait says how --queue ends.")
    if queue and (to is not None or pruning is not None or archive_among(sources)):
        raise click.UsageError("Workers copy from registry to registry: leave --queue out with an archive and --prune.")
    if filter_catalog and (to is not None or queue or keys or require_signature):
        raise click.UsageError(
            "A filtered catalog is made here and signed by nobody: leave --filter-catalog out with --to, --queue, --verify "
            "and --require-signature."
        )
    project = open_project(ctx)
    if results is not None:
        if references or sources or to is not None or write or rounds is not None:
            raise click.UsageError(
                "--from-oc-mirror copies nothing: leave everything out that says what and when to copy."
            )
        from orchestrator.cli.mirror.oc_mirror import results_document, results_in, results_lines

        environment = project.load(name)
        found = results_in(environment, results)
        _print(as_json, results_document(environment, found), results_lines(environment, found))
        return 0
    demand = SignatureDemand(read_keys(keys, trust_root), require_signature)
    logins = source_logins(secrets)
    if to is not None:
        if check or local:
            raise click.UsageError("--to writes a file and asks no registry of yours: leave --check and --local out.")
        environment = project.load(name)
        wishes = gather(environment, references, sources, platforms)
        with ArchiveRun(environment, via=via, referrers=not no_referrers, demand=demand, logins=logins) as writing:
            return _write(writing, wishes, references, to, part_size, dry_run, as_json)
    if part_size:
        raise click.UsageError("--part-size cuts the archive of --to.")

    def one_round() -> int:
        environment = project.load(name)
        require_own_registry(environment)
        path = archive_among(sources)
        check_pruning(pruning, references, archive=path is not None, only_shown=check or dry_run, as_json=as_json)
        with ExitStack() as opened:
            archive = None
            if path is not None:
                from orchestrator.oci.archive import Archive

                archive = opened.enter_context(Archive(path))
                wishes: Sequence[Wanted] = archive_wishes(archive, references, platforms)
            else:
                wishes = gather(environment, references, sources, platforms, whole=pruning is not None)
            if queue:
                refuse_made_charts(wishes)
            from orchestrator.cli.mirror.run import MirrorRun

            run = MirrorRun(
                project,
                environment,
                via=via,
                local=local,
                referrers=not no_referrers,
                archive=archive,
                demand=demand,
                logins=logins,
                filter_catalogs=filter_catalog,
            )
            opened.enter_context(run)
            # That there is none is said before sources are read.
            sharing = Sharing(run.queue(), wait=not no_wait) if queue else None
            images = run.resolve(wishes, gap_teller(whole=pruning is not None))
            if write:
                from orchestrator.cli.mirror.write_routes import write_routes

                environment = write_routes(project, environment, images)
                run.route_by(environment)
            pruner = None
            if pruning is not None:
                from orchestrator.cli.mirror.prune import Pruner

                pruner = Pruner(ctx, project, environment, run, pruning, local=local, as_json=as_json)
            return _copy(run, images, references, check, dry_run, as_json, allow_lost_signatures, pruner, sharing)

    return keep_going(rounds, one_round) if rounds is not None else one_round()


def _copy(
    run: MirrorRun,
    wishes: Sequence[Wish],
    references: tuple[str, ...],
    check: bool,
    dry_run: bool,
    as_json: bool,
    allow_lost_signatures: bool,
    pruner: Pruner | None,
    sharing: Sharing | None,
) -> int:
    from orchestrator.cli.mirror.preconditions import NOT_THERE, refuse_named
    from orchestrator.cli.mirror.show import is_current, plan_document, plan_lines, report_document, report_lines

    prepared = run.prepare(wishes)
    refuse_named(prepared.left, references)
    results = prepared.prepared.results
    if check or dry_run:
        document = plan_document(prepared)
        if not as_json:
            _say(plan_lines(prepared))
        pruned = pruner.show(prepared, document) if pruner is not None else None
        if as_json:
            _print_json(document)
        if check and (not is_current(results) or (pruned is not None and pruned.going)):
            return NOT_THERE
        return 1 if any(result.error for result in results) or (pruned is not None and pruned.would_fail) else 0
    if not as_json:
        _say(plan_lines(prepared, reported=sharing is None))
    if sharing is not None:
        shared = sharing.do(prepared, run.jobs(prepared))
        _print(as_json, shared.document(prepared), shared.lines() if sharing.wait else ())
        failed = any(result.error for result in results)
        return 1 if failed else shared.exit_code(allow_lost_signatures=allow_lost_signatures)
    report = run.execute(prepared, quiet=as_json)
    document = report_document(prepared, report)
    if not as_json:
        _say(report_lines(report))
    failed = any(result.error for result in report.results) or (bool(report.lost) and not allow_lost_signatures)
    if pruner is not None and not pruner.prune(prepared, document, failed=failed):
        failed = True
    if as_json:
        _print_json(document)
    return 1 if failed else 0


def _write(
    run: ArchiveRun,
    wishes: Sequence[Wanted],
    references: tuple[str, ...],
    to: Path,
    part_size: int,
    dry_run: bool,
    as_json: bool,
) -> int:
    from orchestrator.cli.mirror.archives import refuse_empty, written_lines
    from orchestrator.cli.mirror.preconditions import refuse_named

    planned = run.prepare(wishes)
    refuse_named(planned.left, references)
    refuse_empty(planned)
    if dry_run or not planned.plan.ok:
        _print(as_json, planned.document(), planned.lines())
        return 0 if planned.plan.ok else 1
    if not as_json:
        _say(planned.lines())
    written = run.write(planned, to, part_size=part_size, quiet=as_json)
    _print(as_json, planned.document(written), written_lines(to, planned, written))
    return 0


def _print(as_json: bool, document: dict[str, Any], lines: Any) -> None:
    if as_json:
        _print_json(document)
    else:
        _say(lines)


def _print_json(document: dict[str, Any]) -> None:
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


def _say(lines: Any) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


mirror.add_command(worker)
