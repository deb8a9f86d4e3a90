"""The TwiML documents that we answer Twilio with: <https://www.twilio.com/docs/voice/twiml>."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from xml.sax.saxutils import quoteattr

from twilio.twiml.voice_response import VoiceResponse

from ringbridge.phrases import Phrases
from ringbridge.wire.webhook import is_e164

__all__ = [
    "TOKEN_PARAMETER",
    "WITHHELD",
    "Fallback",
    "connect",
    "empty",
    "fallback_for",
    "goodbye",
    "hang_up",
    "once_more",
    "reject",
    "say",
    "say_and_hang_up",
    "shown_number",
    "sorry",
    "static_fallback",
    "transfer",
]

TOKEN_PARAMETER = "token"  # noqa: S105 - the name of the parameter, not a token
"""The name under which the call token comes back in `start`'s custom parameters."""

MESSAGE_SECONDS = 120
"""The longest message that is recorded."""

RING_SECONDS = 20
"""How long a human is rung."""

TIME_LIMIT_SECONDS = 3600
"""The longest that the talk with them may last."""

WITHHELD = frozenset({"+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253"})
"""ANONYMOUS, RESTRICTED, BLOCKED, UNKNOWN, UNAVAILABLE spelled on a keypad: carriers put them for a hidden number."""

_quoted = lru_cache(maxsize=8)(quoteattr)
"""For what is the same on every call."""

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
_EMPTY = f"{_DECLARATION}<Response />"
_HANG_UP = f"{_DECLARATION}<Response><Hangup /></Response>"
_PUNCTUATION = re.compile(r"[\s().\-/]")


@dataclass(frozen=True, slots=True)
class Fallback:
    """The human who takes a call that we can't.

    `number` is E.164; `caller_id` what that human sees (Twilio's own choice when `None`); `action` the absolute URL
    that is asked what comes after (`None`: the document goes on); `time_limit_s` the most that the talk may last.
    """

    number: str
    caller_id: str | None = None
    action: str | None = None
    time_limit_s: int = TIME_LIMIT_SECONDS
    whisper: str | None = None
    """The absolute URL that is asked what the human hears before the caller does (`<Number url>`)."""


def connect(*, stream_url: str, action: str, status_callback: str, token: str, keys: str = "") -> str:
    """Connect the call to our media socket.

    `stream_url` is wss and has no query, which Twilio does not support; the others are absolute https URLs. `keys` are
    pressed before: 0-9, *, #, A-D and w, a pause of 0.5 s. <https://www.twilio.com/docs/voice/twiml/stream>,
    <https://www.twilio.com/docs/voice/twiml/play#attributes-digits>
    """
    # As text, not through the SDK: every call gets this one, and the SDK takes ten times as long to make it.
    play = f"<Play digits={quoteattr(keys)} />" if keys else ""
    parameter = f"<Parameter name={quoteattr(TOKEN_PARAMETER)} value={quoteattr(token)} />"
    stream = f"<Stream statusCallback={_quoted(status_callback)} url={_quoted(stream_url)}>{parameter}</Stream>"
    return f"{_DECLARATION}<Response>{play}<Connect action={_quoted(action)}>{stream}</Connect></Response>"


def sorry(phrases: Phrases, fallback: Fallback | None, *, voicemail: str | None, apologised: bool) -> str:
    """Say that something failed, unless the caller has heard so; then the next rung that there is.

    That is a human (`fallback.action` is asked what comes after), a message on tape (`voicemail` is the absolute URL
    that is asked what comes after it), a goodbye.
    """
    response = VoiceResponse()
    if not apologised:
        response.say(phrases.sorry, language=phrases.language)
    if fallback is None:
        return str(_nobody(response, phrases, voicemail))
    response.say(phrases.connecting, language=phrases.language)
    _dial(response, fallback)
    return str(response)


def static_fallback(phrases: Phrases, number: str | None) -> str:
    """The sorry for a TwiML Bin: it asks nothing of our server, which may be dead when Twilio reads it.

    The human sees the caller's own number, as is Twilio's way when no other is named.
    """
    response = VoiceResponse()
    response.say(phrases.sorry, language=phrases.language)
    if number:
        _dial(response, Fallback(number))
        response.say(phrases.goodbye, language=phrases.language)
    return str(response)


def goodbye(phrases: Phrases, *, voicemail: str | None) -> str:
    """Nobody takes the call: a message is recorded (`voicemail` is asked what comes after), or it ends."""
    return str(_nobody(VoiceResponse(), phrases, voicemail))


def once_more(url: str) -> str:
    """Have Twilio ask `url` (absolute, or a path) what to do."""
    response = VoiceResponse()
    response.redirect(url, method="POST")
    return str(response)


def reject() -> str:
    """The line is busy: the call is not answered, and costs nothing.

    <https://www.twilio.com/docs/voice/twiml/reject>
    """
    response = VoiceResponse()
    response.reject(reason="busy")
    return str(response)


def transfer(human: Fallback) -> str:
    """Put the caller through; `human.action` is asked what comes after."""
    response = VoiceResponse()
    _dial(response, human)
    return str(response)


def say(text: str, phrases: Phrases) -> str:
    """Say something, in the phrases' language."""
    response = VoiceResponse()
    response.say(text, language=phrases.language)
    return str(response)


def say_and_hang_up(text: str, phrases: Phrases) -> str:
    """Say something, in the phrases' language, and end the call."""
    response = VoiceResponse()
    response.say(text, language=phrases.language)
    response.hangup()
    return str(response)


def hang_up() -> str:
    """End the call."""
    return _HANG_UP


def empty() -> str:
    """Nothing to do: what a request about a call that has ended is answered with."""
    return _EMPTY


def fallback_for(
    number: str | None,
    *,
    caller: str,
    called: str,
    own_numbers: Iterable[str],
    action: str | None,
) -> Fallback | None:
    """Who takes this call when we can't, and the number which that human sees.

    `number` is FALLBACK_NUMBER; `caller` and `called` come from the webhook as they are. The caller's number is shown
    if it is one, otherwise the called one, if it is one. `None` without a number, and where it is one of ours
    (`called`, or in `own_numbers`): that call would come straight back to us.
    """
    if not number or _normal(number) in {_normal(own) for own in (called, *own_numbers)}:
        return None
    return Fallback(number=number, caller_id=shown_number(caller, called), action=action)


def shown_number(caller: str, called: str) -> str | None:
    """What the human sees who is dialled: the caller's number if it is one, otherwise the called one, if it is."""
    return next((text for text in (caller, called) if is_e164(text) and text not in WITHHELD), None)


def _nobody(response: VoiceResponse, phrases: Phrases, voicemail: str | None) -> VoiceResponse:
    if voicemail is not None:
        response.say(phrases.leave_message, language=phrases.language)
        # A message without a sound asks nobody: the document goes on (Twilio, "TwiML <Record>").
        response.record(action=voicemail, method="POST", max_length=MESSAGE_SECONDS, play_beep=True)
    response.say(phrases.goodbye, language=phrases.language)
    response.hangup()
    return response


def _dial(response: VoiceResponse, human: Fallback) -> None:
    dial = response.dial(
        action=human.action, caller_id=human.caller_id, timeout=RING_SECONDS, time_limit=human.time_limit_s
    )
    dial.number(human.number, url=human.whisper)


def _normal(number: str) -> str:
    """A number without what people write around its digits, so that two spellings of one are equal."""
    return _PUNCTUATION.sub("", number).removeprefix("+").removeprefix("00")
