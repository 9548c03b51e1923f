"""Scopes say exactly what the table says, at every name and not only at the keys."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.routes.scopes import needs_more, on_nodes, scopes
from orchestrator.routes.source import Source, covers
from orchestrator.routes.table import CachePlace, Redirected, Route, RouteTable

HOST = "111122223333.dkr.ecr.us-east-1.amazonaws.com"
PARTS = st.lists(st.sampled_from(["a", "b", "library"]), max_size=3).map("/".join)
SOURCES = st.builds(Source, st.sampled_from(["docker.io", "quay.io"]), PARTS)


@st.composite
def tables(draw: st.DrawFn) -> RouteTable:
    routed = draw(st.lists(SOURCES, max_size=4, unique=True))
    routes = tuple(
        Route(f"p{index}", source, draw(st.sampled_from(["pull-through", "mirror"])))
        for index, source in enumerate(sorted(routed))
    )
    return RouteTable(
        registry_host=HOST,
        own_hosts=(HOST,),
        routes=routes,
        includes=tuple(sorted(draw(st.sets(SOURCES, max_size=3)))),
        excludes=tuple(sorted(draw(st.sets(SOURCES, max_size=3)))),
        digest_references="redirect",
        allow_upstream=True,
    )


@given(tables(), st.sampled_from(["docker.io", "quay.io"]), PARTS.filter(bool))
def test_the_longest_scope_gives_the_tables_answer(table: RouteTable, registry: str, path: str) -> None:
    answer = table.redirect(f"{registry}/x/{path}:1")
    name = Source(registry, f"x/{path}")
    covering = [scope for scope in scopes(table) if covers(scope.source, name)]
    scope = max(covering, key=lambda found: len(found.source.path), default=None)
    if scope is None or not scope.redirected:
        assert not isinstance(answer, Redirected)
    else:
        below = name.path[len(scope.source.path) :].lstrip("/")
        assert isinstance(answer, Redirected)
        assert answer.target == f"{HOST}/{scope.repository}/{below}:1"


@given(tables(), st.sampled_from(["docker.io", "quay.io"]), PARTS.filter(lambda path: "/" in path))
def test_paths_below_keys_agree_too(table: RouteTable, registry: str, path: str) -> None:
    answer = table.redirect(f"{registry}/{path}/app:1")
    name = Source(registry, f"{path}/app")
    covering = [scope for scope in scopes(table) if covers(scope.source, name)]
    scope = max(covering, key=lambda found: len(found.source.path), default=None)
    expected = None
    if scope is not None and scope.redirected:
        expected = f"{HOST}/{scope.repository}/{name.path[len(scope.source.path) :].lstrip('/')}:1"
    assert (answer.target if isinstance(answer, Redirected) else None) == expected


@given(tables(), st.sampled_from(["docker.io", "quay.io"]), PARTS.filter(bool))
def test_the_way_back_from_ecr_ends_where_the_image_came_from(table: RouteTable, registry: str, path: str) -> None:
    place = table.decide(Source(registry, f"x/{path}"))
    if isinstance(place, CachePlace):
        assert table.upstream_of(place.repository) == f"{registry}/x/{path}"


@given(tables())
def test_no_scope_repeats_the_next_wider_one(table: RouteTable) -> None:
    found = scopes(table)
    for scope in found:
        wider = [other for other in found if other is not scope and covers(other.source, scope.source)]
        nearest = max(wider, key=lambda other: len(other.source.path), default=None)
        assert scope.route is not (nearest.route if nearest else None)


def test_nodes_see_the_aliases_that_dockers_parser_leaves_alone() -> None:
    table = RouteTable(HOST, (HOST,), (Route("hub", Source("docker.io"), "pull-through"),), (), (), "leave", True)
    assert [str(scope.source) for scope in on_nodes(scopes(table))] == ["docker.io", "registry-1.docker.io"]


def test_a_stripped_source_is_no_image_itself() -> None:
    upstream = Source("444455556666.dkr.ecr.us-east-1.amazonaws.com", "team")
    table = RouteTable(HOST, (HOST,), (Route("shared", upstream, "pull-through", "team"),), (), (), "leave", True)
    (scope,) = scopes(table)
    assert scope.repository == "shared"
    assert needs_more(scope)
    assert table.upstream_of("shared/app") == f"{upstream}/app"
    assert table.upstream_of("sharedby/app") == ""
