"""`ringbridge engine`: the twin of ElevenLabs on its own, for a client that runs elsewhere."""

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urlsplit

import click
from pydantic import SecretStr

from ringbridge.cli.speech import SPEECH_KINDS, load_speech
from ringbridge.config import FromEnvironment, load
from ringbridge.loops import loop_factory, on_signals
from ringbridge.public_url import PublicUrl
from ringbridge.setting_types import EngineId, Hint, PublicHost, Strong, both

if TYPE_CHECKING:
    from ringbridge.emulator.addresses import AddressBook
    from ringbridge.emulator.elevenlabs.conversation import Conversation
    from ringbridge.emulator.elevenlabs.diary import Event
    from ringbridge.emulator.elevenlabs.twin import ElevenLabsTwin

__all__ = ["command"]

BRAIN: Final = "/ws"

_MADE_UP_KEY: Final = "sk_twin_0123456789abcdef"

_UNSHOWN: Final = frozenset({"speech", "tentative", "activity"})
"""What happens many times a second, or says no more than what follows it."""


class _Engine(FromEnvironment):
    """What the twin shares with `ringbridge serve`, as far as it is set."""

    elevenlabs_api_key: SecretStr | None = None
    speech_engine_id: EngineId = "seng_twin"
    shared_secret: Annotated[Strong | None, Hint("write the same as for the bridge")] = None
    public_url: Annotated[PublicHost, Hint("write the same as for the bridge")] = PublicUrl("bridge.test")
    port: Annotated[int, Hint("write the same as for the bridge")] = 3001


@click.command("engine")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="Where to listen.")
@click.option("--ws-url", help="Where the brain is.  [default: PUBLIC_URL, with /ws]")
@click.option("--bridge", help="What answers to that name here.  [default: http://127.0.0.1:PORT, without --ws-url]")
@click.option("--engine-id", help="The engine's id.  [default: SPEECH_ENGINE_ID]")
@click.option("--speech", type=click.Choice(SPEECH_KINDS), default="auto", help="Real speech, or a codec.")
def command(*, port: int, ws_url: str | None, bridge: str | None, engine_id: str | None, speech: str) -> None:
    """Run the twin of ElevenLabs on this machine, until SIGTERM or Ctrl-C, and show its conversations.

    Point a client at it, such as `ringbridge serve` with ELEVENLABS_BASE_URL=http://127.0.0.1:8080.
    """
    settings = load(_Engine, Path(".env"))
    key = both(settings.elevenlabs_api_key or SecretStr(_MADE_UP_KEY))[0]
    addresses = _addresses(settings, ws_url, bridge)
    kind, notice = load_speech(speech)
    if notice:
        click.echo(notice)
    from ringbridge.emulator.elevenlabs.twin import ElevenLabsTwin  # noqa: PLC0415 - `--help` does not wait for it
    from ringbridge.emulator.faults import Faults  # noqa: PLC0415

    twin = ElevenLabsTwin(
        api_key=key, voice=kind.voice, ears=kind.ears, addresses=addresses, clock=time.time, faults=Faults(), port=port
    )
    engine = twin.add_engine(
        engine_id or settings.speech_engine_id,
        ws_url=ws_url or settings.public_url.wss(BRAIN),
        request_headers={"x-api-key": both(settings.shared_secret)[0]} if settings.shared_secret else {},
        allow_first_message=True,
    )
    twin.on_event.append(_show)
    ours = [] if settings.elevenlabs_api_key else [f"ELEVENLABS_API_KEY={_MADE_UP_KEY}"]
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_serve(twin, [*ours, f"SPEECH_ENGINE_ID={engine.id}"], engine.ws_url))


def _addresses(settings: _Engine, ws_url: str | None, bridge: str | None) -> "AddressBook":
    """Lets the bridge's public name lead to this machine; a brain of another name only where that is asked for."""
    from ringbridge.emulator.addresses import AddressBook  # noqa: PLC0415

    addresses = AddressBook()
    if bridge or not ws_url:
        host = urlsplit(ws_url or settings.public_url.wss(BRAIN)).hostname
        try:
            addresses.add(host or "", bridge or f"http://127.0.0.1:{settings.port}")
        except ValueError as error:
            raise click.UsageError(f"--bridge: {error}") from error
    return addresses


async def _serve(twin: "ElevenLabsTwin", settings: list[str], brain: str) -> None:
    stop = asyncio.Event()
    on_signals(stop.set)
    try:
        async with twin:
            click.echo("The twin of ElevenLabs is there. Whoever is to meet it needs these settings:\n")
            for line in (f"ELEVENLABS_BASE_URL={twin.base_url}", *settings):
                click.echo(f"  {line}")
            click.echo(f"\nFor words it dials {brain}. Ctrl-C stops it.\n")
            await stop.wait()
    except OSError as error:
        raise click.ClickException(f"can't listen: {error.strerror}; choose another port with --port") from error


def _show(conversation: "Conversation", event: "Event") -> None:
    if event.kind in _UNSHOWN:
        return
    what = event.kind.replace("_", " ")
    click.echo(f"{conversation.id[-6:]} {event.at_ms / 1000:7.1f} s  {what:<12} {event.detail}".rstrip())
