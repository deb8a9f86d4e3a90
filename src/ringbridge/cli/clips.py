"""`ringbridge clips`: the bridge's own voice, made once."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import click

from ringbridge.audio.mulaw import RATE
from ringbridge.calls.languages import EngineChoice
from ringbridge.config import FromEnvironment, load
from ringbridge.live.clips import CLIP_SECONDS, NAMES
from ringbridge.phrases import ENGLISH, LANGUAGES
from ringbridge.setting_types import EngineId, Engines, Hint, OneOrTwo, Origin, both

if TYPE_CHECKING:
    from ringbridge.apis.elevenlabs_speech import ElevenLabsSpeech

__all__ = ["command"]

_USUAL_VOICE: Final = "cjVigY5qzO86Huf0OWal"
"""Eric, whom an engine has for which no voice was chosen (ElevenLabs, "Create agent")."""


class _Account(FromEnvironment):
    """What the command shares with `ringbridge serve`."""

    elevenlabs_api_key: Annotated[
        OneOrTwo, Hint("make a key in ElevenLabs under Developers, API keys", "your-elevenlabs-api-key")
    ]
    elevenlabs_base_url: Origin = "https://api.elevenlabs.io"
    speech_engine_id: Annotated[
        EngineId | None, Hint("copy the id of your speech engine, which begins with seng_", "seng_your-speech-engine")
    ] = None
    speech_engine_ids: Engines = ()
    clips: Path | None = None

    def engine_for(self, language: str) -> str | None:
        """The engine that speaks a language, else the one that speaks for all others."""
        listed = {engine.language: engine.engine_id for engine in self.speech_engine_ids}
        return listed.get(language) or self.speech_engine_id or next(iter(listed.values()), None)


@dataclass(frozen=True, slots=True)
class _Clip:
    """One sentence, and the file that is to hold it."""

    text: str
    path: Path


@click.command("clips")
@click.option("--language", metavar="CODES", help="Such as en,fr.  [default: those of SPEECH_ENGINE_IDS, else en]")
@click.option("--voice", metavar="VOICE_ID", help="Who speaks.  [default: the engine's own voice]")
@click.option("--into", type=click.Path(path_type=Path), help="The folder.  [default: CLIPS, else clips]")
@click.option("--force", is_flag=True, help="Make anew what is there. A recording of yours, a .wav, always stays.")
@click.option("--env-file", type=click.Path(path_type=Path), default=Path(".env"), show_default=True)
def command(*, language: str | None, voice: str | None, into: Path | None, force: bool, env_file: Path) -> None:
    """Have ElevenLabs speak the sentences that the bridge says when the engine can't.

    Each becomes a file, like clips/fr/sorry.ulaw. To say something else, or in a voice of your own, record the .wav
    that stands beside it, clips/fr/sorry.wav: it is heard instead. The English clips come with Ringbridge.
    """
    account = load(_Account, env_file)
    folder = into or account.clips or Path("clips")
    languages = _asked(language) if language else _spoken(account.speech_engine_ids)
    try:
        asyncio.run(_make(account, folder, languages, voice, force=force))
    except OSError as error:
        raise click.ClickException(f"{error.filename or folder} can't be written: {error.strerror}") from error
    if account.clips is None or account.clips.absolute() != folder.absolute():
        click.echo(f"\nSet CLIPS={folder}")


def _asked(codes: str) -> list[str]:
    languages = [code.partition("-")[0].strip().casefold() for code in codes.split(",")]
    for code in languages:
        if code not in LANGUAGES:
            raise click.UsageError(
                f"--language: Ringbridge has no sentences in {code!r}, but in {', '.join(LANGUAGES)}. Record your own, "
                f"as .wav, in a folder of that name: {', '.join(NAMES)}"
            )
    return languages


def _spoken(engines: tuple[EngineChoice, ...]) -> list[str]:
    """Those of the engines' languages that we have sentences in; for others there are only a user's own recordings."""
    return [engine.language for engine in engines if engine.language in LANGUAGES] or [ENGLISH.code]


async def _make(account: _Account, folder: Path, languages: list[str], voice: str | None, *, force: bool) -> None:
    from ringbridge.apis.elevenlabs_speech import open_elevenlabs_speech  # noqa: PLC0415 - `--help` waits for nothing

    key = both(account.elevenlabs_api_key)[0]
    async with open_elevenlabs_speech(api_key=key, base_url=account.elevenlabs_base_url) as api:
        for language in languages:
            if clips := _to_make(folder, language, force=force):
                engine_id = account.engine_for(language)
                voice_id = voice or (engine_id and await api.voice_of(engine_id)) or _USUAL_VOICE
                for clip in clips:
                    await _write(api, clip, voice_id, language)


def _to_make(folder: Path, language: str, *, force: bool) -> list[_Clip]:
    clips = []
    for name in NAMES:
        path = folder / language / f"{name}.ulaw"
        recorded = path.with_suffix(".wav")
        if recorded.exists():
            click.echo(f"{recorded}  kept")
        elif path.exists() and not force:
            click.echo(f"{path}  kept")
        else:
            clips.append(_Clip(getattr(LANGUAGES[language], name), path))
    return clips


async def _write(api: "ElevenLabsSpeech", clip: _Clip, voice_id: str, language: str) -> None:
    """Put one clip in its place, whole or not at all."""
    clip.path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = clip.path.with_name(f".{clip.path.name}")
    try:
        # Opened first: where nothing can be written, nothing is paid for.
        with unfinished.open("wb") as file:
            audio = await api.speak(clip.text, voice_id=voice_id, language=language, max_bytes=CLIP_SECONDS * RATE)
            file.write(audio)
        unfinished.replace(clip.path)
    finally:
        unfinished.unlink(missing_ok=True)
    click.echo(f"{clip.path}  {len(audio) / RATE:.1f} s  {clip.text}")
