"""Real speech both ways, for whom has installed the extra `[voice]`."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Final

from ringbridge.emulator.speech.base import Speech, VoiceMissing
from ringbridge.emulator.speech.exact import ExactEars, ExactVoice
from ringbridge.emulator.speech.listening import SpokenEars
from ringbridge.emulator.speech.vad import Energy, VoiceActivity

__all__ = ["best", "load"]

_CALLER_PITCH: Final = 0.9
"""There is one voice in the wheel; played deeper, it is somebody else's."""

_EARS_AHEAD: Final = 2
"""Both ends of one call; each call at once beyond it makes its own."""


@cache
def load() -> Speech:
    """Loads voice, recognizer and detectors, warm, once a process. Takes some 2 s, so call it ahead, off the loop.

    Raises `VoiceMissing` where a package, its model, or what it needs of the system is missing.
    """
    try:
        return _load()
    except (ImportError, OSError) as error:
        raise VoiceMissing(f"no real speech here ({error}): pip install 'ringbridge[voice]'") from error


def best() -> tuple[Speech, str]:
    """Real speech where it can be had, else the exact codec and one line for the user that says why.

    Takes as long as `load`.
    """
    try:
        return load(), ""
    except VoiceMissing as missing:
        voice = ExactVoice()
        return Speech(voice, voice, ExactEars()), f"The call is typed, not spoken: {missing}"


def _load() -> Speech:
    from ringbridge.emulator.speech.hibari import HibariVoice, load_model  # noqa: PLC0415 - the extra
    from ringbridge.emulator.speech.moonshine import Moonshine  # noqa: PLC0415 - the extra

    speaking = ThreadPoolExecutor(1, "voice")
    hearing = ThreadPoolExecutor(1, "ears")
    loading = speaking.submit(load_model)
    ears = SpokenEars(Moonshine(), hearing, _activity(), ahead=_EARS_AHEAD)
    model = loading.result()
    return Speech(HibariVoice(model, speaking), HibariVoice(model, speaking, pitch=_CALLER_PITCH), ears)


def _activity() -> Callable[[], VoiceActivity]:
    """The detector of voice: silero has no wheel for Linux on ARM, where energy serves."""
    try:
        from ringbridge.emulator.speech.silero import Silero  # noqa: PLC0415 - the extra
    except ImportError:
        return Energy
    return Silero
