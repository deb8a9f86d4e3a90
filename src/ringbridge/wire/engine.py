"""The conversation socket of ElevenLabs, whose client we are: its messages, both ways.

Source: the message schema of ElevenLabs' JavaScript packages, and its page "Client events". Numbers have been seen as
strings, so both are read. Which messages arrive is set by the engine's `client_events`.
"""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import Struct

from ringbridge.ids import ConversationId
from ringbridge.wire._json import Reader

__all__ = [
    "AgentResponse",
    "AgentResponseComplete",
    "AgentResponseCorrection",
    "Audio",
    "AudioEvent",
    "ClientError",
    "Error",
    "Incoming",
    "Initiate",
    "Interruption",
    "Metadata",
    "Outgoing",
    "Ping",
    "Pong",
    "QueueStatus",
    "TentativeUserTranscript",
    "Unknown",
    "UserActivity",
    "UserAudio",
    "UserMessage",
    "UserTranscript",
    "VadScore",
    "decode",
    "encode",
    "letters",
]


class MetadataEvent(Struct, frozen=True):
    """The conversation's id, and the formats that both sides must keep to."""

    conversation_id: ConversationId
    agent_output_audio_format: str = ""
    user_input_audio_format: str = ""


class AudioEvent(Struct, frozen=True, gc=False):
    """A piece of the agent's speech; `event_id` names the reply that it belongs to."""

    audio_base_64: str = ""
    event_id: int | None = None
    is_final: bool = False
    """No more audio of this reply follows."""
    alignment: msgspec.Raw = msgspec.Raw()
    """When each letter is spoken, unread: see `letters`."""


class EventId(Struct, frozen=True):
    """A number of the counter that replies and interruptions share."""

    event_id: int


class PingEvent(Struct, frozen=True):
    """A ping's id; without one there is nothing to answer."""

    event_id: int | None = None


class UserTranscriptionEvent(Struct, frozen=True):
    """What the engine heard the caller say; `event_id` is that of the turn which it opens."""

    user_transcript: str = ""
    event_id: int | None = None


class TentativeTranscriptionEvent(Struct, frozen=True):
    """What the engine has understood so far of what the caller is saying."""

    user_transcript: str | None = None


class VadScoreEvent(Struct, frozen=True):
    """How likely it is that the caller is speaking, 0 to 1."""

    vad_score: float = 0.0


class AgentResponseEvent(Struct, frozen=True):
    """What the agent says."""

    agent_response: str = ""


class AgentResponseCorrectionEvent(Struct, frozen=True):
    """What of it was heard before the caller barged in."""

    original_agent_response: str = ""
    corrected_agent_response: str = ""


class ErrorEvent(Struct, frozen=True):
    """An error's particulars; any of them may be missing."""

    code: Any = None
    message: str | None = None
    error_type: str | None = None
    error_name: str | None = None
    reason: str | None = None


class QueueStatusEvent(Struct, frozen=True):
    """`waiting`, `admitted` or `timed_out` in the queue for a free conversation."""

    status: str = ""


class Metadata(Struct, frozen=True, tag="conversation_initiation_metadata"):
    """The first message: the conversation is open."""

    conversation_initiation_metadata_event: MetadataEvent


class Audio(Struct, frozen=True, gc=False, tag="audio"):
    """A piece of the agent's speech; its base64 may be empty."""

    audio_event: AudioEvent


class Interruption(Struct, frozen=True, tag="interruption"):
    """The caller barged in: replies with a lower id are no longer wanted; an equal one is the next reply."""

    interruption_event: EventId


class Ping(Struct, frozen=True, tag="ping"):
    """To be answered at once."""

    ping_event: PingEvent = PingEvent()


class UserTranscript(Struct, frozen=True, tag="user_transcript"):
    """What the engine heard the caller say, final."""

    user_transcription_event: UserTranscriptionEvent


class AgentResponse(Struct, frozen=True, tag="agent_response"):
    """The text of a reply."""

    agent_response_event: AgentResponseEvent


class AgentResponseCorrection(Struct, frozen=True, tag="agent_response_correction"):
    """The text of a reply as far as it was heard."""

    agent_response_correction_event: AgentResponseCorrectionEvent


class AgentResponseComplete(Struct, frozen=True, tag="agent_response_complete"):
    """All audio of a reply has been sent. The id stands in the message itself, or in an object of its own."""

    agent_response_complete_event: EventId | None = None
    event_id: int | None = None

    @property
    def reply(self) -> int | None:
        """The reply's id."""
        nested = self.agent_response_complete_event
        return self.event_id if nested is None else nested.event_id


class TentativeUserTranscript(Struct, frozen=True, tag="tentative_user_transcript"):
    """The caller is speaking; what was understood so far may still change."""

    tentative_user_transcription_event: TentativeTranscriptionEvent = TentativeTranscriptionEvent()


class VadScore(Struct, frozen=True, tag="vad_score"):
    """Whether the caller is speaking; comes many times a second."""

    vad_score_event: VadScoreEvent = VadScoreEvent()


class QueueStatus(Struct, frozen=True, tag="queue_status"):
    """Where we stand in the queue for a free conversation."""

    queue_status_event: QueueStatusEvent


class Error(Struct, frozen=True, tag="error"):
    """Something failed. The particulars are nested or, in one version, flat."""

    error_event: ErrorEvent | None = None
    message: str | None = None

    @property
    def kind(self) -> str:
        """The vendor's name for the error, such as `override_error`; empty when it gave none."""
        return (self.error_event and (self.error_event.error_type or self.error_event.error_name)) or ""

    @property
    def text(self) -> str:
        """The vendor's words."""
        event = self.error_event
        return (event and (event.message or event.reason)) or self.message or ""


class ClientError(Error, frozen=True, tag="client_error"):
    """The engine did not like a message of ours."""


class Unknown(Struct, frozen=True):
    """A message of a kind that we have no use for: to be passed over."""

    type: str


class Initiate(Struct, frozen=True, omit_defaults=True, tag="conversation_initiation_client_data"):
    """Out, first of all: variables of this conversation, and what of the engine's configuration it overrides."""

    dynamic_variables: dict[str, str]
    conversation_config_override: dict[str, Any] = {}


class UserAudio(Struct, frozen=True, gc=False):
    """Out: a piece of the caller's audio, base64, of any length. The one message without a type."""

    user_audio_chunk: str


class Pong(Struct, frozen=True, tag="pong"):
    """Out: the answer to a ping."""

    event_id: int


class UserMessage(Struct, frozen=True, tag="user_message"):
    """Out: words of the caller that were not spoken; opens a turn."""

    text: str


class UserActivity(Struct, frozen=True, tag="user_activity"):
    """Out: the caller is there; the agent waits with what it would say into a silence."""


Known: TypeAlias = (
    Metadata
    | Audio
    | Interruption
    | Ping
    | UserTranscript
    | AgentResponse
    | AgentResponseCorrection
    | AgentResponseComplete
    | TentativeUserTranscript
    | VadScore
    | QueueStatus
    | Error
    | ClientError
)
Incoming: TypeAlias = Known | Unknown
Outgoing: TypeAlias = Initiate | UserAudio | Pong | UserMessage | UserActivity

_reader: Reader[Known, Unknown] = Reader(
    (
        *(Metadata, Audio, Interruption, Ping, UserTranscript, AgentResponse, AgentResponseCorrection),
        *(AgentResponseComplete, TentativeUserTranscript, VadScore, QueueStatus, Error, ClientError),
    ),
    Unknown,
    strict=False,
)
_encoder = msgspec.json.Encoder()


class _Alignment(Struct):
    chars: list[str]
    char_start_times_ms: list[float]
    char_durations_ms: list[float] = []


_alignment = msgspec.json.Decoder(_Alignment, strict=False)


def letters(audio: AudioEvent) -> list[tuple[str, float]]:
    """The letters that are spoken in this piece or soon after it, each with the ms from the piece's start to its end.

    None where the engine sent no alignment, or one that can't be read: audio is never lost for that.
    """
    try:
        read = _alignment.decode(audio.alignment)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
    lasts = read.char_durations_ms + [0.0] * (len(read.chars) - len(read.char_durations_ms))
    times = zip(read.chars, read.char_start_times_ms, lasts, strict=False)
    return [(letter, start + length) for letter, start, length in times]


decode: Final[Callable[[bytes], Incoming]] = _reader.read
"""Read one message from the engine.

Raises `BrokenMessage`, which names the field and never its content, for what is no JSON or lacks what it needs.
"""

encode: Final[Callable[[Outgoing], bytes]] = _encoder.encode
"""Write one message to the engine."""
