"""Image references: what Docker's grammar takes, what it refuses and why, and that printing gives back what was written."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from orchestrator.routes.reference import ImageReference, InvalidReference, parse_reference

# A busy machine makes an example slow, not wrong.
relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

A64, A96, A128 = "a" * 64, "b" * 96, "c" * 128

# Rows of name, text and the four parts: registry, repository, tag, digest.
GOOD = [
    ("one component", "nginx", "docker.io", "library/nginx", None, None),
    ("tag", "nginx:1.25", "docker.io", "library/nginx", "1.25", None),
    ("digest", f"nginx@sha256:{A64}", "docker.io", "library/nginx", None, f"sha256:{A64}"),
    ("tag and digest", f"nginx:1@sha256:{A64}", "docker.io", "library/nginx", "1", f"sha256:{A64}"),
    ("sha384", f"nginx@sha384:{A96}", "docker.io", "library/nginx", None, f"sha384:{A96}"),
    ("sha512", f"nginx@sha512:{A128}", "docker.io", "library/nginx", None, f"sha512:{A128}"),
    ("organisation", "grafana/loki:3", "docker.io", "grafana/loki", "3", None),
    ("docker.io", "docker.io/nginx", "docker.io", "library/nginx", None, None),
    ("index.docker.io", "index.docker.io/nginx", "docker.io", "library/nginx", None, None),
    (
        "registry-1.docker.io is another host to Docker",
        "registry-1.docker.io/a",
        "registry-1.docker.io",
        "a",
        None,
        None,
    ),
    ("host", "quay.io/a/b:1", "quay.io", "a/b", "1", None),
    ("host and port", "example.com:5000/a:1", "example.com:5000", "a", "1", None),
    ("localhost", "localhost/a", "localhost", "a", None, None),
    ("localhost and port", "localhost:5000/a:5000", "localhost:5000", "a", "5000", None),
    ("localhost is a name without slash", "localhost:5000", "docker.io", "library/localhost", "5000", None),
    ("IPv4", "127.0.0.1:5000/a", "127.0.0.1:5000", "a", None, None),
    ("IPv6", "[2001:db8::1]/a", "[2001:db8::1]", "a", None, None),
    ("IPv6 and port", "[::1]:5000/a:b", "[::1]:5000", "a", "b", None),
    ("capital makes a host", "Registry/a", "Registry", "a", None, None),
    ("underscore in a host", "my_host.example/a", "my_host.example", "a", None, None),
    ("separators", "a.b_c__d---e/f", "a.b_c__d---e", "f", None, None),
    ("tag of 128", "a:" + "t" * 128, "docker.io", "library/a", "t" * 128, None),
    ("path of 255", "quay.io/" + "a" * 255, "quay.io", "a" * 255, None, None),
    ("63 hexadecimal digits", "a" * 63, "docker.io", "library/" + "a" * 63, None, None),
]

# Rows of name, text and a piece of the reason.
BAD = [
    ("empty", "", "empty"),
    ("image ID", A64, "image's ID"),
    ("line end", "nginx\n", "white space or a line end"),
    ("line end after a digest", f"nginx@sha256:{A64}\n", "white space or a line end"),
    ("scheme", "https://quay.io/a/b", "scheme"),
    ("upper case", "quay.io/Org/app", "lower case"),
    ("no repository", "quay.io/", "no repository"),
    ("digest alone", f"@sha256:{A64}", "no repository"),
    ("empty component", "quay.io/a//b", "between slashes is empty"),
    ("empty tag", "nginx:", "A tag has 1 to 128"),
    ("long tag", "nginx:" + "t" * 129, "A tag has 1 to 128"),
    ("Arabic digits in a tag", "nginx:\u0661", "A tag has 1 to 128"),
    ("short digest", "nginx@sha256:abc", "64 hexadecimal digits"),
    ("upper case digest", f"nginx@sha256:{A64.upper()}", "lower case"),
    ("unknown algorithm", "nginx@sha1:" + "a" * 40, "not a digest algorithm"),
    ("bad host", "-quay.io/a", "is no registry"),
    ("bad port", "quay.io:x/a", "is no registry"),
    ("dots", "a..b", "malformed"),
    ("path of 256", "quay.io/" + "a" * 256, "longer than 255"),
    ("library counts", "a" * 248, "longer than 255"),
    ("an underscored host counts", "my_host.example/" + "a" * 240, "longer than 255"),
]


@pytest.mark.parametrize(
    ("text", "registry", "repository", "tag", "digest"), [r[1:] for r in GOOD], ids=[r[0] for r in GOOD]
)
def test_a_reference_is_taken_apart_as_docker_does(
    text: str, registry: str, repository: str, tag: str | None, digest: str | None
) -> None:
    reference = parse_reference(text)
    assert (reference.registry, reference.repository, reference.tag, reference.digest) == (
        registry,
        repository,
        tag,
        digest,
    )
    assert str(reference) == text


@pytest.mark.parametrize(("text", "reason"), [r[1:] for r in BAD], ids=[r[0] for r in BAD])
def test_what_docker_refuses_is_refused_with_the_reason_and_a_remedy(text: str, reason: str) -> None:
    with pytest.raises(InvalidReference) as caught:
        parse_reference(text)
    assert reason in f"{caught.value.why} {caught.value.remedy}"
    assert caught.value.remedy
    assert caught.value.exit_code == 2


def test_parts_are_kept_as_they_were_written() -> None:
    assert parse_reference("index.docker.io/nginx:1") == ImageReference("index.docker.io", "nginx", "1")
    assert parse_reference("nginx") == ImageReference(None, "nginx")


def test_the_message_of_a_long_text_is_short_and_cannot_move_a_cursor() -> None:
    with pytest.raises(InvalidReference) as caught:
        parse_reference("\x1b[2Jn\u00e4inx" + "x" * 5000)
    message = str(caught.value)
    assert len(message) < 1000
    assert message.isascii()
    assert message.isprintable()


@pytest.mark.parametrize(
    "text", ["a-" * 500_000, "a" * 1_000_000, "quay.io/" + "a/" * 500_000, "a:" * 500_000, "[" + ":" * 999_999]
)
def test_a_megabyte_of_nonsense_is_refused_in_linear_time(text: str) -> None:
    with pytest.raises(InvalidReference):
        parse_reference(text)


components = st.from_regex(r"[a-z0-9]{1,5}((\.|_|__|-{1,3})[a-z0-9]{1,4}){0,2}", fullmatch=True)
paths = st.lists(components, min_size=1, max_size=5).map("/".join)
domains = st.one_of(
    st.none(),
    st.sampled_from(
        ["docker.io", "index.docker.io", "quay.io", "localhost", "localhost:5000", "[::1]:5000", "FOO", "a-b.C:1"]
    ),
    st.from_regex(r"[a-zA-Z0-9]{1,6}\.[a-zA-Z0-9]{1,6}(:[0-9]{1,5})?", fullmatch=True),
)
tags = st.none() | st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,30}", fullmatch=True)
digests = st.none() | st.sampled_from([f"sha256:{A64}", f"sha384:{A96}", f"sha512:{A128}"])


@relaxed
@given(domains, paths, tags, digests)
def test_parsing_takes_apart_what_printing_put_together(
    domain: str | None, path: str, tag: str | None, digest: str | None
) -> None:
    first = path.partition("/")[0]
    assume(domain is not None or not ("/" in path and ("." in first or first == "localhost")))
    written = ImageReference(domain, path, tag, digest)
    assume(re.fullmatch("[0-9a-f]{64}", str(written)) is None)
    assert parse_reference(str(written)) == written


# distribution/reference v0.6.0 as its own source writes it: one expression over the whole text. Python's `$` and `\w`
# mean other things than Go's, hence \Z and ASCII.
_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[(?:[a-fA-F0-9:]+)\])(?::[0-9]+)?"
_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*"
_NAME = rf"(?:({_HOST})/)?({_COMPONENT}(?:/{_COMPONENT})*)"
_DIGEST = r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*[:][0-9a-fA-F]{32,}"
_REFERENCE = re.compile(rf"{_NAME}(?::([\w][\w.-]{{0,127}}))?(?:@({_DIGEST}))?\Z", re.ASCII)


def attempt(text: str) -> tuple[ImageReference | None, InvalidReference | None]:
    try:
        return parse_reference(text), None
    except InvalidReference as error:
        return None, error


def model(text: str) -> tuple[str, str, str | None, str | None] | None:
    """(registry, repository, tag, digest) by that expression, or None when it refuses: slow, and nothing like ours."""
    if re.match(r"[a-f0-9]{64}\Z", text):
        return None
    head, slash, rest = text.partition("/")
    if not slash:
        domain, remainder = "docker.io", "library/" + text
    elif head == "index.docker.io":
        domain, remainder = "docker.io", rest
    elif head == "localhost" or "." in head or ":" in head or head.lower() != head:
        domain, remainder = head, rest
    else:
        domain, remainder = "docker.io", text
    if domain == "docker.io" and "/" not in remainder:
        remainder = "library/" + remainder
    match = _REFERENCE.match(f"{domain}/{remainder}")
    if match is None or len(match[2]) > 255:
        return None
    if match[4] is not None:
        algorithm, _, encoded = match[4].partition(":")
        digits = {"sha256": 64, "sha384": 96, "sha512": 128}.get(algorithm)
        if digits != len(encoded) or not re.match(r"[a-f0-9]+\Z", encoded):
            return None
    if match[1] is None:
        registry, _, repository = match[2].partition("/")
        return registry, repository, match[3], match[4]
    return match[1], match[2], match[3], match[4]


pieces = st.sampled_from(
    [
        *"aZ0.-_:/@[]",
        *("\n", " ", "\u0661", "nginx", "__", "---", ":1", ":v", "a" * 64, "x" * 120, "t" * 128),
        *("docker.io/", "index.docker.io/", "localhost", "localhost:5000/", "quay.io/", "library/"),
        *("a_b.c/", "my__h.x/", "[::1]", "[AB]/"),
        *(f"@sha256:{A64}", f"@sha512:{A128}", f"@SHA256:{A64}", "@sha1:" + "a" * 40, f"@sha256:{A64.upper()}"),
    ]
)


@relaxed
@given(st.lists(pieces, max_size=7).map("".join))
@example("a_b.c/x:1")
@example(A64)
def test_our_parser_and_the_expression_of_distribution_agree(text: str) -> None:
    reference, error = attempt(text)
    if reference is None:
        assert model(text) is None
        assert error is not None
        assert error.why
        assert error.remedy
    else:
        assert (reference.registry, reference.repository, reference.tag, reference.digest) == model(text)
        assert str(reference) == text


@relaxed
@given(st.text())
def test_no_text_breaks_the_parser(text: str) -> None:
    reference, _ = attempt(text)
    assert reference is None or str(reference) == text
