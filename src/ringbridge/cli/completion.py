"""`ringbridge completion`: what a shell needs to complete our commands and options."""

from typing import Final

import click
from click.shell_completion import get_completion_class

__all__ = ["command"]


_WHERE: Final = """\b
Where it goes:
  bash  put into ~/.bashrc: eval "$(ringbridge completion bash)"
  zsh   put into ~/.zshrc: eval "$(ringbridge completion zsh)"
  fish  ringbridge completion fish > ~/.config/fish/completions/ringbridge.fish
"""


@click.command("completion", epilog=_WHERE)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the completion script for your shell."""
    kind = get_completion_class(shell)
    assert kind is not None, "click knows these three"
    click.echo(kind(context.find_root().command, {}, "ringbridge", "_RINGBRIDGE_COMPLETE").source())
