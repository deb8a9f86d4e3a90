"""`ringbridge talk`: a brain by keyboard, on a call through the real bridge, without the wait for speech."""

import asyncio
import sys
import threading
from typing import TYPE_CHECKING, Final

import click

from ringbridge.loops import loop_factory

if TYPE_CHECKING:
    from collections.abc import Callable

    from ringbridge.emulator.elevenlabs.conversation import Conversation
    from ringbridge.emulator.elevenlabs.diary import Event
    from ringbridge.emulator.twilio.phone import PhoneCall
    from ringbridge.emulator.world import World
    from ringbridge.facts import Fact
    from ringbridge.ids import CallSid

__all__ = ["command"]

EVENTS = {
    "audio",
    "interruption",
    "agent_response",
    "agent_response_complete",
    "agent_response_correction",
    "user_transcript",
    "conversation_initiation_metadata",
    "ping",
}

HELP = "/hangup ends the call, /dtmf 42# presses keys, /interrupt cuts in on the agent. Anything else is said."

GREETING_SECONDS = 3.0

BEGIN_SECONDS = 0.3
"""An answer that is whole, and of which nothing was heard by then, has no words."""

GOODBYE_SECONDS = 0.5
"""After the last line the agent may hang up first."""

ANSWER_SECONDS = 60.0
"""How long an answer is waited for before the next line is said; the bridge gives up on a brain long before."""


_COMMANDS: Final = """\b
What can be typed beside words:
  /hangup     ends the call
  /dtmf 42#   presses keys
  /interrupt  cuts in on the agent
"""


@click.command("talk", epilog=_COMMANDS)
@click.option("--brain", help="What finds the words: module:function or path/file.py:function.  [default: a demo]")
@click.option("-v", "--verbose", is_flag=True, help="Show what the bridge logs.")
def command(brain: str | None, *, verbose: bool) -> None:
    """Talk with a brain by keyboard, a line at a time; tool calls and times are shown.

    The call goes through the real bridge, between twins of both vendors; only the speech is left out. An agent asks the
    models that OPENAI_API_KEY or LLMS name, here or in .env.
    """
    from ringbridge.brains import demo  # noqa: PLC0415 - `--help` does not wait for these
    from ringbridge.brains.load import load_brain  # noqa: PLC0415
    from ringbridge.cli.models import NO_MODEL, model_settings  # noqa: PLC0415
    from ringbridge.cli.simulation import set_up_log  # noqa: PLC0415
    from ringbridge.emulator.openai.characters import booking_desk  # noqa: PLC0415
    from ringbridge.emulator.speech.base import Speech  # noqa: PLC0415
    from ringbridge.emulator.speech.exact import ExactEars  # noqa: PLC0415
    from ringbridge.emulator.speech.rapid import RapidVoice  # noqa: PLC0415
    from ringbridge.emulator.world import World  # noqa: PLC0415

    set_up_log(verbose=verbose)
    settings = model_settings() if brain else {}
    if not settings:
        click.echo(NO_MODEL)
    click.echo(f"{HELP}\n")
    talk = _Talk()
    voice = RapidVoice()
    world = World(
        load_brain(brain) if brain else demo.reply,
        Speech(voice, voice, ExactEars()),
        model=None if settings else booking_desk,
        settings=settings,
        engine={"client_events": EVENTS},
        observers=(talk.observe,),
    )
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(talk.run(world))


class _Talk:
    """One call: what is typed goes in, what happens is printed."""

    def __init__(self) -> None:
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._asked_at: float | None = None
        self._turn: int | None = None
        """What the brain was asked last, since the last line."""
        self._answered = asyncio.Event()
        self._speaking = asyncio.Event()
        """Since the last line."""
        self._quiet = asyncio.Event()
        self._quiet.set()

    async def run(self, world: "World") -> None:
        """Live through the call."""
        async with world:
            world.elevenlabs.on_event.append(self._engine_event)
            phone = await world.dial()
            _read_lines(asyncio.get_running_loop(), self._lines.put_nowait)
            await self._greeted(phone)
            async with asyncio.TaskGroup() as tasks:
                typing = tasks.create_task(self._type(world, phone), name="keyboard")
                await phone.ended()
                typing.cancel()
            click.echo("The call is over.")

    async def _greeted(self, phone: "PhoneCall") -> None:
        await phone.streaming()
        try:
            async with asyncio.timeout(GREETING_SECONDS):
                await self._speaking.wait()
        except TimeoutError:
            pass  # it waits for the caller to speak first

    async def _type(self, world: "World", phone: "PhoneCall") -> None:
        while (line := await self._lines.get()) is not None:
            match line.split():
                case []:
                    continue
                case ["/hangup"]:
                    break
                case ["/dtmf", keys]:
                    await self._press(phone, keys)
                case ["/interrupt"]:
                    await self._interrupt(world.elevenlabs.conversations[-1])
                case [word, *_] if word.startswith("/"):
                    click.echo(HELP)
                case _:
                    await self._begin()
                    world.elevenlabs.conversations[-1].hear(line.strip())
        await self._settle()
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                await phone.ended()
        except TimeoutError:
            await phone.hang_up()

    async def _begin(self) -> None:
        """What comes next asks for an answer; the agent has answered what came before."""
        await self._settle()
        self._turn = None
        self._answered.clear()
        self._speaking.clear()
        self._asked_at = asyncio.get_running_loop().time()

    async def _press(self, phone: "PhoneCall", keys: str) -> None:
        from ringbridge.emulator.twilio.records import CallOver  # noqa: PLC0415

        await self._begin()
        try:
            await phone.press(keys)
        except ValueError as error:
            click.echo(str(error))
            self._asked_at = None
        except CallOver:
            pass  # `run` says so

    async def _settle(self) -> None:
        """Let the agent finish."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                if self._asked_at is not None:
                    await self._answered.wait()
                if self._quiet.is_set():
                    await asyncio.sleep(BEGIN_SECONDS)
                await self._quiet.wait()
        except TimeoutError:
            click.secho("There was no answer.", fg="red")
        self._asked_at = None

    async def _interrupt(self, talk: "Conversation") -> None:
        if self._asked_at is not None and not self._answered.is_set():
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    await self._speaking.wait()
            except TimeoutError:
                click.echo("The agent does not speak.")
                return
        talk.interrupt()
        self._answered.set()
        self._quiet.set()

    def _engine_event(self, talk: "Conversation", event: "Event") -> None:
        match event.kind:
            case "agent":
                since = "" if self._asked_at is None else self._since()
                self._speaking.set()
                self._quiet.clear()
                _show("agent", f"{event.detail}{since}", "cyan")
            case "correction":
                _show("", f"the caller heard: {event.detail!r}", None)
            case _:
                pass

    def observe(self, call_sid: "CallSid", fact: "Fact") -> None:
        """Print what one would not hear."""
        from ringbridge import facts  # noqa: PLC0415

        match fact:
            case facts.ToolBegan(name=name, arguments=arguments):
                _show("tool", f"{name} {arguments}", None)
            case facts.ToolEnded(name=name, how=how, ms=ms, result=result):
                _show("tool", f"{name}: {how} after {ms / 1000:.2f} s. {result}", None)
            case facts.TurnFailed(cause=cause):
                _show("failed", cause, "red")
            case facts.DigitsPressed(digits=digits):
                _show("keys", digits or "none", None)
            case facts.Transferring(name=name, ended=False):
                _show("call", f"is put through to {name}", None)
            case facts.TurnBegan(event_id=event_id):
                self._turn = event_id
            case facts.TurnAnswered(event_id=event_id) if event_id == self._turn:
                self._answered.set()
            case facts.ReplyHeard():
                self._quiet.set()
            case _:
                pass

    def _since(self) -> str:
        assert self._asked_at is not None
        return click.style(f"  ({asyncio.get_running_loop().time() - self._asked_at:.2f} s)", dim=True)


def _show(who: str, text: str, colour: str | None) -> None:
    click.echo(f"{who:>6}  " + (click.style(text, fg=colour) if colour else click.style(text, dim=True)))


def _read_lines(loop: asyncio.AbstractEventLoop, put: "Callable[[str | None], None]") -> None:
    """Read the keyboard in a thread of its own, which nobody waits for: a read can't be cancelled."""

    def read() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(put, line)
        loop.call_soon_threadsafe(put, None)

    threading.Thread(target=read, name="keyboard", daemon=True).start()
