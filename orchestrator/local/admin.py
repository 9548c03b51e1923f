"""The server's own paths below `/_orchestrator/`: status, faults, request log, reset and simulated images.

They stand in front of the application, which knows nothing of them. They answer only to who knows the start id, which `server.json` holds for its owner. A web page that reaches loopback
does not.
"""

from __future__ import annotations

import hmac
import json
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from orchestrator.local.application import Application
from orchestrator.local.ecr.behaviour import Behaviour
from orchestrator.local.ecr.ecr_error import EcrError
from orchestrator.local.ecr.simulation import Simulation
from orchestrator.local.faults import Faults
from orchestrator.local.fixtures import make_placeholders
from orchestrator.local.placeholders import Placeholder
from orchestrator.local.protocols import Answer, json_answer, send

ROOT = "/_orchestrator/"


class Admin:
    """A WSGI application: answers the administrative paths of `application`, and hands it everything else."""

    def __init__(self, application: Application, *, start_id: str) -> None:
        self._application = application
        self._start_id = start_id
        self._created = time.time()
        simulation = Simulation(application.ecr)
        self._paths: dict[tuple[str, str], Callable[[dict[str, Any]], object]] = {
            ("GET", "status"): self._status,
            ("GET", "requests"): self._requests,
            ("DELETE", "requests"): self._forget,
            ("POST", "faults"): self._set_faults,
            ("POST", "reset"): self._reset,
            ("POST", "placeholders"): self._make_placeholders,
            ("POST", "registry"): self._behave,
            ("POST", "upstreams"): self._name_upstreams,
            ("GET", "registry"): lambda _: {"refused": application.ecr.limits.refused},
            ("POST", "ecr/images"): simulation.put_images,
            ("POST", "ecr/upstream"): simulation.put_upstream,
            ("POST", "ecr/pull"): simulation.pull,
            ("POST", "ecr/fill"): simulation.fill,
            ("POST", "ecr/age"): simulation.age,
        }

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = str(environ.get("PATH_INFO", ""))
        if not path.startswith(ROOT):
            return self._application(environ, start_response)
        return send(self._answer(environ, path.removeprefix(ROOT), environ["wsgi.input"].read()), start_response)

    def _answer(self, environ: dict[str, Any], name: str, body: bytes) -> Answer:
        """JSON, with `error` and another status than 200 on a refusal."""
        given = str(environ.get("HTTP_X_ORCHESTRATOR_START_ID", ""))
        if not hmac.compare_digest(given.encode(), self._start_id.encode()):
            return json_answer({"error": "unknown start id"}, status=403)
        action = self._paths.get((str(environ["REQUEST_METHOD"]), name))
        if action is None:
            return json_answer({"error": f"no such path: {name}"}, status=404)
        try:
            arguments = json.loads(body) if body else {}
            return json_answer(action(arguments))
        except (ValueError, TypeError, KeyError, EcrError) as error:
            return json_answer({"error": f"{type(error).__name__}: {error}"}, status=400)

    def _status(self, _: dict[str, Any]) -> object:
        return {
            "start_id": self._start_id,
            "pid": os.getpid(),
            "created": self._created,
            "requests": self._application.requests.total(),
            "accounts": self._application.requests.accounts(),
            "faults_injected": self._application.faults.injected(),
            "upstreams": self._application.ecr.behaviour.upstreams,
            "calls_waiting": self._application.faults.waiting(),
        }

    def _requests(self, _: dict[str, Any]) -> object:
        return {"requests": self._application.requests.as_list()}

    def _forget(self, _: dict[str, Any]) -> object:
        self._application.requests.clear()
        return {}

    def _set_faults(self, arguments: dict[str, Any] | list[dict[str, Any]]) -> object:
        """One fault or a list of them; `{}` or `[]` ends them."""
        given = arguments if isinstance(arguments, list) else [arguments] if arguments else []
        faults = [Faults(**fault) for fault in given]
        self._application.faults.set(faults)
        return {"faults": len(faults)}

    def _behave(self, arguments: dict[str, Any]) -> object:
        """The fields of `orchestrator.local.ecr.behaviour.Behaviour`; what is left out gets its default."""
        self._application.ecr.behave(Behaviour(**arguments))
        return {}

    def _name_upstreams(self, arguments: dict[str, Any]) -> object:
        """{host: address}: where upstreams are really fetched from, beside those that are named already."""
        behaviour = self._application.ecr.behaviour
        known = {**behaviour.upstreams, **{str(host): str(address) for host, address in arguments.items()}}
        self._application.ecr.behaviour = replace(behaviour, upstreams=known)
        return {"upstreams": known}

    def _make_placeholders(self, arguments: dict[str, Any]) -> object:
        placeholders = [Placeholder(**entry) for entry in arguments["placeholders"]]
        with self._application.locked("ec2", "eks", "iam", "kms", "secretsmanager"):
            return {"made": make_placeholders(placeholders)}

    def _reset(self, _: dict[str, Any]) -> object:
        self._application.reset()
        return {}
