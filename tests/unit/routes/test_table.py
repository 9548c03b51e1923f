"""The route table: the conformance table, properties, a naive model of the rule, and what building it refuses."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.checks.check import check_environment
from orchestrator.environment.tfvars import parse_tfvars
from orchestrator.errors import RefusedInput
from orchestrator.routes.build import build_route_table
from orchestrator.routes.reference import parse_reference
from orchestrator.routes.source import InvalidSource, Source, parse_source
from orchestrator.routes.table import Redirected, Refused, Unchanged
from orchestrator.routes.upstreams import PrivateRegistry
from tests.references_table import CASES, ENVIRONMENTS, OWN, S256, Case, environment, tfvars

# A busy machine makes an example slow, not wrong.
relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

TABLES = {name: build_route_table(environment(name)) for name in ENVIRONMENTS}


@dataclass(frozen=True)
class Rule:
    upstream_registry_url: str
    upstream_repository_prefix: str | None = None
    source: str | None = None
    secret_name: str | None = None
    credential_arn: str | None = None
    custom_role_arn: str | None = None


@dataclass(frozen=True)
class Mirror:
    source: str


@dataclass(frozen=True)
class Settings:
    pull_through_cache_rules: Mapping[str, Rule] = field(default_factory=dict)
    mirrors: Mapping[str, Mirror] = field(default_factory=dict)
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    allow_upstream: bool = True
    digest_references: str | None = None
    registry: PrivateRegistry = field(default_factory=lambda: PrivateRegistry("123456789012", "us-east-1"))
    platform: str = "eks"
    account_id: str = "123456789012"
    aws_region: str = "us-east-1"
    create_vpc_endpoints: bool = False
    endpoint_registry_account_ids: tuple[str, ...] = ()


# The conformance table ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_environments_of_the_conformance_table_are_valid(name: str) -> None:
    assert check_environment(name, [parse_tfvars(tfvars(name), f"{name}.tfvars")]).problems == ()


def test_the_conformance_table_has_hundreds_of_references_with_names_of_their_own() -> None:
    assert len({case.reference for case in CASES}) >= 420
    assert max(Counter(str(case) for case in CASES).values()) == 1
    answers = Counter((case.kind, case.reason) for case in CASES)
    assert len(answers) == 7
    assert min(answers.values()) >= 10


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_table_answers(case: Case) -> None:
    table = TABLES[case.environment]
    answer = table.redirect(case.reference)
    match answer:
        case Redirected(target, route):
            assert (case.kind, target) == ("redirected", case.target)
            assert route in table.routes
            assert table.redirect(target) == Unchanged("own")
        case Unchanged(reason, route):
            assert (case.kind, reason) == ("unchanged", case.reason)
            assert (route is not None) == (reason == "digest")
        case Refused(reason, detail, remedy):
            assert (case.kind, reason) == ("refused", case.reason)
            assert detail
            assert remedy
    if case.reason != "syntax":
        assert table.redirect(parse_reference(case.reference)) == answer


# A naive model: the rule, read aloud --------------------------------------------------------------------------------

REGISTRIES = ["docker.io", "quay.io", "gcr.io", "registry.k8s.io"]
WRITTEN = {
    "docker.io": ["", "docker.io/", "index.docker.io/", "registry-1.docker.io/"],
    "registry.k8s.io": ["registry.k8s.io/", "k8s.gcr.io/"],
    "quay.io": ["quay.io/"],
    "gcr.io": ["gcr.io/"],
    "quay.io:443": ["quay.io:443/"],
    "own": [f"{OWN}/", "123456789012.dkr-ecr.us-east-1.on.aws/"],
}
URLS = {"docker.io": "registry-1.docker.io", "quay.io": "quay.io", "registry.k8s.io": "registry.k8s.io"}

words = st.sampled_from(["a", "b", "ab", "library", "x" * 130])
source_paths = st.lists(words.filter(lambda word: len(word) < 100), max_size=3).map(tuple)
sources = st.tuples(st.sampled_from(REGISTRIES), source_paths)


@dataclass(frozen=True)
class World:
    """Sources as (registry, components): {source: (prefix, kind)}, excludes, includes, and whether digests are left."""

    routes: dict[tuple[str, tuple[str, ...]], tuple[str, str]]
    excludes: frozenset[tuple[str, tuple[str, ...]]]
    includes: frozenset[tuple[str, tuple[str, ...]]]
    leave: bool

    def settings(self, shuffle: random.Random | None = None) -> Settings:
        """The same as an environment; the order of everything is shuffled where asked."""
        items = list(self.routes.items())
        lists = [["/".join((r, *p)) for r, p in sorted(entries)] for entries in (self.includes, self.excludes)]
        if shuffle:
            shuffle.shuffle(items)
            for entries in lists:
                shuffle.shuffle(entries)
        return Settings(
            {p: Rule(URLS[s[0]], source="/".join((s[0], *s[1]))) for s, (p, kind) in items if kind == "pull-through"},
            {p: Mirror("/".join((s[0], *s[1]))) for s, (p, kind) in items if kind == "mirror"},
            tuple(lists[0]),
            tuple(lists[1]),
            digest_references="leave" if self.leave else "redirect",
        )

    def answer(self, registry: str, components: tuple[str, ...], suffix: str) -> tuple[str, str | None]:
        if registry == "own":
            return "own", None

        def holds(source: tuple[str, tuple[str, ...]]) -> bool:
            return source[0] == registry and components[: len(source[1])] == source[1]

        if self.includes and not any(holds(source) for source in self.includes):
            return "excluded", None
        matching = [(len(source[1]), "exclude" if source in self.excludes else "route", source)
                    for source in {*self.routes, *self.excludes} if holds(source)]  # fmt: skip
        if not matching:
            return "no route", None
        _, what, source = max(matching)
        if what == "exclude":
            return "excluded", None
        prefix, kind = self.routes[source]
        repository = "/".join(components if prefix == "ROOT" else (prefix, *components))
        if len(repository) > 255:
            return "name", None
        if "@" in suffix and kind == "pull-through" and self.leave:
            return "digest", None
        return "redirected", f"{OWN}/{repository}{suffix}"


@st.composite
def worlds(draw: st.DrawFn) -> World:
    found = draw(st.lists(sources, max_size=6, unique=True))
    routes = {}
    for index, source in enumerate(found):
        kind = draw(st.sampled_from(["pull-through", "mirror"])) if source[0] in URLS else "mirror"
        prefix = "ROOT" if index == 0 and kind == "pull-through" and draw(st.booleans()) else f"p{index}"
        routes[source] = (prefix, kind)
    excludes = draw(st.frozensets(sources | st.sampled_from(found) if found else sources, max_size=4))
    includes = draw(st.just(frozenset()) | st.frozensets(sources, max_size=3))
    return World(routes, excludes, includes, draw(st.booleans()))


references = st.tuples(
    st.sampled_from(list(WRITTEN)),
    st.lists(words, min_size=1, max_size=4).map(tuple).filter(lambda parts: len("/".join(parts)) <= 247),
    st.sampled_from(["", ":1", f"@{S256}", f":1@{S256}"]),
    st.integers(0, 3),
)


@relaxed
@given(worlds(), st.lists(references, min_size=1, max_size=12))
def test_the_table_and_a_naive_reading_of_the_rule_agree(
    world: World, asked: list[tuple[str, tuple[str, ...], str, int]]
) -> None:
    table = build_route_table(world.settings())
    for registry, parts, suffix, spelling in asked:
        text = WRITTEN[registry][spelling % len(WRITTEN[registry])] + "/".join(parts) + suffix
        components = ("library", *parts) if registry == "docker.io" and len(parts) == 1 else parts
        answer = table.redirect(text)
        got = ("redirected", answer.target) if isinstance(answer, Redirected) else (answer.reason, None)
        assert got == world.answer(registry, components, suffix), text


@relaxed
@given(worlds(), st.lists(references, max_size=6), st.randoms(use_true_random=False))
def test_no_answer_depends_on_the_order_in_the_file(
    world: World, asked: list[tuple[str, tuple[str, ...], str, int]], shuffle: random.Random
) -> None:
    one, other = build_route_table(world.settings()), build_route_table(world.settings(shuffle))
    assert one == other
    for registry, parts, suffix, _ in asked:
        text = WRITTEN[registry][0] + "/".join(parts) + suffix
        assert one.redirect(text) == other.redirect(text)


@relaxed
@given(worlds(), references)
def test_redirecting_twice_is_redirecting_once(world: World, asked: tuple[str, tuple[str, ...], str, int]) -> None:
    table = build_route_table(world.settings())
    registry, parts, suffix, spelling = asked
    answer = table.redirect(WRITTEN[registry][spelling % len(WRITTEN[registry])] + "/".join(parts) + suffix)
    if isinstance(answer, Redirected):
        assert table.redirect(answer.target) == Unchanged("own")


@relaxed
@given(st.text())
def test_no_text_breaks_the_table(text: str) -> None:
    assert isinstance(TABLES["standard"].redirect(text), Redirected | Unchanged | Refused)


# Building -------------------------------------------------------------------------------------------------------------


def test_a_slash_after_a_prefix_is_the_one_that_ecr_assumes() -> None:
    table = build_route_table(Settings({"quay/": Rule("quay.io")}))
    assert table.redirect("quay.io/a:1") == Redirected(f"{OWN}/quay/a:1", table.routes[0])


def test_root_as_upstream_prefix_is_none() -> None:
    host = "210987654321.dkr.ecr.us-east-1.amazonaws.com"
    table = build_route_table(Settings({"shared": Rule(host, upstream_repository_prefix="ROOT")}))
    assert table.redirect(f"{host}/a/b:1") == Redirected(f"{OWN}/shared/a/b:1", table.routes[0])


def test_a_source_below_the_upstream_prefix_narrows_the_route_and_the_prefix_is_still_taken_off() -> None:
    host = "210987654321.dkr.ecr.us-east-1.amazonaws.com"
    rule = Rule(host, upstream_repository_prefix="team", source=f"{host}/team/web")
    table = build_route_table(Settings({"shared": rule}))
    assert table.redirect(f"{host}/team/web/front:1") == Redirected(f"{OWN}/shared/web/front:1", table.routes[0])
    assert table.redirect(f"{host}/team/api:1") == Unchanged("no route")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (Settings({"q": Rule("quay.io")}, {"m": Mirror("quay.io")}), "both claim quay.io"),
        (Settings(mirrors={"a": Mirror("docker.io/x"), "b": Mirror("index.docker.io/x")}), "both claim docker.io/x"),
        (Settings({"q": Rule("quay.io", source="ghcr.io/a")}), "is not below quay.io"),
        (
            Settings({"q": Rule("quay.io", upstream_repository_prefix="team", source="quay.io/teams")}),
            "not below quay.io/team",
        ),
        (Settings(mirrors={"m": Mirror("quay.io/*")}), "is not a source"),
        (Settings(exclude=("nginx",)), "is not a source"),
    ],
)
def test_routes_that_contradict_each_other_are_refused(settings: Settings, message: str) -> None:
    with pytest.raises(RefusedInput) as caught:
        build_route_table(settings)
    assert message in str(caught.value)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("quay.io", Source("quay.io")),
        ("docker.io/library", Source("docker.io", "library")),
        ("docker.io/nginx", Source("docker.io", "nginx")),
        ("index.docker.io/a/b", Source("docker.io", "a/b")),
        ("registry-1.docker.io", Source("docker.io")),
        ("k8s.gcr.io/pause", Source("registry.k8s.io", "pause")),
        ("localhost", Source("localhost")),
        ("localhost:5000/a", Source("localhost:5000", "a")),
        ("[::1]:5000", Source("[::1]:5000")),
        ("[2001:db8::1]", Source("[2001:db8::1]")),
        ("localhost:65535", Source("localhost:65535")),
        ("REG/a", Source("REG", "a")),
        ("123456789012.dkr-ecr.us-east-1.on.aws/a", Source(OWN, "a")),
    ],
)
def test_a_source_is_a_registry_with_a_path_under_its_canonical_name(text: str, source: Source) -> None:
    assert parse_source(text) == source
    assert parse_source(str(source)) == source


@pytest.mark.parametrize(
    "text",
    [
        *("", "/", "nginx", "library/nginx", "quay.io/", "quay.io/A", "quay.io/a/", "quay.io//a", "quay.io/a:1"),
        *("quay.io/*", "*.example.com", "https://quay.io", "quay.io\n", "quay.io/a\n", "quay.io:"),
        *(f"quay.io/a@{S256}", "quay.io/" + "a" * 256),
        *("quay.io:0", "quay.io:65536/a", "[::1]:99999", "quay.io:" + "9" * 5000),
    ],
)
def test_what_is_no_source_is_refused_with_its_form(text: str) -> None:
    with pytest.raises(InvalidSource, match=r"registry\[/path\]"):
        parse_source(text)


# What generators and commands read --------------------------------------------------------------------------------------


def test_digests_are_left_where_the_source_can_be_reached_and_redirected_where_not() -> None:
    assert build_route_table(Settings()).digest_references == "leave"
    assert build_route_table(Settings(allow_upstream=False)).digest_references == "redirect"
    assert build_route_table(Settings(allow_upstream=False, digest_references="leave")).digest_references == "leave"
    assert build_route_table(Settings(digest_references="redirect")).digest_references == "redirect"


def test_routes_say_whether_their_rule_has_what_its_upstream_needs() -> None:
    ecr = "210987654321.dkr.ecr.us-east-1.amazonaws.com"
    near = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
    rules = {
        "bare": Rule("ghcr.io"),
        "secret": Rule("registry-1.docker.io", secret_name="ecr-pullthroughcache/x"),
        "arn": Rule("cgr.dev", credential_arn="arn:aws:secretsmanager:us-east-1:123456789012:secret:x"),
        "open": Rule("quay.io"),
        "far": Rule(ecr),
        "role": Rule(ecr, custom_role_arn="arn:aws:iam::123456789012:role/x", source=f"{ecr}/role"),
        "near": Rule(near),
    }
    found = {route.prefix: route.credentials for route in build_route_table(Settings(rules)).routes}
    expected = {"bare": False, "secret": True, "arn": True, "open": None, "far": False, "role": True, "near": None}
    assert found == expected


def test_aliases_name_every_other_host_of_the_registries_in_the_table() -> None:
    shared = "210987654321.dkr.ecr.us-east-1.amazonaws.com"
    aliases = build_route_table(Settings({"shared": Rule(shared)})).aliases
    assert aliases["index.docker.io"] == "docker.io"
    assert aliases["210987654321.dkr-ecr.us-east-1.on.aws"] == shared
    assert shared not in aliases
