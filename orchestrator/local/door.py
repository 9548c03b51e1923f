"""The outermost WSGI layer: it lets in calls of the owner and of the roles that were handed out.

Loopback is shared: by other users of the machine, and by web pages, whose host name may point here. So every
call needs our `Host`, a key that the owner alone can know, and no sign of a browser.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from orchestrator.local.admin import ROOT
from orchestrator.local.calls import CallSigner, caller_of
from orchestrator.local.ecr.tickets import LAYERS
from orchestrator.local.keys import UPSTREAMS, is_of_start
from orchestrator.local.models import service_model
from orchestrator.local.principal import is_handed_out
from orchestrator.local.protocols import Answer, error_answer, json_answer, send
from orchestrator.local.registry.address import OWN_HOSTS, registry_address, without_port
from orchestrator.routes.upstreams import ecr_registry

# Every browser sends one of these with a page's requests. No client of AWS or of a registry sends any.
BROWSER = ("HTTP_ORIGIN", "HTTP_SEC_FETCH_SITE", "HTTP_SEC_FETCH_MODE")
# moto's own pages: reset, recorder, dashboard. Nothing here needs them.
MOTO_PAGES = "/moto-api"
REMEDY = "`orchestrator local up` prints the credentials of this start of the embedded AWS."


class Door:
    """A WSGI application that hands `application` what may come in, and refuses the rest with 403."""

    def __init__(self, application: Callable[..., Iterable[bytes]], *, secret: str) -> None:
        self._application = application
        self._secret = secret

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        refusal = self._refusal(environ)
        if refusal is not None:
            return send(refusal, start_response)
        return self._application(environ, start_response)

    def _refusal(self, environ: dict[str, Any]) -> Answer | None:
        host, path = str(environ.get("HTTP_HOST", "")), str(environ.get("PATH_INFO", ""))
        if not is_known_host(host):
            return json_answer({"error": "this host name is not served here"}, status=403)
        if any(name in environ for name in BROWSER):
            return json_answer({"error": "web pages are not served"}, status=403)
        if path.startswith(MOTO_PAGES):
            return json_answer({"error": "moto's own pages are closed"}, status=403)
        if path.startswith(ROOT) or _has_own_secret(host, path):
            return None
        caller = caller_of(environ)
        if is_of_start(caller.access_key, self._secret) or is_handed_out(caller.access_key, caller.session_token):
            return None
        return _unknown(caller)


def is_known_host(host: str) -> bool:
    """Is `Host` the server's own address (a tunnel may have another port), or the name of a registry?

    Names of registries belong to AWS: nobody else can make one of them point to loopback.
    """
    name = without_port(host).lower()
    return name in OWN_HOSTS or ecr_registry(name) is not None


def _has_own_secret(host: str, path: str) -> bool:
    """Does the registry ask for a secret itself: the password of GetAuthorizationToken, or a signed address?"""
    return path.startswith((LAYERS, UPSTREAMS)) or registry_address(host, path) is not None


def _unknown(caller: CallSigner) -> Answer:
    """What AWS answers to credentials that it does not know, in the words of the service's protocol."""
    if not caller.access_key:
        code, message = "MissingAuthenticationToken", f"The request carries no credentials. {REMEDY}"
    else:
        code, message = _code(caller.service), f"The embedded AWS did not hand out this access key. {REMEDY}"
    return error_answer(caller.service, code, message, status=403)


def _code(service: str) -> str:
    model = service_model(service)
    if service == "s3":
        return "InvalidAccessKeyId"
    if model is not None and model.protocol in {"query", "ec2", "rest-xml"}:
        return "InvalidClientTokenId" if service != "ec2" else "AuthFailure"
    return "UnrecognizedClientException"
