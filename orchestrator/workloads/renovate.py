"""The route table -> what keeps Renovate finding new versions at the upstreams after references were rewritten to ECR."""

from __future__ import annotations

import re
from typing import Any

from orchestrator.routes.table import RouteTable
from orchestrator.routes.upstreams import ecr_registry


def renovate_settings(table: RouteTable) -> dict[str, Any]:
    """{"registryAliases": {"<ECR>/docker-hub": "docker.io"}}: what stands in files, and where Renovate looks it up.

    Renovate takes the first alias that an image begins with, so that the longest stand first. `hostRules` name a login of
    Renovate's own secrets for each upstream that ECR logs in to as well.

    https://docs.renovatebot.com/configuration-options/#registryaliases and #hostrules
    """
    aliases = {}
    for route in sorted(table.routes, key=lambda route: (-len(route.prefix), route.prefix)):
        upstream = route.upstream
        for host in table.own_hosts:
            name = f"{host}/{route.prefix}" if route.prefix else host
            aliases[name] = str(upstream)
    rules = {
        route.upstream.registry: {
            "hostType": "docker",
            "matchHost": route.upstream.registry,
            "username": f"{{{{ secrets.{_secret(route.name)}_USERNAME }}}}",
            "password": f"{{{{ secrets.{_secret(route.name)}_TOKEN }}}}",
        }
        for route in sorted(table.routes, key=lambda route: route.prefix, reverse=True)
        if route.credentials and ecr_registry(route.upstream.registry) is None
    }
    return {"registryAliases": aliases, "hostRules": [rules[host] for host in sorted(rules)]}


def _secret(name: str) -> str:
    """A name as Renovate's secrets have: `docker-hub` -> `DOCKER_HUB`."""
    return re.sub(r"[^A-Z0-9]+", "_", name.upper())
