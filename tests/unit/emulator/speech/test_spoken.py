"""What is said where the extra is not, or only in part, installed."""

import sys

import pytest

from ringbridge.emulator.speech import spoken
from ringbridge.emulator.speech.base import VoiceMissing
from ringbridge.emulator.speech.exact import ExactEars, ExactVoice


def hide(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    """Makes `package` one that can't be imported, in a process that has loaded nothing of the extra yet."""
    monkeypatch.setitem(sys.modules, package, None)
    for adapter in ("hibari", "moonshine", "numeric", "silero"):
        monkeypatch.delitem(sys.modules, f"ringbridge.emulator.speech.{adapter}", raising=False)
    monkeypatch.setattr(spoken, "load", spoken.load.__wrapped__)


def test_the_error_says_what_is_missing_and_what_to_do(monkeypatch):
    hide(monkeypatch, "hibari")
    with pytest.raises(VoiceMissing, match=r"hibari.*pip install 'ringbridge\[voice\]'"):
        spoken.load()


@pytest.mark.parametrize("package", ["hibari", "moonshine_voice", "numpy"])
def test_the_exact_codec_serves_instead(monkeypatch, package):
    hide(monkeypatch, package)
    speech, note = spoken.best()
    assert isinstance(speech.voice, ExactVoice)
    assert isinstance(speech.caller, ExactVoice)
    assert isinstance(speech.ears, ExactEars)
    assert "pip install 'ringbridge[voice]'" in note
    assert "\n" not in note
