"""Scopes, read as every generator reads them, give the table's answer for the whole conformance table and for random ones."""

from __future__ import annotations

import re

import pytest

from orchestrator.manifests import grammar
from orchestrator.routes.build import build_route_table
from orchestrator.routes.reference import PATH_LIMIT
from orchestrator.routes.scopes import Scope, needs_more, scopes
from orchestrator.routes.source import Source, covers
from orchestrator.routes.table import Redirected, RouteTable
from tests import random_tables
from tests.references_table import CASES, ENVIRONMENTS, environment


def evaluate(table: RouteTable, found: tuple[Scope, ...], image: str) -> str:
    """The image to run, worked out as a policy does: patterns and scopes, without our parser."""
    # Python's $ and \\d know more than RE2's; the patterns have neither \\d nor a $ that matters before \\Z.
    if not re.fullmatch(grammar.REFERENCE[1:-1], image) or re.fullmatch(grammar.IDENTIFIER[1:-1], image):
        return image
    matched = re.match(grammar.NAME, image)
    assert matched is not None
    name = matched[0]
    full = name if re.match(grammar.HOSTED, name) else f"docker.io/{name}"
    host, _, path = full.partition("/")
    host = table.aliases.get(host, host)
    if host == "docker.io" and "/" not in path:
        path = f"library/{path}"
    covering = [scope for scope in found if covers(scope.source, Source(host, path))]
    scope = max(covering, key=lambda one: len(one.source.path), default=None)
    if scope is None or scope.route is None or len(path) > PATH_LIMIT:
        return image
    if "@" in image and table.digest_references == "leave" and scope.route.kind == "pull-through":
        return image
    below = path[len(scope.source.path) :].lstrip("/")
    if needs_more(scope) and not below:
        return image
    repository = "/".join(part for part in (scope.repository, below) if part)
    return image if len(repository) > grammar.ECR_LIMIT else f"{table.registry_host}/{repository}{image[len(name) :]}"


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_scopes_agree_with_the_conformance_table(name: str) -> None:
    table = build_route_table(environment(name))
    found = scopes(table)
    expected = {case.reference: case.image for case in CASES if case.environment == name}

    assert {one: evaluate(table, found, one) for one in expected} == expected


def test_scopes_agree_with_tables_that_nobody_thought_of() -> None:
    for seed in range(200):
        table = build_route_table(random_tables.environment(seed))
        found = scopes(table)
        for one in random_tables.references(seed, 40):
            answer = table.redirect(one)
            expected = answer.target if isinstance(answer, Redirected) else one
            assert evaluate(table, found, one) == expected, f"seed {seed}: {one}"
