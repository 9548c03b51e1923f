"""The route table -> what keeps Renovate finding new versions at the upstreams after references were rewritten to ECR."""

from __future__ import annotations

from typing import Any

from orchestrator.routes.table import RouteTable


def renovate_settings(table: RouteTable) -> dict[str, Any]:
    """{"registryAliases": {"<ECR>/docker-hub": "docker.io"}}: what stands in files, and where Renovate looks it up.

    Renovate takes the first alias that an image begins with, so that the longest stand first.
    """
    aliases = {}
    for route in sorted(table.routes, key=lambda route: (-len(route.prefix), route.prefix)):
        upstream = route.upstream
        for host in table.own_hosts:
            name = f"{host}/{route.prefix}" if route.prefix else host
            aliases[name] = str(upstream)
    return {"registryAliases": aliases}
