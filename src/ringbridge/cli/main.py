"""The `ringbridge` command: a table of verbs, each in a module of its own that is imported when it is called."""

import io
import sys
from dataclasses import dataclass
from importlib import import_module

import click

from ringbridge import __version__
from ringbridge.cli.errors import complaint

__all__ = ["COMMANDS", "cli"]


@dataclass(frozen=True, slots=True)
class Verb:
    """One subcommand: the module whose `command` it is, and its line in `--help`, for which nothing is imported."""

    module: str
    summary: str


COMMANDS = {
    "up": Verb("ringbridge.cli.up", "Answer your Twilio number from this machine; set up, and put back after."),
    "serve": Verb("ringbridge.cli.serve", "Answer the calls of your Twilio number."),
    "setup": Verb("ringbridge.cli.setup", "Make the speech engine and the number as they should be."),
    "doctor": Verb("ringbridge.cli.doctor", "See what keeps calls from working, and how to mend it."),
    "call": Verb("ringbridge.cli.call", "Have your Twilio number phone somebody, such as you."),
    "simulate": Verb("ringbridge.cli.simulate", "Play a phone call here, without any account."),
    "talk": Verb("ringbridge.cli.talk", "Talk with your brain by keyboard."),
    "phone": Verb("ringbridge.cli.phone", "Speak with your brain in a browser, without any account."),
    "engine": Verb("ringbridge.cli.engine", "Run the offline twin of ElevenLabs on its own."),
    "clips": Verb("ringbridge.cli.clips", "Have the bridge's own voice spoken, for when the engine can't speak."),
    "init": Verb("ringbridge.cli.init", "Begin a brain of your own, with its test."),
    "forget": Verb("ringbridge.cli.forget", "Forget what was kept about a caller."),
    "completion": Verb("ringbridge.cli.completion", "Print what your shell needs to complete these commands."),
    "fallback-twiml": Verb("ringbridge.cli.fallback", "Print what Twilio is to say when nobody answers it."),
}


class _Verbs(click.Group):
    """Imports a command when it is called, and says in a sentence why one did not do as asked."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(COMMANDS[cmd_name].module).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, verb.summary) for name, verb in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except Exception as error:
            told = complaint(error, ctx.invoked_subcommand, debug=ctx.params["debug"])
            if told is error:
                raise
            raise told from error


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="ringbridge %(version)s")
@click.option("--debug", is_flag=True, help="Show the traceback where a command fails.")
def cli(*, debug: bool) -> None:
    """Put your own LLM on a phone number.

    Begin with `ringbridge simulate`, which needs no account.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a file on Windows has no code for `→`, no file for half a letter
