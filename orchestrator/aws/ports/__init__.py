"""What lifecycle manager and scan findings ask of AWS: their ports over boto3 clients, for functions and commands.

Packed into the functions' zips with the core: standard library only. botocore, which the runtime has, is imported
where a call is made. Clients are given; `function_clients` and `findings_clients` make those of the functions.

The stages of a call: a core calls its port, the port its client. `refusals` makes a `PortError` of what AWS refuses.
"""

from orchestrator.aws.ports.clients import FunctionClients, function_clients
from orchestrator.aws.ports.ecr_registry import MEDIA_TYPES, EcrRegistry
from orchestrator.aws.ports.host import ThreadedHost
from orchestrator.aws.ports.pull_times import CallerExclusion
from orchestrator.aws.ports.refusals import refusals
from orchestrator.aws.ports.s3_storage import S3Storage
from orchestrator.aws.ports.sqs_queue import SqsQueue
from orchestrator.aws.ports.upstream_registries import UpstreamRegistries

__all__ = [
    "MEDIA_TYPES",
    "CallerExclusion",
    "EcrRegistry",
    "FunctionClients",
    "S3Storage",
    "SqsQueue",
    "ThreadedHost",
    "UpstreamRegistries",
    "function_clients",
    "refusals",
]
