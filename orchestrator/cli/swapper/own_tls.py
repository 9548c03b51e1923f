"""`--own-certificate`: who keeps the webhook's certificate in the cluster that it runs in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from orchestrator.errors import RefusedInput

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.swapper.own_certificate import CertificateKeeper

_NAME = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
_CONFIGURATION = re.compile(r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?")


def keeper_of(service: str | None, configuration: str | None, file: Path | None) -> CertificateKeeper | None:
    """The keeper of `NAMESPACE/SERVICE`; None when nobody asked for one. Raises RefusedInput, OrchestratorError outside of a Pod."""
    if service is None and configuration is None:
        return None
    matched = re.fullmatch(rf"({_NAME})/({_NAME})", service or "")
    if matched is None or configuration is None or not _CONFIGURATION.fullmatch(configuration):
        raise RefusedInput(
            "A certificate of its own needs the webhook's Service and configuration.",
            why=f"--own-certificate is {service or 'missing'}, --webhook-configuration {configuration or 'missing'}.",
            remedy="Write them like --own-certificate ecr-swapper/ecr-swapper --webhook-configuration prod-ecr-swapper.",
        )
    if file is not None:
        raise RefusedInput(
            "One certificate is served.", remedy="Give --own-certificate, or --tls-cert-file and --tls-key-file."
        )
    from orchestrator.swapper.cluster_api import ClusterApi
    from orchestrator.swapper.own_certificate import CertificateKeeper

    namespace, name = matched.groups()
    return CertificateKeeper(ClusterApi.of_pod(), namespace=namespace, service=name, configuration=configuration)
