"""What a text names and nobody has: commands, options, choices, files, documents, extras, make targets, modules.

The truth is the program itself: its tree of commands, the files that its wheel would hold, those that git knows. Nothing of
ours is listed here. FOREIGN has the programs of others, whose options are not ours to check.
"""

from __future__ import annotations

import importlib.util
import re
import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import click

from orchestrator.cli.docs import DocumentName
from orchestrator.cli.environment_name import TargetName
from orchestrator.cli.main import cli
from orchestrator.errors import RefusedInput
from orchestrator.files.shipped_documents import find_document
from scripts.check_readme import make_targets
from tests.named_texts import ROOT, VALUE, NamingText, repository_files, wheel_files

_PROGRAMS = """
apt atlantis aws bash buildah cdk cdktn containerd cosign crane crictl ctr curl cyclonedx-cli diff docker ecr-credential-provider eksctl
etcd gh git helm jq k8s-image-swapper kbld kube-apiserver kubectl kubelet kustomize kyverno nodeadm npm oc oc-mirror opm oras
pip pipx podman pre-commit pytest python regctl regsync rosa skopeo terraform terragrunt tflint uv xargs FROM COPY RUN
"""
FOREIGN = frozenset(_PROGRAMS.split())
_FENCE = re.compile(r"^(\s*)(`{3,}|~{3,}).*?^\s*\2\s*$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`+([^`]+)`+")
_OPTION = re.compile(r"(?<![\w/=.|\"'\\-])--[a-z][a-z0-9-]+")
_URL = re.compile(r"\b[a-z0-9+]+://\S+")
_PATH = re.compile(r"(?<![\w./@:<>{}$*~%\ufffc-])(?:[A-Za-z0-9_][\w.-]*/)+[\w.-]*\w")
_DOCUMENT = re.compile(r"(?<![\w./-])[\w-]+\.md\b")
_COMMAND = re.compile(r"(?<![\w/.\"'-])orchestrator ([a-z][a-z-]*(?:[ \t][^\n;)]*)?)")
_SENTENCE = re.compile(r"[.!?]\s|\n\s*\n")
_SOURCES = (".md", ".tf", ".py", ".toml", ".j2", ".sh")


def problems_of(text: NamingText) -> Iterator[str]:
    """What the text names and nobody has, each as `file:line: what`."""
    # Blocks are read as a shell would by scripts.check_readme. Their lines stay, for the numbers of those after them.
    blank = _FENCE.sub(lambda block: "\n" * block[0].count("\n"), text.content) if text.file.endswith(".md") else None
    content = _URL.sub(VALUE, text.content if blank is None else blank)
    for position, problem in _problems(content, text):
        line = text.line if text.file.endswith(".py") else content.count("\n", 0, position) + 1
        yield f"{text.file}:{line}: {problem}"


def _problems(content: str, text: NamingText) -> Iterator[tuple[int, str]]:
    spans = "`" in content
    for match in _SPAN.finditer(content) if spans else ():
        problem = _span_problem(match[1], text, _sentence_before(content, match.start()))
        if problem:
            yield match.start(), problem
    if not re.search(r"\s", content.strip()):
        # A word of code: an argument of a process, an option where it is declared, a key.
        return
    bare = _SPAN.sub(lambda match: " " * len(match[0]), content) if spans else content
    yield from _bare_problems(bare, content)
    if "orchestrator[" in content:
        for match in re.finditer(r"orchestrator\[([\w,]+)\]", content):
            for extra in set(match[1].split(",")) - _extras():
                yield match.start(), f"there is no extra {extra}"
    for match in _PATH.finditer(content) if "/" in content else ():
        problem = _path_problem(match[0], text, content)
        if problem:
            yield match.start(), problem
    if text.file.endswith((".yml", ".yaml")):
        return  # a pipeline writes files of its own
    for match in _DOCUMENT.finditer(content) if ".md" in content else ():
        if not any(name.endswith(match[0]) for name in repository_files()):
            yield match.start(), f"there is no {match[0]}"


def _span_problem(span: str, text: NamingText, before: str) -> str | None:
    words = span.split()
    if not words:
        return None
    if words[0] == "orchestrator" and len(words) > 1:
        return command_problem(words[1:])
    if words[0] == "make" and len(words) == 2 and re.fullmatch(r"[a-z-]+", words[1]):
        if text.shipped:
            return f"`{span}` needs a checkout"
        return None if words[1] in _targets() else f"make has no target {words[1]}"
    if words[:2] == ["python", "-m"] and len(words) > 2:
        return _module_problem(words[2], shipped=text.shipped)
    if not _OPTION.search(span):
        return None
    if words[0].startswith("-"):
        return next(iter(_unknown_options(span, before)), None)
    # `helm` and `diff` are programs of others, too.
    if words[0] in _commands() - FOREIGN:
        return command_problem(words)
    if FOREIGN.intersection(words) or not re.fullmatch(r"[a-z][\w-]*", words[0]):
        return None
    return f"`{span}` names no program that is known here"


def _bare_problems(bare: str, content: str) -> Iterator[tuple[int, str]]:
    """Outside of backticks: `orchestrator NAME ...` where it is meant as a command, and options."""
    taken: list[tuple[int, int]] = []
    for match in _COMMAND.finditer(bare) if "orchestrator " in bare else ():
        words = _until_prose(match[1].split())
        meant = len(words) > 1 and (words[1].startswith("-") or VALUE in words[1] or words[1].isupper())
        before = bare[: match.start()].split()
        if not words or (before and before[-1].lower() in ("the", "this", "an", "and", "of", "version")):
            continue
        if words[0] in _commands() or meant:
            taken.append(match.span())
            problem = command_problem(words)
            if problem:
                yield match.start(), problem
    for option in _OPTION.finditer(bare) if "--" in bare else ():
        if not any(start <= option.start() < end for start, end in taken):
            for problem in _unknown_options(option[0], _sentence_before(content, option.start())):
                yield option.start(), problem


def _until_prose(words: Sequence[str]) -> list[str]:
    """The words of a command that stands in a sentence: up to a pipe, a comment, or the end of a clause."""
    found = []
    for word in words:
        if word in ("|", "||", "&&", "#", ">", "or", "and"):
            break
        found.append(word.rstrip(".,:"))
        if word != found[-1]:
            break
    return found


def _sentence_before(content: str, position: int) -> str:
    return _SENTENCE.split(content[max(0, position - 400) : position])[-1]


def _unknown_options(words: str, before: str) -> Iterator[str]:
    """Options that no command has, unless the program that was named last before them is somebody else's."""
    for option in _OPTION.findall(words):
        if option in all_options():
            continue
        programs = [word.removesuffix("'s") for word in re.findall(r"[\w-]+(?:'s)?", before)]
        named = [
            name for word in programs for name in (word, word.lower()) if name in FOREIGN or word == "orchestrator"
        ]
        if not named or named[-1] not in FOREIGN:
            yield f"no command has the option {option}"


def command_problem(words: Sequence[str]) -> str | None:
    """What is wrong with `orchestrator WORDS`: a name of a command, of an option, of a choice. Arguments may be missing."""
    command: click.Command = cli
    path = "orchestrator"
    options = _options(command)
    left = [word.strip("\"'()") for word in words]
    while left:
        word = left.pop(0)
        if word.startswith("-") and len(word) > 1 and VALUE not in word[:2]:
            name, _, given = re.split(f"[{VALUE}…,.]", word)[0].partition("=")
            option = options.get(name)
            if option is None:
                return f"{path} has no option {name}"
            if not option.is_flag and not option.count and (given or left):
                problem = _choice_problem(option, given or left.pop(0))
                if problem:
                    return f"{path} {name}: {problem}"
        elif not isinstance(command, click.Group) or _is_argument(command, word):
            problem = _document_problem(command, word)
            if problem:
                return f"{path}: {problem}"
        elif VALUE in word or word.isupper() or word in ("…", "..."):
            return None
        else:
            below = None
            for name in word.split("|"):
                below = command.get_command(click.Context(command), name)
                if below is None:
                    return f"{path} has no command {name}"
            assert below is not None
            command, path = below, f"{path} {word}"
            options = {**options, **_options(command)}
    return None


def _is_argument(group: click.Group, word: str) -> bool:
    """Some commands take an environment's name, in whose place another command's may stand."""
    takes = any(isinstance(parameter, click.Argument) for parameter in group.params)
    return takes and word not in group.list_commands(click.Context(group))


def _options(command: click.Command) -> dict[str, click.Option]:
    helped = click.Option(["-h", "--help"], is_flag=True)
    own = [one for one in command.params if isinstance(one, click.Option)]
    return {name: one for one in (helped, *own) for name in (*one.opts, *one.secondary_opts)}


def _choice_problem(option: click.Option, value: str) -> str | None:
    kind = option.type
    choices: Sequence[str] = ()
    if isinstance(kind, click.Choice):
        choices = [str(choice) for choice in kind.choices]
    elif isinstance(kind, TargetName):
        choices = [item.value for item in kind.shell_complete(click.Context(cli), option, "")]
    if choices and re.fullmatch(r"[a-z0-9-]+", value) and value not in choices:
        return f"{value} is none of {', '.join(choices)}"
    return None


def _document_problem(command: click.Command, word: str) -> str | None:
    if any(isinstance(one.type, DocumentName) for one in command.params) and re.fullmatch(r"[a-z0-9./-]+", word):
        try:
            find_document(word)
        except RefusedInput as error:
            return error.what
    return None


@cache
def _commands() -> frozenset[str]:
    return frozenset(cli.list_commands(click.Context(cli)))


@cache
def all_options() -> frozenset[str]:
    """Every option of every command."""
    return frozenset(option for _, command in every_command() for option in _options(command))


def every_command() -> Iterator[tuple[str, click.Command]]:
    """(its words, the command) of the whole tree."""
    waiting: list[tuple[str, click.Command]] = [("orchestrator", cli)]
    while waiting:
        path, command = waiting.pop()
        yield path, command
        if isinstance(command, click.Group):
            context = click.Context(command)
            for name in command.list_commands(context):
                below = command.get_command(context, name)
                assert below is not None
                waiting.append((f"{path} {name}", below))


def help_problems() -> Iterator[str]:
    """Options that a command's help names and neither it has nor a command that the same sentence names."""
    tree = dict(every_command())
    for path, command in tree.items():
        for text in (command.help or "", *(one.help or "" for one in command.params if isinstance(one, click.Option))):
            for sentence in _SENTENCE.split(text):
                words = set(re.findall(r"[\w-]+", sentence))
                named = [one for other, one in tree.items() if other.split()[-1] in words]
                known = {option for one in (cli, command, *named) for option in _options(one)}
                if isinstance(command, click.Group):
                    known |= all_options()
                for option in set(_OPTION.findall(sentence)) - known:
                    if not FOREIGN & words:
                        yield f"{path} --help names {option}, which it does not have"


def _path_problem(path: str, text: NamingText, content: str) -> str | None:
    top = path.partition("/")[0]
    if top not in _tops() and not path.endswith(_SOURCES):
        return None
    if top == "environments" and not path.endswith(".tf"):
        return None  # the user's own
    beside = (Path(text.file).parent / path).as_posix()
    known = path in _paths() or beside in _paths() or any(name.endswith(f"/{path}") for name in repository_files())
    if not known:
        return f"there is no {path}" if text.shipped or "." in Path(path).name else None
    in_program = text.shipped and text.file.endswith((".py", ".j2"))
    if in_program and path.startswith("docs/"):
        return (
            f"{path} is printed by `orchestrator docs {path.removeprefix('docs/')}`, where only the wheel is installed"
        )
    if in_program and path not in _packed_paths() and "checkout" not in content:
        return f"{path} is not where only the wheel is installed"
    return None


def _module_problem(module: str, *, shipped: bool) -> str | None:
    if VALUE in module:
        return None
    if shipped and module.partition(".")[0] in ("scripts", "tests", "benchmarks"):
        return f"python -m {module} needs a checkout"
    return None if importlib.util.find_spec(module) else f"there is no module {module}"


@cache
def _paths() -> frozenset[str]:
    return _with_folders(repository_files())


@cache
def _packed_paths() -> frozenset[str]:
    return _with_folders(wheel_files())


def _with_folders(names: frozenset[str]) -> frozenset[str]:
    return names | {folder.as_posix() for name in names for folder in Path(name).parents}


@cache
def _tops() -> frozenset[str]:
    return frozenset(name.partition("/")[0] for name in repository_files() if "/" in name)


@cache
def _targets() -> frozenset[str]:
    return make_targets((ROOT / "Makefile").read_text("utf-8"))


@cache
def _extras() -> frozenset[str]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    return frozenset(settings["project"]["optional-dependencies"])
