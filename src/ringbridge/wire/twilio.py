"""Twilio Media Streams: the messages of the media socket, both ways.

Source: Twilio, "Media Streams – WebSocket Messages". `sequenceNumber`, `chunk` and `timestamp` are strings there;
nothing here needs them. What we send must hold no field but those listed, or Twilio drops it with error 31951: so
fields at their default are left out.
"""

from collections.abc import Callable
from typing import Final, TypeAlias

import msgspec
from msgspec import Struct

from ringbridge.ids import AccountSid, CallSid, StreamSid
from ringbridge.wire._json import UNREADABLE, Reader

__all__ = [
    "UNREADABLE",
    "Clear",
    "Connected",
    "Dtmf",
    "Incoming",
    "Mark",
    "Media",
    "MediaFormat",
    "Outgoing",
    "Start",
    "Stop",
    "Unknown",
    "decode",
    "decode_media",
    "encode",
]


class _Part(Struct, frozen=True, rename="camel", omit_defaults=True):
    """A part of a message, named in camel case on the wire."""


class MediaFormat(_Part, frozen=True):
    """How the caller's audio is encoded; a phone call has `audio/x-mulaw`, 8000 Hz, 1 channel."""

    encoding: str
    sample_rate: int
    channels: int


class StartDetails(_Part, frozen=True):
    """What `start` tells of the stream. `custom_parameters` are the TwiML's `<Parameter>`s."""

    stream_sid: StreamSid
    account_sid: AccountSid
    call_sid: CallSid
    media_format: MediaFormat
    custom_parameters: dict[str, str] = {}


class Payload(_Part, frozen=True, gc=False):
    """Audio: base64 of headerless µ-law at 8 kHz."""

    payload: str
    track: str = "inbound"


class Digit(_Part, frozen=True):
    """One key: `0`-`9`, `*`, `#`, `A`-`D`."""

    digit: str


class MarkName(_Part, frozen=True, gc=False):
    """The name that we gave to a mark."""

    name: str


class _Message(Struct, frozen=True, rename="camel", omit_defaults=True, tag_field="event", tag=str.lower):
    """A message of the media socket, told apart by `event`."""


class Connected(_Message, frozen=True):
    """The first message; holds nothing that we need."""


class Start(_Message, frozen=True):
    """The stream begins. Sent once, directly after `connected`."""

    start: StartDetails


class Media(_Message, frozen=True, gc=False):
    """Audio: the caller's on the way in, ours on the way out, of any length."""

    stream_sid: StreamSid
    media: Payload


class Dtmf(_Message, frozen=True):
    """The caller pressed a key."""

    dtmf: Digit


class Mark(_Message, frozen=True, gc=False):
    """In: everything sent before our mark has been played, or was cleared. Out: a mark to be echoed so."""

    stream_sid: StreamSid
    mark: MarkName


class Clear(_Message, frozen=True):
    """Out: forget all audio that has not been played; every pending mark is echoed at once."""

    stream_sid: StreamSid


class Stop(_Message, frozen=True):
    """The stream was stopped, or the call is over; nothing follows."""


class Unknown(Struct, frozen=True):
    """A message of a kind that we don't know (new ones have appeared before): to be passed over."""

    event: str


Known: TypeAlias = Connected | Start | Media | Dtmf | Mark | Stop
Incoming: TypeAlias = Known | Unknown
Outgoing: TypeAlias = Media | Mark | Clear

_reader: Reader[Known, Unknown] = Reader((Connected, Start, Media, Dtmf, Mark, Stop), Unknown, strict=True)
_media: msgspec.json.Decoder[Media] = msgspec.json.Decoder(Media)
_encoder = msgspec.json.Encoder()


decode: Final[Callable[[bytes], Incoming]] = _reader.read
"""Read one message from Twilio.

Raises `BrokenMessage`, which names the field and never its content, for what is no JSON or lacks what it needs.
"""

decode_media: Final[Callable[[bytes], Media]] = _media.decode
"""Read a message that is audio, as nearly all are, with nothing in between. Raises one of `UNREADABLE` for others."""

encode: Final[Callable[[Outgoing], bytes]] = _encoder.encode
"""Write one message to Twilio."""
