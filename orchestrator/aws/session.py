"""Clients for one environment: its region, profile and role, or the embedded AWS. Nothing else makes a client."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, overload

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
from botocore.loaders import Loader, create_loader

from orchestrator.aws.translation import explained, note_operation
from orchestrator.errors import local_flag

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sts import STSClient

CONNECT_SECONDS = 5
READ_SECONDS = 30
# Adaptive mode slows down when AWS throttles; the bound keeps a broken network from holding a command for minutes.
ATTEMPTS = 8
# ECR's quotas allow far more; this bounds sockets and memory of the concurrent calls in this package.
POOL = 10


class Target(Protocol):
    """What a session needs to know of an environment."""

    @property
    def name(self) -> str: ...
    @property
    def account_id(self) -> str: ...
    @property
    def aws_region(self) -> str: ...
    @property
    def aws_profile(self) -> str | None: ...
    @property
    def assume_role_arn(self) -> str | None: ...


class LocalEndpoint(Protocol):
    """The embedded AWS, as `orchestrator.local` describes it."""

    def variables(self, account_id: str, region: str) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True)
class AwsSession:
    """Clients of one environment, made on demand and kept.

    `notes` are sentences about settings of this machine that were passed over (a certificate bundle that is not there).
    """

    environment: str
    account_id: str
    region: str
    endpoint: str | None
    notes: tuple[str, ...]
    # Where the embedded AWS answers in place of the upstream registries; empty for the real ones.
    upstreams: str = field(default="", kw_only=True)
    _boto: boto3.Session = field(repr=False, compare=False)
    _verify: bool | None = field(default=None, repr=False, compare=False)
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict, repr=False, compare=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    @property
    def is_local(self) -> bool:
        """True when the clients talk to the embedded AWS."""
        return self.endpoint is not None

    @property
    def flag(self) -> str:
        """What a command that is told to people needs to reach the same AWS: ` --local`, or nothing."""
        return local_flag(self.is_local)

    @property
    def partition(self) -> str:
        """The partition of the region: `aws`, `aws-us-gov`, `aws-cn`, ..."""
        return self._boto.get_partition_for_region(self.region)

    @property
    def ca_bundle(self) -> str | None:
        """The file of certificates that the user's settings name and that is there; None for the usual ones."""
        if self.is_local or self._verify is not None:
            return None
        named = self._boto._session.get_config_variable("ca_bundle")
        return str(named) if named else None

    @overload
    def client(self, service: Literal["ecr"], region: str | None = None) -> ECRClient: ...
    @overload
    def client(self, service: Literal["iam"], region: str | None = None) -> IAMClient: ...
    @overload
    def client(self, service: Literal["s3"], region: str | None = None) -> S3Client: ...
    @overload
    def client(self, service: Literal["secretsmanager"], region: str | None = None) -> SecretsManagerClient: ...
    @overload
    def client(self, service: Literal["sts"], region: str | None = None) -> STSClient: ...
    @overload
    def client(self, service: Literal["sqs", "dynamodb"], region: str | None = None) -> Any: ...
    def client(self, service: str, region: str | None = None) -> Any:
        """The client of a service in `region` (default: the session's), the same one each time.

        Several threads may use one client; only making one is guarded.
        """
        region = region or self.region
        with self._lock:
            if (service, region) not in self._clients:
                with explained(self):
                    make: Any = self._boto.client
                    self._clients[service, region] = make(
                        service,
                        region_name=region,
                        endpoint_url=self.endpoint,
                        verify=self._verify,
                        config=_config(local=self.is_local),
                    )
            return self._clients[service, region]


def open_session(
    environment: Target,
    *,
    local: LocalEndpoint | None = None,
    variables: Mapping[str, str] | None = None,
) -> AwsSession:
    """A session for the environment's account and region; no call is made yet.

    With `local` every client talks to the embedded AWS as the environment's account. The user's own AWS configuration
    is not read. Otherwise credentials come from `aws_profile` or from wherever the AWS SDK finds them
    (environment, SSO, web identity, container, instance). Then `assume_role_arn` is assumed with them and renewed before
    it expires. `variables` replaces the process environment (for tests) where this function itself looks at it.

    Raises `RefusedInput` for a profile that is not configured.
    """
    if local is not None:
        return _local_session(environment, local)
    with explained(environment.name):
        core = botocore.session.Session(profile=environment.aws_profile)
        core.set_config_variable("region", environment.aws_region)
        if environment.assume_role_arn:
            _assume_role(core, environment.assume_role_arn, environment.name)
        core.register("after-call-error", note_operation)
        boto = boto3.Session(botocore_session=core)
    _share_models(core)
    verify, notes = _certificates(os.environ if variables is None else variables)
    return AwsSession(
        environment=environment.name,
        account_id=environment.account_id,
        region=environment.aws_region,
        endpoint=None,
        notes=notes,
        _boto=boto,
        _verify=verify,
    )


@cache
def _models(data_path: str | None) -> Loader:
    return create_loader(data_path)


def _share_models(core: botocore.session.Session) -> None:
    """Read AWS's descriptions of its services once a process, not once an environment."""
    core.register_component("data_loader", _models(core.get_config_variable("data_path")))


def _config(*, local: bool) -> Config:
    common: dict[str, Any] = {
        "connect_timeout": CONNECT_SECONDS,
        "read_timeout": READ_SECONDS,
        "retries": {"mode": "adaptive", "total_max_attempts": ATTEMPTS},
        "max_pool_connections": POOL,
        "user_agent_extra": "orchestrator",
    }
    if local:
        # A proxy cannot reach our loopback, and bucket names are no host names there.
        common |= {"proxies": {}, "s3": {"addressing_style": "path"}}
    return Config(**common)


def _local_session(environment: Target, local: LocalEndpoint) -> AwsSession:
    values = local.variables(environment.account_id, environment.aws_region)
    # AWS_PROFILE may name a profile that exists on another machine only, and the configuration file may be broken.
    # Neither may matter here, so neither is looked at.
    ignored = (None, None, None, None)
    core = botocore.session.Session(
        session_vars={
            "profile": ignored,
            "config_file": (None, None, os.devnull, None),
            "credentials_file": (None, None, os.devnull, None),
        }
    )
    core.register("after-call-error", note_operation)
    boto = boto3.Session(
        aws_access_key_id=values["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=values["AWS_SECRET_ACCESS_KEY"],
        region_name=environment.aws_region,
        botocore_session=core,
    )
    _share_models(core)
    return AwsSession(
        environment=environment.name,
        account_id=environment.account_id,
        region=environment.aws_region,
        endpoint=values["AWS_ENDPOINT_URL"],
        notes=(),
        upstreams=values.get("ORCHESTRATOR_UPSTREAMS", ""),
        _boto=boto,
    )


def _assume_role(core: botocore.session.Session, role_arn: str, environment: str) -> None:
    """Give `core` credentials of the role that botocore fetches at first use and renews before they expire."""
    source = core.get_credentials()
    if source is None:
        # Left as it is: the first call says that there are no credentials, which is the real cause.
        return

    def create_client(service: str, **settings: Any) -> Any:
        return core.create_client(service, config=_config(local=False), **settings)

    fetcher = AssumeRoleCredentialFetcher(
        client_creator=create_client,
        source_credentials=source,
        role_arn=role_arn,
        extra_args={"RoleSessionName": f"orchestrator-{environment}"[:64]},
    )
    core._credentials = DeferredRefreshableCredentials(  # type: ignore[attr-defined]
        refresh_using=fetcher.fetch_credentials,
        method="assume-role",
    )


def _certificates(variables: Mapping[str, str]) -> tuple[bool | None, tuple[str, ...]]:
    """What to pass as `verify`, with a note when a bundle is named that is not there.

    None lets botocore read AWS_CA_BUNDLE and the profile; True uses the certificates that botocore carries.
    """
    bundle = variables.get("AWS_CA_BUNDLE")
    if bundle and not Path(bundle).exists():
        return True, (f'AWS_CA_BUNDLE names "{bundle}", which does not exist; botocore\'s own certificates are used.',)
    return None, ()
