"""The embedded AWS: moto in a process of its own, with what moto lacks and with AWS's own refusals.

An edge: it starts a process, speaks HTTP on loopback and writes below the state directory. Commands use it for
`--local`, tests use it for everything that talks to AWS.

The stages of a request: `wsgi_server` takes it. `door` asks who sends it. `application` tries faults, own handlers and
then moto, `wire` or `protocols` writes the answer. `process` starts and finds the server, for callers.
"""

from __future__ import annotations

from orchestrator.local.process import LocalAws, ensure_running, status, stop

__all__ = ["LocalAws", "ensure_running", "status", "stop"]
