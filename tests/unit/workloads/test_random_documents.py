"""Documents in random style: only images change, `--undo` gives the same bytes, `--reverse` the names that stood there."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.files.image_rewrite import propose
from orchestrator.files.rewrite_journal import undo, write
from orchestrator.routes.source import Source
from orchestrator.routes.table import Redirected, Route, RouteTable
from orchestrator.workloads.edits import backward, forward, rewrite
from orchestrator.workloads.find import find_images

HOST = "111122223333.dkr.ecr.us-east-1.amazonaws.com"
TABLE = RouteTable(
    HOST,
    (HOST,),
    (
        Route("hub", Source("docker.io"), "pull-through"),
        Route("quay", Source("quay.io"), "pull-through"),
        Route("gcr", Source("gcr.io"), "mirror"),
    ),
    (),
    (),
    "redirect",
    allow_upstream=False,
)
NAMES = ("nginx", "redis", "grafana/grafana", "quay.io/a/b", "gcr.io/x/y/z", "unknown.example/app", "localhost:5000/a")
SUFFIXES = ("", ":1.25", ":v2", "@sha256:" + "a" * 64, ":1@sha256:" + "b" * 64)
WORDS = ("plain", "ünïcode – ☃", "with: colon", "# no comment", "it's", 'say "x"', "yes", "1.10", "", "a/b:c", "$(X)")


@dataclass
class Page:
    """A text as it grows, with the images that it holds."""

    random: Random
    images: list[str] = field(default_factory=list)
    anchors: int = 0

    def image(self) -> str:
        reference = self.random.choice(NAMES) + self.random.choice(SUFFIXES)
        self.images.append(reference)
        return reference

    def comment(self) -> str:
        said = ("", "", "", '  # {"$imagepolicy": "a:b"}', " # renovate: image=nginx:1\tü", "\t# tab")
        return self.random.choice(said)

    def scalar(self, value: str, indent: str, *, flow: bool) -> str:
        """A value in one of the styles that can hold it."""
        styles = ["single", "double"]
        if value in NAMES or value.partition(":")[0].partition("@")[0] in NAMES or value.rpartition(":")[0] in NAMES:
            styles += ["plain", "plain"] + ([] if flow else ["literal", "folded"])
        match self.random.choice(styles):
            case "single":
                return "'" + value.replace("'", "''") + "'"
            case "double":
                return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
            case "literal":
                return f"|{self.random.choice(('', '-', '+'))}\n{indent}    {value}"
            case "folded":
                return f">{self.random.choice(('', '-'))} # folded\n\n{indent}  {value}"
            case _:
                return value

    def container(self, indent: str) -> Iterator[str]:
        name, other = self.random.choice(WORDS), self.random.choice(WORDS)
        if self.random.random() < 0.3:
            image = self.scalar(self.image(), indent, flow=True)
            yield f"{indent}- {{name: {self.scalar(name, indent, flow=True)}, image: {image} }}{self.comment()}"
            return
        anchor = ""
        if self.random.random() < 0.2:
            self.anchors += 1
            anchor = f"&a{self.anchors} "
        yield f"{indent}- name: {self.scalar(name, indent, flow=False)}"
        image = self.scalar(self.image(), indent + "  ", flow=False)
        ending = "" if image[:1] in "|>" else self.comment()
        key = self.random.choice(("image", '"image"', "'image'"))
        yield f"{indent}  {key}:{self.random.choice((' ', '   '))}{anchor}{image}{ending}"
        if anchor:
            yield f"{indent}- name: again\n{indent}  image: *a{self.anchors}"
        yield f"{indent}  note: {self.scalar(other, indent + '  ', flow=False)}"

    def document(self) -> Iterator[str]:
        yield self.random.choice(("", "# a comment with nginx:1.25\n")) + "apiVersion: v1\nkind: Pod"
        yield f"metadata:\n  annotations: {{note: {self.scalar(self.random.choice(WORDS), '', flow=True)}}}"
        yield "spec:\n  containers:" + self.comment()
        indent = self.random.choice(("  ", "    "))
        for _ in range(self.random.randint(1, 4)):
            yield from self.container(indent)
            if self.random.random() < 0.2:
                yield self.random.choice(("", "   ", "      # between"))

    def text(self) -> str:
        documents = ["\n".join(self.document()) for _ in range(self.random.randint(1, 3))]
        whole = self.random.choice(("---\n", "--- # next\n")).join(f"{document}\n" for document in documents)
        if self.random.random() < 0.2:
            whole = whole.rstrip("\n")
        return whole.replace("\n", "\r\n") if self.random.random() < 0.3 else whole


def page(seed: int) -> tuple[Page, str]:
    made = Page(Random(seed))
    return made, made.text()


def values(text: str) -> list[str]:
    """Every scalar as PyYAML reads it, in order; what an alias names comes again."""
    found: list[str] = []
    stack = list(yaml.compose_all(text, Loader=yaml.CSafeLoader))[::-1]
    while stack:
        node = stack.pop()
        if isinstance(node, yaml.ScalarNode):
            found.append(node.value)
        elif isinstance(node, yaml.SequenceNode):
            stack += reversed(node.value)
        elif isinstance(node, yaml.MappingNode):
            stack += reversed([one for pair in node.value for one in pair])
    return found


def sent(value: str) -> str:
    answer = TABLE.redirect(value.strip())
    return value.replace(value.strip(), answer.target) if isinstance(answer, Redirected) else value


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(min_value=0))
def test_a_rewrite_changes_images_alone_and_its_reverse_gives_the_same_text(seed: int) -> None:
    made, text = page(seed)
    found = find_images("pods.yaml", text)
    assert [place.reference for place in found.places] == made.images
    assert not found.unreadable
    changed = rewrite(found.places, forward(TABLE)).apply(text)
    images = set(made.images)
    before, after = values(text), values(changed)
    keys = [None, *before]
    assert after == [
        sent(value) if key == "image" and value.strip() in images else value
        for key, value in zip(keys, before, strict=False)
    ]
    again = find_images("pods.yaml", changed)
    assert not rewrite(again.places, forward(TABLE)).edits
    assert rewrite(again.places, backward(TABLE)).apply(changed) == text


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(min_value=0), min_size=1, max_size=12))
def test_an_undo_gives_the_same_bytes(seeds: list[int]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        contents = {}
        for index, seed in enumerate(seeds):
            text = page(seed)[1]
            encoding = ("utf-8", "utf-8-sig", "utf-16")[seed % 3]
            path = folder / "tree" / f"{index}.yaml"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(text.encode(encoding))
            contents[path] = path.read_bytes()
        proposal = propose([str(folder / "tree")], forward(TABLE))
        write(proposal.changes, folder / "state")
        assert {change.task.path for change in proposal.changes} == {
            path for path, data in contents.items() if path.read_bytes() != data
        }
        done = undo(folder / "state")
        assert not done.refused
        assert {path: path.read_bytes() for path in contents} == contents
