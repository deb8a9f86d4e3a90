"""A speech engine: what its owner has set, and how that looks over REST.

The JSON is that of `/v1/speech-engine`, as the vendor's SDK 2.78 writes and reads it.
"""

import copy
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from ringbridge.emulator.elevenlabs.formats import FORMATS
from ringbridge.emulator.elevenlabs.messages import Message
from ringbridge.emulator.elevenlabs.models import CONVERSATIONAL

__all__ = ["DEFAULT_CLIENT_EVENTS", "BadBody", "Engine", "HeaderValue", "apply", "as_made", "body", "summary"]

DEFAULT_CLIENT_EVENTS: Final = frozenset(
    {
        "audio",
        "interruption",
        "agent_response",
        "user_transcript",
        "tentative_user_transcript",
        "conversation_initiation_metadata",
        "ping",
    }
)
"""What an engine sends whose `client_events` were never set."""

HeaderValue: TypeAlias = str | dict[str, str]
"""A header's text, `{"secret_id": …}` of the workspace, or `{"variable_name": …}` of the conversation's variables."""

CLIENT_EVENTS: Final = DEFAULT_CLIENT_EVENTS | {
    "agent_chat_response_part",
    "agent_response_complete",
    "agent_response_correction",
    "agent_response_metadata",
    "agent_tool_request",
    "agent_tool_response",
    "agent_tool_response_full_payload",
    "asr_initiation_metadata",
    "client_error",
    "client_tool_call",
    "context_usage",
    "dtmf_request",
    "guardrail_triggered",
    "internal_tentative_agent_response",
    "internal_turn_probability",
    "mcp_connection_status",
    "mcp_tool_call",
    "vad_score",
}
"""All that there are (`ClientEvent` of the SDK 2.78)."""

_GROUPS: Final = ("asr", "tts", "turn", "conversation", "privacy", "call_limits")


class BadBody(Exception):
    """A request's body lacks something or has it wrong. `path` leads to the field."""

    def __init__(self, path: tuple[str, ...], text: str) -> None:
        self.path = path
        super().__init__(text)


@dataclass(slots=True)
class Engine:
    """One speech engine. Whatever is changed counts from the next conversation on.

    The second group of fields is not the owner's to set at the vendor: it decides what the vendor leaves open.
    """

    id: str
    ws_url: str
    request_headers: dict[str, HeaderValue] = field(default_factory=dict)
    name: str = "Speech engine"
    first_message: str = ""
    """What the engine says first, if the client sends no override."""
    allow_first_message: bool = False
    """Whether the client may override it."""
    input_format: str = "ulaw_8000"
    output_format: str = "ulaw_8000"
    enable_auth: bool = True
    client_events: set[str] = field(default_factory=lambda: set(DEFAULT_CLIENT_EVENTS))
    max_duration_seconds: float = 600
    turn_timeout_seconds: float = -1
    """After so much silence a turn opens by itself, once; -1 for never."""
    silence_end_call_seconds: float = -1
    """After so much silence the conversation ends; -1 for never."""
    concurrency_limit: int = -1
    cascade_timeout_seconds: float = 4
    """How long a transcript waits for its answer before it is sent again."""
    language: str = "en"
    tags: list[str] = field(default_factory=list)

    made_with_key: str | None = None
    """The API key that made this engine, and so signs its tokens, when it isn't the twin's."""
    dial_brain: Literal["start", "first_turn"] = "start"
    init_before_metadata: bool = False
    """Whether the brain is dialled and told of the conversation before the client is; needs `dial_brain="start"`."""
    retranscribe_every: int = 0
    """Every so many pauses one is transcribed again, and so makes several turns; 0 for never."""
    retranscribe_times: int = 2
    """How many turns it makes."""
    retranscribe_gap_ms: float = 300
    """How long after one transcript of a pause the next one comes."""
    tentative_ms: float = 0
    """So long before a transcript its words are told as tentative ones, besides those told while they are spoken."""
    tentative_errs_every: int = 0
    """Every so many of them lack the last word; 0 for none."""
    history: Literal["heard", "said"] = "heard"
    """What the brain is told of a reply that was cut: what the caller heard of it, or all that it said."""
    alignment: bool = True
    """Whether audio comes with the times of its letters."""

    created: int = 0
    updated: int = 0
    groups: dict[str, Message] = field(default_factory=dict)
    """What else was set over REST, kept as it came."""


def as_made(engine_id: str, now: int) -> Engine:
    """An engine as the vendor makes it of a request that says nothing else: open to all, and not for the telephone."""
    return Engine(
        engine_id,
        ws_url="",
        input_format="pcm_16000",
        output_format="pcm_16000",
        enable_auth=False,
        turn_timeout_seconds=7,
        created=now,
        updated=now,
    )


def body(engine: Engine) -> Message:
    """The engine as REST shows it (`SpeechEngineResponse`)."""
    groups = copy.deepcopy(engine.groups)
    return {
        "speech_engine_id": engine.id,
        "name": engine.name,
        "speech_engine": {"ws_url": engine.ws_url, "request_headers": copy.deepcopy(engine.request_headers)},
        "asr": {
            "quality": "high",
            "provider": "scribe_realtime",
            "keywords": [],
            **groups.get("asr", {}),
            "user_input_audio_format": engine.input_format,
        },
        "tts": {
            "model_id": "eleven_flash_v2",
            "voice_id": "cjVigY5qzO86Huf0OWal",
            **groups.get("tts", {}),
            "agent_output_audio_format": engine.output_format,
        },
        "turn": {
            **groups.get("turn", {}),
            "turn_timeout": engine.turn_timeout_seconds,
            "silence_end_call_timeout": engine.silence_end_call_seconds,
        },
        "vad": {},
        "conversation": {
            "text_only": False,
            **groups.get("conversation", {}),
            "max_duration_seconds": engine.max_duration_seconds,
            "client_events": sorted(engine.client_events),
        },
        "privacy": {"record_voice": True, "retention_days": -1, **groups.get("privacy", {})},
        "call_limits": {
            "daily_limit": 100_000,
            "bursting_enabled": False,
            **groups.get("call_limits", {}),
            "agent_concurrency_limit": engine.concurrency_limit,
        },
        "auth": {"enable_auth": engine.enable_auth},
        "language": engine.language,
        "cascade_timeout_seconds": engine.cascade_timeout_seconds,
        "tags": list(engine.tags),
        "overrides": {"first_message": engine.allow_first_message},
        "metadata": {"created_at_unix_secs": engine.created, "updated_at_unix_secs": engine.updated},
        "access_info": _ACCESS,
    }


def summary(engine: Engine) -> Message:
    """The engine as a list shows it (`SpeechEngineSummaryResponse`)."""
    whole = body(engine)
    return {
        "speech_engine_id": engine.id,
        "name": engine.name,
        "voice_id": whole["tts"]["voice_id"],
        "created_at_unix_secs": engine.created,
        "updated_at_unix_secs": engine.updated,
        "tags": whole["tags"],
        "access_info": _ACCESS,
    }


_ACCESS: Final = {
    "is_creator": True,
    "creator_name": "Ada",
    "creator_email": "ada@example.com",
    "role": "admin",
}


def apply(engine: Engine, change: Message, *, new: bool = False) -> None:
    """Set what a create or update request asks for.

    `speech_engine` is replaced whole: an update that leaves out `request_headers` loses them. `overrides` counts only
    where the engine is `new`, as the SDK can't update it. Raises `BadBody`, and then nothing is set.
    """
    connection = _connection(change)
    groups = {name: _object(change, name) for name in (*_GROUPS, "auth", "overrides")}
    _check(groups)
    if connection is not None:
        engine.ws_url, engine.request_headers = connection
    if new:
        engine.allow_first_message = bool(groups["overrides"].get("first_message", False))
    engine.name = change.get("name") or engine.name
    engine.language = change.get("language") or engine.language
    engine.tags = list(change.get("tags") or engine.tags)
    _apply_groups(engine, groups)


def _check(groups: dict[str, Message]) -> None:
    events = groups["conversation"].get("client_events")
    if events is not None and not isinstance(events, list):
        raise BadBody(("conversation", "client_events"), "Input should be a valid list")
    for number, event in enumerate(events or ()):
        if event not in CLIENT_EVENTS:
            raise BadBody(("conversation", "client_events", str(number)), _one_of(CLIENT_EVENTS))
    for group, name, known in (
        ("asr", "user_input_audio_format", FORMATS),
        ("tts", "agent_output_audio_format", FORMATS),
        ("tts", "model_id", CONVERSATIONAL),
    ):
        if name in groups[group] and groups[group][name] not in known:
            raise BadBody((group, name), _one_of(known))


def _one_of(known: frozenset[str]) -> str:
    return f"Input should be one of {', '.join(sorted(known))}"


def _apply_groups(engine: Engine, groups: dict[str, Message]) -> None:
    for name in _GROUPS:
        engine.groups[name] = engine.groups.get(name, {}) | groups[name]
    engine.input_format = groups["asr"].get("user_input_audio_format", engine.input_format)
    engine.output_format = groups["tts"].get("agent_output_audio_format", engine.output_format)
    engine.turn_timeout_seconds = groups["turn"].get("turn_timeout", engine.turn_timeout_seconds)
    engine.silence_end_call_seconds = groups["turn"].get("silence_end_call_timeout", engine.silence_end_call_seconds)
    talk = groups["conversation"]
    engine.max_duration_seconds = talk.get("max_duration_seconds", engine.max_duration_seconds)
    engine.client_events = set(talk.get("client_events", engine.client_events))
    engine.concurrency_limit = groups["call_limits"].get("agent_concurrency_limit", engine.concurrency_limit)
    engine.enable_auth = bool(groups["auth"].get("enable_auth", engine.enable_auth))


def _connection(change: Message) -> tuple[str, dict[str, HeaderValue]] | None:
    """The `speech_engine` object: `ws_url` is needed whenever the object is there."""
    if change.get("speech_engine") is None:
        return None
    given = _object(change, "speech_engine")
    url = given.get("ws_url")
    if not isinstance(url, str):
        raise BadBody(("speech_engine", "ws_url"), "Field required")
    if not url.startswith("wss://"):
        raise BadBody(("speech_engine", "ws_url"), "The WebSocket URL must use the wss scheme")
    headers: dict[str, HeaderValue] = {}
    for name, value in _object(given, "request_headers").items():
        if not isinstance(value, str) and not (
            isinstance(value, dict) and value.keys() & {"secret_id", "variable_name"}
        ):
            raise BadBody(("speech_engine", "request_headers", name), "Input should be a valid string")
        headers[name] = value
    return url, headers


def _object(change: Message, name: str) -> dict[str, Any]:
    value = change.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadBody((name,), "Input should be a valid dictionary")
    return value
