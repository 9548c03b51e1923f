"""The WSGI application: own handlers first, then moto, with faults, a request log and quick refusals around both."""

from __future__ import annotations

import io
import re
import sys
import threading
import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from orchestrator.local.buckets import handle_s3
from orchestrator.local.calls import Call, parse_call
from orchestrator.local.ecr.pulls import is_served
from orchestrator.local.ecr.service import EcrService
from orchestrator.local.faults import FaultInjector, Request, RequestLog
from orchestrator.local.function_processes import use_processes
from orchestrator.local.guards import refuse
from orchestrator.local.inspector import InspectorService
from orchestrator.local.keys import UPSTREAMS
from orchestrator.local.pod_identity import PodIdentityService
from orchestrator.local.principal import account_of, handle_sts, identify
from orchestrator.local.protocols import Answer, error_answer, send
from orchestrator.local.queues import as_aws_answers
from orchestrator.local.registry.api import RegistryApi
from orchestrator.local.registry.replies import send_reply
from orchestrator.local.registry.request import read_request
from orchestrator.local.wsgi_server import collect
from orchestrator.oci.manifest import OCI_MANIFEST

# Their calls may wait (long polls) or call back into this server, so they must not hold a lock meanwhile.
UNLOCKED = frozenset({"sqs", "lambda", "states", "cloudformation", "kinesis"})
_MANIFEST = re.compile(r"(?P<host>[^/]+)/v2/(?P<repository>.+)/manifests/(?P<reference>[^/]+)")
# Imported in the background once the server listens: the first calls of an apply need them.
WARMED = ("sts", "iam", "ec2", "secretsmanager", "kms")


class Application:
    """What the server runs. One instance a process, because moto keeps its state in module variables."""

    def __init__(self, *, endpoint: str = "", blobs: Path | None = None, upstreams: str = "") -> None:
        self.endpoint = endpoint
        self._upstreams = upstreams
        self.faults = FaultInjector()
        self.requests = RequestLog()
        self.ecr = EcrService(blobs, endpoint)
        self._registry = RegistryApi(self.ecr, self.faults, self.requests)
        self.pod_identity = PodIdentityService()
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._handlers: dict[str, Callable[[Call], Answer | None]] = {
            "sts": handle_sts,
            "ecr": self.ecr.handle,
            "eks": self.pod_identity.handle,
            "inspector2": InspectorService(self.ecr).handle,
            "s3": handle_s3,
            "lambda": self._prepare_functions,
        }
        self._runs_functions = False
        self._locks: dict[str, threading.RLock] = defaultdict(threading.RLock)

    def warm(self) -> None:
        """Import the services that nearly every environment uses, so that no call waits for it."""
        import importlib

        for name in WARMED:
            importlib.import_module(f"moto.{name}.responses")

    @contextmanager
    def locked(self, *services: str) -> Iterator[None]:
        """No call of these services is served meanwhile."""
        with ExitStack() as stack:
            for service in sorted(services):
                stack.enter_context(self._locks[service])
            yield

    def reset(self) -> None:
        """Forget every resource of every account, the request log and the faults."""
        from moto.core.base_backend import BackendDict

        BackendDict.reset()
        self.ecr.reset()
        self.pod_identity.reset()
        self.faults.set(())
        self.requests.clear()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if self._registry.takes(str(environ.get("HTTP_HOST", "")), str(environ.get("PATH_INFO", ""))):
            return send_reply(self._registry.answer(read_request(environ)), start_response)
        path = str(environ.get("PATH_INFO", ""))
        if path.startswith(UPSTREAMS):
            return send(self._as_upstream(path), start_response)
        return send(self._recorded(environ, environ["wsgi.input"].read()), start_response)

    def _as_upstream(self, path: str) -> Answer:
        """What an upstream says of a manifest: `<secret>/<host>/v2/<repository>/manifests/<reference>`."""
        match = _MANIFEST.fullmatch(path.removeprefix(f"{self._upstreams}/")) if self._upstreams else None
        served = match is not None and is_served(self.ecr, **match.groupdict())
        return Answer(200, b"", (("Content-Type", OCI_MANIFEST),)) if served else Answer(404, b"")

    def _recorded(self, environ: dict[str, Any], body: bytes) -> Answer:
        started = time.time()
        call = parse_call(environ, body)
        fault = self.faults.next(call)
        if fault:
            answer = error_answer(call.service, fault.code, fault.message, status=fault.status)
        else:
            answer = self._answer(call, environ)
        who = identify(call)
        self.requests.add(
            Request(
                service=call.service,
                operation=call.operation,
                account_id=who.account_id,
                region=call.region,
                principal=who.arn,
                time=started,
                seconds=time.time() - started,
                status=answer.status,
                fault=bool(fault),
            )
        )
        return answer

    def _answer(self, call: Call, environ: dict[str, Any]) -> Answer:
        try:
            if call.service in UNLOCKED:
                return self._dispatch(call, environ)
            with self._locks[call.service]:
                return self._dispatch(call, environ)
        except NotImplementedError as error:
            return _not_served(call, str(error))
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            return _not_served(call, f"{type(error).__name__}: {error}")

    def _dispatch(self, call: Call, environ: dict[str, Any]) -> Answer:
        handler = self._handlers.get(call.service)
        answer = (handler(call) if handler else None) or refuse(call)
        if answer is None:
            answer = self._ask_moto(call, environ)
        return as_aws_answers(call, answer) if call.service == "sqs" else answer

    def _prepare_functions(self, _: Call) -> None:
        """moto serves Lambda but for running functions, which it would do with Docker."""
        if not self._runs_functions:
            use_processes(self.endpoint, self.endpoint + self._upstreams)
            self._runs_functions = True

    def _ask_moto(self, call: Call, environ: dict[str, Any]) -> Answer:
        environ["wsgi.input"] = io.BytesIO(call.body)
        account = account_of(call)
        if account:
            environ["HTTP_X_MOTO_ACCOUNT_ID"] = account
        line, header_list, content = collect(self._moto, environ)
        status = int(line.split(" ", 1)[0])
        headers = tuple(header_list)
        if status == 404 and dict(headers).get("Content-Type", "").startswith("text/html") and call.service != "s3":
            if call.service == "lambda" and not content.lstrip().startswith(b"<"):
                # moto knows the path, and says of what is absent nothing that a client could read.
                message = "The resource you requested does not exist."
                return error_answer(call.service, "ResourceNotFoundException", message, status=404)
            return _not_served(call, "no such path")
        return Answer(status, content, headers)


def _not_served(call: Call, reason: str) -> Answer:
    """501: AWS's clients do not retry it, whereas a 500 keeps the Terraform provider busy for minutes."""
    operation = call.operation or "(unknown operation)"
    message = f"The embedded AWS does not serve {call.service}:{operation}. {reason}"
    return error_answer(call.service, "NotImplemented", message, status=501)
