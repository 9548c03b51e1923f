"""`orchestrator completion`: the script that makes a shell complete commands, options, environments, rules and targets."""

from __future__ import annotations

import click
from click.shell_completion import ShellComplete, get_completion_class

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_ORCHESTRATOR_COMPLETE"


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    \b
    bash:  echo 'eval "$(orchestrator completion bash)"' >> ~/.bashrc
    zsh:   echo 'eval "$(orchestrator completion zsh)"' >> ~/.zshrc     (after compinit)
    fish:  orchestrator completion fish > ~/.config/fish/completions/orchestrator.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None
    program = ctx.find_root()
    # Bash's own method starts a bash to ask for its version.
    click.echo(ShellComplete.source(kind(program.command, {}, "orchestrator", VARIABLE)))
