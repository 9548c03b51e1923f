"""Every command, option, file and document that a text names is there, where the text is read."""

from __future__ import annotations

import pytest

from tests.named_texts import VALUE, NamingText, all_texts, python_texts, wheel_files
from tests.named_things import help_problems, problems_of


def test_every_text_names_what_there_is() -> None:
    assert [problem for text in all_texts() for problem in problems_of(text)] == []


def test_a_help_names_options_of_its_command_or_of_the_one_that_it_names() -> None:
    assert list(help_problems()) == []


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("Run `orchestrator warmup dev`.", "no command warmup"),
        ("`orchestrator lifecycle undo NAME` brings it back.", "orchestrator lifecycle has no command undo"),
        (f"Store it: orchestrator secret put {VALUE} {VALUE}", "orchestrator secret has no command put"),
        (f"Next: orchestrator pln {VALUE}", "no command pln"),
        ("`orchestrator plan dev --adopted` shows it.", "orchestrator plan has no option --adopted"),
        (f"`orchestrator apply {VALUE} --adpot{VALUE}`", "no option --adpot"),
        ("`apply --plann FILE`", "orchestrator apply has no option --plann"),
        ("`orchestrator manifests dev --for kyvrno`", "kyvrno is none of"),
        ("Write it or use --locale.", "no command has the option --locale"),
        ("`--forced` does it.", "no command has the option --forced"),
        ("Use `orchestrate --all`.", "names no program"),
        ("`orchestrator docs limit-list` has them.", "There is no document limit-list"),
        ("docs/limits.md has them.", "printed by `orchestrator docs limits.md`"),
        ("See docs/nothing.md.", "there is no docs/nothing.md"),
        ("See nothing-at-all.md.", "there is no nothing-at-all.md"),
        ("modules/warmer/main.tf makes it.", "there is no modules/warmer/main.tf"),
        ("Run scripts/demo.py first.", "not where only the wheel is installed"),
        ("Run `make demo`.", "needs a checkout"),
        ("Run `python -m scripts.demo` first.", "needs a checkout"),
        ('Install it: pip install "orchestrator[locl]"', "no extra locl"),
    ],
)
def test_what_is_not_there_is_found(content: str, named: str) -> None:
    found = list(problems_of(NamingText("orchestrator/errors.py", 7, content, shipped=True)))
    assert len(found) == 1
    assert found[0].startswith("orchestrator/errors.py:7: ")
    assert named in found[0]


@pytest.mark.parametrize(
    "content",
    [
        "Run `orchestrator plan NAME --out FILE`, and `apply --plan FILE` applies it.",
        f"`orchestrator apply {VALUE} --adopt{VALUE}` takes it over.",
        "The orchestrator looks before each plan.",
        "Install orchestrator again.",
        "`kubectl apply --server-side` does it, and so does helm with --post-renderer.",
        "`orchestrator plan|apply|destroy NAME`",
        "environments/dev.tfvars says it; environments/prod.tfvars, too.",
        "https://example.com/docs/nothing.md says it.",
        "modules/ecr makes the repository.",
        "`orchestrator docs limits` has them.",
    ],
)
def test_what_is_there_is_no_problem(content: str) -> None:
    assert list(problems_of(NamingText("orchestrator/errors.py", 1, content, shipped=True))) == []


def test_a_document_of_the_repository_may_name_the_checkout() -> None:
    content = "\n\n`make demo` and `python -m scripts.demo` show it; docs/limits.md has limits.\n`make demos` does not."
    assert list(problems_of(NamingText("README.md", 1, content, shipped=False))) == [
        "README.md:4: make has no target demos"
    ]


def test_strings_are_put_together_as_python_does() -> None:
    source = 'x = f"Run `orchestrator "\n\n\ndef f(name):\n    """docs/x.md"""\n    g(f"`orchestrator {name} " "--a`" + f" {h(\'b c\')} d")\n'
    assert [(text.line, text.content, text.shipped) for text in python_texts(source, "a.py")] == [
        (1, "Run `orchestrator ", True),
        (5, "docs/x.md", False),
        (6, f"`orchestrator {VALUE} --a` {VALUE} d", True),
    ]


def test_the_documents_are_in_the_wheel() -> None:
    assert {
        "docs/limits.md",
        "docs/deployer-policy.json",
        "docs/guide/zero-egress.md",
        "modules/ecr/main.tf",
    } <= wheel_files()
    assert not any(name.startswith(("tests/", "scripts/")) for name in wheel_files())
