"""A plan as text that a person reads. Pure: the caller says whether colours are wanted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from orchestrator.terraform.differences import AttributeChange
from orchestrator.terraform.plan import OutputChange, Plan, ResourceChange

SIGNS = {"create": "+", "update": "~", "replace": "-/+", "delete": "-", "read": "<=", "no-op": " ", "forget": "."}
COLOURS = {"create": 32, "update": 33, "replace": 31, "delete": 31, "read": 36}
REASONS = {
    "delete_because_no_resource_config": "it is no longer declared",
    "delete_because_each_key": "its key is no longer declared",
    "delete_because_count_index": "its count is out of range",
    "delete_because_no_module": "its module is no longer declared",
    "replace_because_tainted": "its creation failed before",
    "replace_by_request": "asked for",
    "replace_because_cannot_update": "",
}
LONGEST = 160
MANY = 12
KNOWN_LATER = "(known after apply)"
HIDDEN = "(sensitive)"


def plan_text(plan: Plan, *, colour: bool = False) -> str:
    """The whole summary: drift, changes with old -> new, outputs, and a line of totals."""
    return "\n".join(_lines(plan, colour))


def totals(plan: Plan) -> str:
    """One sentence: what the plan does."""
    counts = plan.counts()
    if plan.is_empty:
        return "No changes."
    parts = [f"{counts['create']} to create", f"{counts['update']} to change", f"{counts['destroy']} to destroy"]
    parts += [f"{counts[name]} to {name}" for name in ("replace", "move", "import", "forget") if counts[name]]
    return f"Plan: {', '.join(parts)}."


def change_line(change: ResourceChange, *, colour: bool = False) -> str:
    """One line for one resource: sign, address, and why it is special."""
    notes = []
    if change.protected:
        notes.append("protected")
    if change.moved_from:
        notes.append(f"moved from {change.moved_from}")
    if change.importing:
        notes.append(f"imported as {change.importing}")
    reason = REASONS.get(change.reason, change.reason.replace("_", " "))
    if reason and change.action != "read":
        notes.append(reason)
    text = f"{SIGNS.get(change.action, '?'):>3} {change.address}"
    if notes:
        text += f"  ({'; '.join(notes)})"
    return _paint(text, COLOURS.get(change.action), colour)


def attribute_line(attribute: AttributeChange) -> str:
    """`path: old -> new`, with what is hidden, unknown, or forces a replacement."""
    before = HIDDEN if attribute.sensitive else shown(attribute.before)
    after = HIDDEN if attribute.sensitive else KNOWN_LATER if attribute.unknown else shown(attribute.after)
    forced = "  # forces replacement" if attribute.forces_replacement else ""
    return f"{attribute.path}: {before} -> {after}{forced}"


def shown(value: Any) -> str:
    """A JSON value on one line, shortened."""
    if value is None:
        return "null"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _lines(plan: Plan, colour: bool) -> Iterator[str]:
    if plan.drift:
        yield "Changed outside of Terraform since the last apply:"
        for change in plan.drift:
            yield change_line(change, colour=colour)
            yield from attribute_lines(change)
        yield ""
    for change in plan.changes:
        yield change_line(change, colour=colour)
        yield from attribute_lines(change)
    if plan.changes:
        yield ""
    if plan.outputs:
        yield "Outputs:"
        yield from (_output_line(output, colour) for output in plan.outputs)
        yield ""
    for note in plan.notes:
        yield f"note: {note}"
    if plan.notes:
        yield ""
    yield totals(plan)


def attribute_lines(change: ResourceChange) -> Iterator[str]:
    """What stands below the line of a change: what is asked for, or old -> new."""
    # tags_all says the same once more.
    if change.action == "create":
        # A resource that is created is shown by what was asked for; what AWS will fill in says nothing yet.
        given = [
            a
            for a in change.attributes
            if not a.unknown and a.after not in (None, "", [], {}, False) and not a.path.startswith("tags_all")
        ]
        for attribute in given[:MANY]:
            value = HIDDEN if attribute.sensitive else shown(attribute.after)
            yield f"        {attribute.path} = {value}"
        if len(given) > MANY:
            yield f"        and {len(given) - MANY} more"
        return
    if change.action in {"delete", "read", "forget"}:
        return
    for attribute in change.attributes:
        if attribute.path.startswith("tags_all"):
            continue
        # Of a replacement, what AWS fills in again says nothing.
        if change.action == "replace" and attribute.unknown and not attribute.forces_replacement:
            continue
        yield f"        {attribute_line(attribute)}"


def _output_line(output: OutputChange, colour: bool) -> str:
    after = HIDDEN if output.sensitive else KNOWN_LATER if output.unknown else shown(output.after)
    sign = SIGNS.get(output.action, "~")
    if output.action == "update":
        before = HIDDEN if output.sensitive else shown(output.before)
        text = f"{sign:>3} {output.name}: {before} -> {after}"
    elif output.action == "delete":
        text = f"{sign:>3} {output.name}"
    else:
        text = f"{sign:>3} {output.name} = {after}"
    return _paint(text, COLOURS.get(output.action), colour)


def _paint(text: str, code: int | None, colour: bool) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if colour and code else text
