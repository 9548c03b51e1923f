"""Write the published deployer policy from its source: `python -m scripts.write_deployer_policy [--check]`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from orchestrator.aws.deployer_functions import FUNCTION_STATEMENTS
from orchestrator.aws.deployer_policy import CORE_STATEMENTS, STATE_BUCKET, STATEMENTS
from orchestrator.aws.statements import MAX_CHARACTERS, Statement, characters, document

DOCS = Path(__file__).resolve().parents[1] / "docs"


def files() -> dict[str, str]:
    """{name in docs/: content}."""
    return {
        "deployer-policy.json": json.dumps(document(CORE_STATEMENTS), indent=2) + "\n",
        "deployer-policy-functions.json": json.dumps(document(FUNCTION_STATEMENTS), indent=2) + "\n",
        "state-bucket-policy.json": json.dumps(document((STATE_BUCKET,)), indent=2) + "\n",
        "deployer-policy.md": "\n".join(_page()) + "\n",
    }


def _page() -> Iterator[str]:
    yield "<!-- Made by `python -m scripts.write_deployer_policy`; do not edit. -->"
    yield "# The deployer's permissions"
    yield ""
    yield "[deployer-policy.json](deployer-policy.json) is all that the principal needs which runs `orchestrator plan`,"
    yield "`apply`, `destroy`, `drift` and `secret set` for any environment without functions and monitoring;"
    yield "[deployer-policy-functions.json](deployer-policy-functions.json) is what these need as well (`lifecycle_manager`,"
    yield "`scan_findings`, `monitoring`). Leave out the statements that yours does not need, and narrow `*` to your accounts,"
    yield f"regions and names. They have {characters(document(CORE_STATEMENTS)):,} and"
    yield f"{characters(document(FUNCTION_STATEMENTS)):,} of the {MAX_CHARACTERS:,} characters that IAM allows in one managed"
    yield "policy."
    yield ""
    yield "[state-bucket-policy.json](state-bucket-policy.json) is what `orchestrator init --state-bucket` needs, once."
    yield ""
    yield "A test records the requests of a whole apply and checks each against this policy. Actions marked *unseen* carry"
    yield "their name in no request: AWS asks for them while it does something else, or acts with the caller's rights."
    for statement in (*STATEMENTS, STATE_BUCKET):
        yield ""
        yield f"## {statement.sid}"
        yield ""
        yield statement.reason
        yield ""
        yield from _table(statement)


def _table(statement: Statement) -> Iterator[str]:
    yield "| action | |"
    yield "|---|---|"
    for action in statement.all_actions:
        unseen = statement.unseen.get(action)
        yield f"| `{action}` | {f'*unseen*: {unseen}' if unseen else ''} |"


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when the files are written (or, with --check, as they should be), else 1."""
    given = sys.argv[1:] if arguments is None else arguments
    wrong = 0
    for name, content in files().items():
        path = DOCS / name
        if path.is_file() and path.read_text(encoding="utf-8") == content:
            continue
        if "--check" in given:
            wrong = 1
            print(f"docs/{name} is out of date: run `python -m scripts.write_deployer_policy`.", file=sys.stderr)
        else:
            path.write_text(content, encoding="utf-8")
            print(f"Wrote docs/{name}.")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
