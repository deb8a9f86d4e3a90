"""Which kind of speech a command's twins use."""

from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from ringbridge.emulator.speech.base import Speech

__all__ = ["SPEECH_KINDS", "load_speech"]

SPEECH_KINDS: Final = ("auto", "spoken", "exact")


def load_speech(kind: str) -> "tuple[Speech, str]":
    """The speech, and one line for the user where it is not what could be hoped for. Real speech takes 2 s to load.

    Raises click's own error where `spoken` is asked for and can't be had.
    """
    from ringbridge.emulator.speech import exact, spoken  # noqa: PLC0415 - `--help` does not wait for these
    from ringbridge.emulator.speech.base import Speech, VoiceMissing  # noqa: PLC0415

    if kind == "auto":
        return spoken.best()
    if kind == "exact":
        voice = exact.ExactVoice()
        return Speech(voice, voice, exact.ExactEars()), ""
    try:
        return spoken.load(), ""
    except VoiceMissing as missing:
        raise click.ClickException(str(missing)) from missing
