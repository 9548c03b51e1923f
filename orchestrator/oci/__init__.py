"""The OCI distribution client and the copier. It knows no AWS: tokens, batches and limits are handed in (`ports.Endpoint`).

    from orchestrator.oci import Copy, CopyOptions, Endpoint, Journal, Registries, copy_images, execute, prepare

    with Registries([Endpoint("123456789012.dkr.ecr.eu-west-1.amazonaws.com", logins=Renewed(ecr_token))],
                    logins=docker_logins(), on_event=bar) as registries:
        report = copy_images([Copy(parse_reference("gcr.io/distroless/static:nonroot"), parse_reference("123…/gcr/static:nonroot"))],
                             registries, options=CopyOptions(), journal=Journal(Path("oci.sqlite")))
        report.ok, report.results, report.lost, report.sent, report.mounted, report.requests

The stages: `prepare` only reads, and gives a `Prepared`: what each copy would do, and the `CopyPlan` with `bytes_to_send`; `execute` does it.
`Endpoint` brings what only its caller knows of a registry: where it is (`url`, `host_header`), `logins`, a `ca` bundle, `mount_group`.
It has published `limits` by action (`exchange.PUT_MANIFEST: 10`) and an `Inventory` that is asked in batches. `prepare` is called once before
the first push into a repository. `Registries(find=…)` makes endpoints when a name is first met. Events arrive one at a time.
Errors of single images are in their `CopyResult`. Errors that are raised end the whole run (a journal that cannot be written, Ctrl-C).

Archives: `plan_archive(…).write(…)` puts images into an OCI layout in a tar file (or parts). An open `Archive` is a source: `registries.add_source`.
`in_archive(reference)` is what an image in it is called in a `Copy`.

    errors   manifest   pace   copies   copy_events   copy_plan   copy_tree   ports     values and rules, pure
    trust    http       retry  auth     logins   registry_words  exchange               one exchange: the way, the pool, who we are
    lists    client     blobs  registries                                               one registry; one blob; all of them
    crew     journal    discover  target_tags   target_content                          threads; what was verified; read
    copy     copy_run   comparison                                                      do; compare
    archive  archive_writer                                                             images in a file
"""

from orchestrator.oci.archive import ARCHIVE, Archive, in_archive
from orchestrator.oci.archive_writer import ArchiveFiles, ArchivePlan, plan_archive
from orchestrator.oci.auth import Login, Logins, Renewed
from orchestrator.oci.client import RemoteRegistry
from orchestrator.oci.copies import Copy, CopyOptions, CopyReport, CopyResult, CopyState, Loss
from orchestrator.oci.copy import Prepared, copy_images, execute, prepare
from orchestrator.oci.journal import Journal
from orchestrator.oci.logins import docker_logins, pull_secret_logins
from orchestrator.oci.ports import Endpoint, Inventory, Place
from orchestrator.oci.registries import Registries

__all__ = [
    "ARCHIVE",
    "Archive",
    "ArchiveFiles",
    "ArchivePlan",
    "Copy",
    "CopyOptions",
    "CopyReport",
    "CopyResult",
    "CopyState",
    "Endpoint",
    "Inventory",
    "Journal",
    "Login",
    "Logins",
    "Loss",
    "Place",
    "Prepared",
    "Registries",
    "RemoteRegistry",
    "Renewed",
    "copy_images",
    "docker_logins",
    "execute",
    "in_archive",
    "plan_archive",
    "prepare",
    "pull_secret_logins",
]
