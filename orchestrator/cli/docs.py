"""`orchestrator docs`: the documents that come with this program, which errors and remedies name."""

from __future__ import annotations

import json

import click
from click.shell_completion import CompletionItem

from orchestrator.cli.options import json_option
from orchestrator.errors import OrchestratorError


class DocumentName(click.ParamType[str]):
    """The name of a document that comes with this program."""

    name = "document"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002
        """All names that begin so; completion never fails."""
        from orchestrator.files.shipped_documents import shipped_documents

        try:
            names = [document.name for document in shipped_documents()]
        except OrchestratorError:
            return []
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]


@click.command("docs")
@click.argument("name", type=DocumentName(), required=False)
@json_option("Print the list, or the document with its name, as one JSON document.")
def docs(name: str | None, as_json: bool) -> None:
    """Print a document that comes with this program, such as limits or deployer-policy.json; without NAME list them."""
    from orchestrator.files.shipped_documents import find_document, shipped_documents

    if name is None:
        documents = shipped_documents()
        if as_json:
            rows = [{"name": one.name, "title": one.title, "path": str(one.path)} for one in documents]
            click.echo(json.dumps({"documents": rows}, indent=2))
            return
        width = max(len(one.name) for one in documents)
        for one in documents:
            click.echo(f"{one.name:<{width}}  {one.title}".rstrip())
        return
    document = find_document(name)
    text = document.path.read_text("utf-8")
    if as_json:
        click.echo(json.dumps({"name": document.name, "title": document.title, "text": text}, indent=2))
        return
    click.echo(text, nl=False)
