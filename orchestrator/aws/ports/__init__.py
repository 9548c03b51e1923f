"""What the lifecycle manager asks of AWS: its ports over boto3 clients, for the functions and for the commands.

Packed into the functions' zips with `orchestrator.lifecycle`: standard library only, botocore is imported where a call is
made (the runtime has it). Clients are given; `function_clients` makes those of a function.
"""

from orchestrator.aws.ports.clients import FunctionClients, function_clients
from orchestrator.aws.ports.host import ThreadedHost
from orchestrator.aws.ports.pull_times import CallerExclusion
from orchestrator.aws.ports.refusals import refusals
from orchestrator.aws.ports.registry import MEDIA_TYPES, EcrRegistry
from orchestrator.aws.ports.storage import S3Storage, SqsQueue

__all__ = [
    "MEDIA_TYPES",
    "CallerExclusion",
    "EcrRegistry",
    "FunctionClients",
    "S3Storage",
    "SqsQueue",
    "ThreadedHost",
    "function_clients",
    "refusals",
]
