"""Reading tfvars: values as Terraform reads them, a line for every value, and a refusal for what is no value."""

from __future__ import annotations

import subprocess
import sys

import pytest

from orchestrator.environment.tfvars import InvalidTfvars, dotted, merge, parse_tfvars
from orchestrator.errors import Location


def read(text: str) -> dict[str, object]:
    return dict(parse_tfvars(text, "dev.tfvars").values)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('a = "x"', "x"),
        ("a = 5", 5),
        ("a = -5", -5),
        ("a = - 5", -5),
        ("a = 1.50", 1.5),
        ("a = 1e3", 1000),
        ("a = 2E-2", 0.02),
        ("a = [1e3, -1.5e+2]", [1000, -150]),
        ("a = 12345678901234567890", 12345678901234567890),
        ("a = true", True),
        ("a = null", None),
        ("a = []", []),
        ("a = {}", {}),
        ('a = [1, "b", null,]', [1, "b", None]),
        ('a = { b = 1, "c d" : 2, e : 3 }', {"b": 1, "c d": 2, "e": 3}),
        ('a = { "k:v" = 1, "k=v" = 2, "x/y" = 3 }', {"k:v": 1, "k=v": 2, "x/y": 3}),
        ("a = { 1 = 2, true = 3, d-e = 4, é = 5 }", {"1": 2, "true": 3, "d-e": 4, "é": 5}),
        ('a = { "\\u00e9" = 1, "$${x}" = 2 }', {"é": 1, "${x}": 2}),
        ('a = "x\\n\\u00e9\\"\\\\ $${y} %%{z} $ %"', 'x\né"\\ ${y} %{z} $ %'),
        ('a = "# no comment // /* */ <<EOT"', "# no comment // /* */ <<EOT"),
        ("a = <<EOT\nfoo\n  bar # kept\nEOT\n", "foo\n  bar # kept\n"),
        ("a = <<-EOT\n    foo\n      $${bar}\n    EOT\n", "foo\n  ${bar}\n"),
        ("# c\n// d\n/* e\n */ a = 1 # f", 1),
        ("a = [ # c\n  1, // d\n  /* e */ 2\n]", [1, 2]),
        ("a = {\n  b = { c = [{ d = 1 }] }\n}\n", {"b": {"c": [{"d": 1}]}}),
        ("\ufeffa = 1\r\n", 1),
        ('a = "漢😀"', "漢😀"),
    ],
)
def test_a_value_is_read_as_terraform_reads_it(text: str, value: object) -> None:
    assert read(text) == {"a": value}


def test_an_empty_file_sets_nothing() -> None:
    assert read("") == {}
    assert read("# only a comment\n") == {}


def test_every_nested_value_has_its_line() -> None:
    text = 'a = 1\r\n\r\nb = {\r\n  "x y" = [\r\n    "one", # c\r\n    { c = 2 }\r\n  ]\r\n}\r\nc = <<EOT\r\nt\r\nEOT\r\nd = 1\r\n'
    lines = {dotted(path): where.line for path, where in parse_tfvars(text, "dev.tfvars").locations.items()}
    assert lines == {
        "a": 1,
        "b": 3,
        'b["x y"]': 4,
        'b["x y"][0]': 5,
        'b["x y"][1]': 6,
        'b["x y"][1].c': 6,
        "c": 9,
        "d": 12,
    }


def test_a_value_that_is_not_written_is_found_at_what_is_around_it() -> None:
    tfvars = parse_tfvars("a = 1\nb = {\n  c = {}\n}", "dev.tfvars")
    assert tfvars.where(("b", "c", "missing")) == Location("dev.tfvars", 3)
    assert tfvars.where(("missing",)) == Location("dev.tfvars")


def test_a_later_file_replaces_a_variable_whole() -> None:
    common = parse_tfvars('tags = { a = 1 }\nname = "common"\nkept = true', "common.tfvars")
    dev = parse_tfvars('\n\ntags = { b = 2.50 }\nname = "dev"', "dev.tfvars")
    merged = merge([common, dev])
    assert merged.values == {"tags": {"b": 2.5}, "name": "dev", "kept": True}
    assert merged.where(("tags", "b")) == Location("dev.tfvars", 3)
    assert merged.where(("kept",)) == Location("common.tfvars", 3)
    assert ("tags", "a") not in merged.locations
    assert merged.numbers == {("tags", "b"): "2.50"}


REFUSED = [
    ("an unquoted word", "x = 1\nplatform = eks", 2, ["platform", "`eks`", 'Write "eks"']),
    ("a variable", 'a = "x"\nb = var.a', 2, ["b is a reference", "`var.a`", "Write the value"]),
    ("a function", 'a = [\n  "x",\n  upper("y"),\n]', 3, ["a[1] is a function call", '`upper("y")`']),
    ("a sum", "a = 1 + 1", 1, ["an operator", "`1 + 1`"]),
    ("a negated bool", "a = !true", 1, ["an operator", "`!true`"]),
    ("a negated group", "a = -(5)", 1, ["an operator"]),
    ("parentheses", "a = (5)", 1, ["parentheses", "`(5)`"]),
    ("a conditional", "a = {\n  b = true ? 1 : 2\n}", 2, ["a.b is a conditional"]),
    ("a for expression", 'a = [for x in ["b"] : x]', 1, ["a for expression"]),
    ("a for object", 'a = { for x in ["b"] : x => x }', 1, ["a for expression"]),
    ("an index", 'a = ["x"][0]', 1, ["an index"]),
    ("an interpolation", 'a = "x"\nb = "y-${a}"', 2, ["an interpolation", "`${a}`", "$${"]),
    ("an interpolated literal", 'a = "${"x"}"', 1, ["an interpolation"]),
    ("an interpolation in a heredoc", "a = <<EOT\nx\n${b}\nEOT\n", 3, ["an interpolation"]),
    ("a directive", 'a = "%{if true}x%{endif}"', 1, ["a template directive", "%%{"]),
    ("a computed key", "a = {\n  (b) = 1\n}", 2, ["key", "`(b)`", "quotes"]),
    ("a dotted key", "a = {\n  b.c = 1\n}", 2, ["key", "`b.c`", "quotes"]),
    ("an interpolated key", 'a = {\n  "${b}" = 1\n}', 2, ["an interpolation"]),
    ("a block", 'x = 1\nstate {\n  bucket = "b"\n}', 2, ["state is written as a block", "`state = {"]),
    ("a labelled block", 'resource "a" "b" {\n}', 1, ["resource is written as a block"]),
    ("a variable twice", "a = 1\nb = 2\na = 3", 3, ["a is set a second time", "line 1", "Keep one"]),
    ("a key twice", "a = {\n  b = 1\n  c = 2\n  b = 3\n}", 4, ['a holds the key "b" twice', "line 2"]),
    ("a key twice, once quoted", 'a = {\n  b = 1\n  "b" = 3\n}', 3, ['"b" twice']),
    ("no value", "a = 1\nb =\nc = 3", 2, ["`b =`", "expression"]),
    ("an open string", 'a = "x\nb = 1', 1, ['`a = "x`', "multi-line string"]),
    ("an open list", "x = 1\na = [1,\n", 2, ["The `[`", "not closed", "at the end of the file", "Add `]`"]),
    ("an open map", "a = {\n  b = 1\n", 1, ["The `{`", "not closed"]),
    ("an open map within", "a = {\n  b = {\n    c = 1\n\n}\nd = 1\n", 2, ["The `{`", "not closed"]),
    ("an open map before a variable", "a = {\n  b = 1\n\nc = {\n}\n", 1, ["The `{`", "not closed"]),
    ("a list closed as a map", "x = 1\na = [1\n}\n", 2, ["The `[`", "not closed"]),
    ("brackets in brackets", "x = 1\na = " + "[" * 1000 + "]" * 1000 + "\n", 2, ["more than 50 deep"]),
    ("maps in maps", "a = " + "{a=" * 1000 + "1" + "}" * 1000 + "\n", 1, ["more than 50 deep"]),
    ("brackets without an end", "a = " + "[" * 100_000, 1, ["more than 50 deep"]),
    ("a number of 5,000 digits", "\na = " + "9" * 5000 + "\n", 2, ["more than 100 digits"]),
    ("a number with a huge exponent", "a = 1e99999999\n", 1, ["exponent beyond 300"]),
    ("a tiny number", "a = 1e-99999999\n", 1, ["exponent beyond 300"]),
    ("a heredoc of 200,000 lines", "a = <<E\n" + "x\n" * 200_000 + "E\n", 1, ["more than 1000 lines"]),
    ("a heredoc of 200,000 lines without an end", "a = <<-E\n" + "x\n" * 200_000, 1, ["more than 1000 lines"]),
    ("60,000 escaped templates in a text", 'a = "' + "$${" * 60_000 + '"\n', 1, ["more than 1000 escaped"]),
    (
        "40,000 escaped templates in a line of a heredoc",
        "a = <<E\n" + "%%{" * 40_000 + "\nE\n",
        1,
        ["more than 1000 escaped"],
    ),
    ("an open heredoc", "a = <<EOT\nx\n", 3, ["Unterminated"]),
    ("a quoted name", '"a" = 1', 1, ["must not be quoted"]),
    ("an escape that HCL does not know", 'a = 1\nb = "\\d+"', 2, ["escape"]),
    ("single quotes", "a = 'x'", 1, ["Single quotes"]),
    ("two values on a line", "a = 1 b = 2", 1, ["newline"]),
    ("a missing comma", 'a = [\n  "x"\n  "y"\n]', 3, ["separator"]),
    ("a semicolon", "a = 1;", 1, ['";"']),
    ("a hexadecimal number", "a = 0x1f", 1, ["newline"]),
    ("a NUL", 'a = 1\nb = "\0"\nc = 2', 2, ["U+0000"]),
    ("a word of the language as a key", "a = { null = 1 }", 0, ["quotes"]),
    ("YAML", "a: 1", 1, ["`a: 1`"]),
    ("JSON", '{"a": 1}', 1, ['`{"a": 1}`']),
]


@pytest.mark.parametrize(("text", "line", "parts"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_what_is_no_plain_value_is_refused_at_its_line(text: str, line: int, parts: list[str]) -> None:
    with pytest.raises(InvalidTfvars) as caught:
        parse_tfvars(text, "environments/dev.tfvars")
    assert caught.value.where == Location("environments/dev.tfvars", line)
    assert caught.value.exit_code == 2
    for part in parts:
        assert part in str(caught.value)


def test_the_parsers_file_name_never_shows() -> None:
    for _, text, _, _ in REFUSED:
        with pytest.raises(InvalidTfvars) as caught:
            parse_tfvars(text, "dev.tfvars")
        assert "tmp.hcl" not in str(caught.value)


def test_importing_the_module_loads_no_parser() -> None:
    code = (
        "import sys, orchestrator.environment.tfvars, orchestrator.project; print([m for m in sys.modules if m in %r])"
    )
    heavy = ("pygohcl", "tree_sitter", "tree_sitter_hcl", "pydantic", "jinja2")
    done = subprocess.run([sys.executable, "-c", code % (heavy,)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
