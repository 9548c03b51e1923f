"""Plans as one Markdown comment of a pull request: folded, and within what a comment may hold. Pure.

GitHub takes 65,536 characters (the comment's body in its REST API); GitLab takes more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from orchestrator.terraform.masking import Masker
from orchestrator.terraform.plan import Plan
from orchestrator.terraform.summary import attribute_lines, change_line, plan_text, totals

LARGEST = 65_536
MOST_LOST = 20
# Room for the fences and for what is said of lines that do not fit.
NOTES = 600
_SIGNS = re.compile(r"^\s*(-/\+|<=|[-+~.])(?= )")
_TICKS = re.compile(r"`+")


@dataclass(frozen=True, slots=True)
class PlanComment:
    """What one environment has to say: its plan, or the error in its place; lines that warn of something.

    `mask` knows the secrets of its process, on top of what the plan itself marks as sensitive.
    """

    name: str
    plan: Plan | None = None
    warnings: tuple[str, ...] = ()
    error: str = ""
    mask: Masker = field(default_factory=Masker)
    flag: str = ""

    @property
    def shown_by(self) -> str:
        """What `orchestrator plan` takes to show the same."""
        return f"{self.name}{self.flag}"


def plan_comment(parts: Sequence[PlanComment], *, largest: int = LARGEST) -> str:
    """The comment, of at most `largest` characters. Changes that do not fit are counted, and the command that shows
    them is named.

    Long plans lose their attributes first, then their last lines; a short one keeps what a long one would take.
    """
    # By its first line a pipeline finds its earlier comment and writes over it.
    marker = f"<!-- orchestrator plan{f': {parts[0].name}' if len(parts) == 1 else ''} -->"
    room = largest - len(marker) - 2
    sections: dict[int, str] = {}
    # The shortest first, so that what they leave over is there for the long ones.
    for place, index in enumerate(sorted(range(len(parts)), key=lambda index: len(_section(parts[index], None)))):
        share = room // (len(parts) - place)
        sections[index] = _section(parts[index], share)
        room -= len(sections[index])
    text = "".join(sections[index] for index in range(len(parts)))
    return f"{marker}\n{text.rstrip()}\n"


def _section(part: PlanComment, room: int | None) -> str:
    """One environment, of at most `room` characters; None means as many as it has."""
    if part.plan is None:
        head = f"### {part.name}: the plan failed\n\n"
        return head + _cut(part.mask(part.error).splitlines(), "", room and room - len(head), "lines", part.shown_by)
    head = f"### {part.name}: {totals(part.plan)}\n\n" + "".join(_lost(part.plan))
    head += "".join(f"> {_plain(part.mask(warning))}\n\n" for warning in part.warnings)
    if room is not None and len(head) > room // 2:
        head = head[: room // 2] + "…\n\n"
    if part.plan.is_empty and not part.plan.drift:
        return head
    opening, closing = "<details><summary>What changes</summary>\n\n", "\n</details>\n\n"
    left = None if room is None else room - len(head) - len(opening) - len(closing)
    body = _cut(_as_diff(part.mask(plan_text(part.plan)).splitlines()), "diff", None, "lines", part.shown_by)
    if left is not None and len(body) > left:
        body = _cut(_as_diff(_shortened(part, left)), "diff", left, "lines", part.shown_by)
    return head + opening + body + closing


def _shortened(part: PlanComment, room: int) -> list[str]:
    """A line for every change, and below it its attributes as long as there is room for all lines."""
    changes = part.plan.changes if part.plan else ()
    heads = [part.mask(change_line(change)) for change in changes]
    left = room - NOTES - sum(len(head) + 2 for head in heads)
    lines: list[str] = []
    bare = 0
    for head, change in zip(heads, changes, strict=True):
        below = [part.mask(line) for line in attribute_lines(change)] if left > 0 else []
        cost = sum(len(line) + 2 for line in below)
        lines.append(head)
        if left > 0 and cost <= left:
            lines += below
            left -= cost
        else:
            bare += 1
    if bare:
        lines.append(f"Attributes of {bare} resources are not shown: `orchestrator plan {part.shown_by}` prints them.")
    return lines


def _lost(plan: Plan) -> Iterator[str]:
    """What somebody who only reads the first lines must see."""
    lost = [change for change in plan.changes if change.action in ("delete", "replace")]
    if not lost:
        return
    yield f"**{len(lost)} would be destroyed or made anew:**\n\n"
    yield from (f"- `{change.address.replace('`', '')}`\n" for change in lost[:MOST_LOST])
    if len(lost) > MOST_LOST:
        yield f"- and {len(lost) - MOST_LOST} more\n"
    yield "\n"


def _as_diff(lines: Sequence[str]) -> list[str]:
    """Lines whose sign stands where a viewer of diffs colours by it."""
    marks = {"~": "!", "-/+": "-+"}
    out = []
    for line in lines:
        match = _SIGNS.match(line)
        out.append(f"{marks.get(match[1], match[1])}{line[match.end() :]}" if match else f" {line}")
    return out


def _cut(lines: Sequence[str], language: str, room: int | None, what: str, shown_by: str) -> str:
    """A fenced block of as many lines as there is room for, and how many are missing."""
    # Longer than any run of backticks inside, which would end the block.
    fence = "`" * max(3, 1 + max((len(run) for line in lines for run in _TICKS.findall(line)), default=0))
    note = "{} " + what + f" are not shown: `orchestrator plan {shown_by}` prints them.\n"
    kept = list(lines)
    if room is not None:
        left = room - 2 * len(fence) - len(language) - len(note.format(len(lines))) - 3
        total = sum(len(line) + 1 for line in kept)
        while kept and total > left:
            total -= len(kept.pop()) + 1
    block = f"{fence}{language}\n" + "".join(f"{line}\n" for line in kept) + f"{fence}\n"
    missing = len(lines) - len(kept)
    return block + (note.format(missing) if missing else "")


def _plain(text: str) -> str:
    """Text outside of a block: no tag, no mention of people, one paragraph."""
    return " ".join(text.split()).replace("<", "&lt;").replace("@", "@\u200b")
