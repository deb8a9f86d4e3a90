"""What a speech engine must be like for the bridge, in the JSON of `/v1/speech-engine`.

Source: ElevenLabs' SDK 2.78, `speech_engine` and its types. Unknown fields are nobody's business here, and survive.
"""

import copy
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ringbridge.wanted.differences import Difference, Document, Remark, may_be, value_at

__all__ = [
    "CALL_HEADER",
    "CLIENT_EVENTS",
    "SECRET_HEADER",
    "WantedEngine",
    "compare",
    "creation",
    "remarks",
    "update_for",
]

SECRET_HEADER: Final = "x-api-key"  # noqa: S105 - its name
"""In which the engine sends SHARED_SECRET back."""

CALL_HEADER: Final = "x-call-sid"
_CALL_SID: Final = {"variable_name": "call_sid"}
"""A dynamic variable, which the bridge sets when it opens a conversation: by it `/ws` may know its call."""

CLIENT_EVENTS: Final = (
    # The vendor's defaults: without `interruption` nobody could barge in.
    *("conversation_initiation_metadata", "ping", "audio", "interruption", "user_transcript"),
    *("tentative_user_transcript", "agent_response"),
    # Everything works without these, less exactly.
    *("agent_response_correction", "agent_response_complete", "vad_score", "client_error"),
)

FORMAT: Final = "ulaw_8000"
SPARE_SECONDS: Final = 60
"""So much longer than our calls a conversation may be: the bridge ends them itself."""

NEVER: Final = -1
"""For a time-out that is off."""

_ENGLISH_ONLY: Final = frozenset({"eleven_flash_v2", "eleven_turbo_v2"})
"""ElevenLabs, "Models"; those after them speak the next languages."""

_SPOKEN: Final = "ar bg cs da de el en es fi fil fr hi hr hu id it ja ko ms nl no pl pt ro ru sk sv ta tr uk vi zh"
"""By the models of low latency (ElevenLabs, "Models": Flash v2.5)."""

_QUICK: Final = ("flash", "turbo")
"""What the vendor calls its models of low latency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedEngine:
    """What differs from bridge to bridge. `language` (ISO 639) and `voice_id` are the engine's own where `None`.

    `greets` tells whether the bridge has a first message of its own, which the engine must allow.
    """

    ws_url: str
    secret: str = field(repr=False)
    max_call_seconds: int
    greets: bool
    language: str | None = None
    voice_id: str | None = None


def compare(engine: Document, wanted: WantedEngine) -> tuple[Difference, ...]:
    """Where an engine is not as wanted, as far as an update can set that; empty when there is nothing to do."""
    return tuple(sorted(_differences(engine, wanted), key=lambda one: one.path[0] != "speech_engine"))


def remarks(engine: Document, wanted: WantedEngine) -> tuple[Remark, ...]:
    """What no update can set right, or what can't be seen from here."""
    found = []
    if wanted.greets and value_at(engine, ("overrides", "first_message")) is not True:
        found.append(
            Remark(
                "the engine does not allow the bridge's GREETING, which only its creation can set; a call would fail",
                "unset SPEECH_ENGINE_ID to have a new engine made, or set GREETING= to nothing",
            )
        )
    language = _language(engine, wanted)
    if not _is_spoken(language):
        found.append(
            Remark(
                f"no model of low latency is known to speak {language}, so the engine's own is left",
                "listen to how it speaks, and how soon",
            )
        )
    header = value_at(engine, _header_paths(engine, SECRET_HEADER)[0])
    if may_be(header, wanted.secret):
        found.append(
            Remark(
                f"ElevenLabs shows the engine's {SECRET_HEADER} masked: it is not compared, and can't be put back",
                "see to it that it is SHARED_SECRET",
            )
        )
    if _is_stored(header):
        found.append(
            Remark(
                f"the engine's {SECRET_HEADER} is a secret of the workspace, which can't be read",
                "see to it that it is SHARED_SECRET",
            )
        )
    return tuple(found)


def update_for(differences: Iterable[Difference], engine: Document) -> dict[str, Any]:
    """The body that makes an engine as wanted: the groups in which something differs, each of them whole.

    Whether the vendor merges a group with what it has, or replaces it, is not told: sent whole, both do. So `ws_url`
    and `request_headers` always go together, too.
    """
    body: dict[str, Any] = {}
    for difference in differences:
        match difference.path:
            case (name,) if difference.wanted is not None:
                body[name] = difference.wanted
            case ("speech_engine", "request_headers", header):
                headers = _group(body, "speech_engine", engine)["request_headers"]
                headers[header] = difference.wanted
                if difference.wanted is None:
                    del headers[header]
            case (group, name) if difference.wanted is not None:
                _group(body, group, engine)[name] = difference.wanted
            case _:  # what was not there before can't be taken away, and is taken back by nothing else
                pass
    return body


def creation(wanted: WantedEngine, *, name: str) -> dict[str, Any]:
    """The body that makes a new engine as wanted, with the one thing that no update can set."""
    language = wanted.language or "en"
    body = update_for(compare({"language": language}, wanted), {})
    return body | {"name": name, "language": language, "overrides": {"first_message": True}}


def _differences(engine: Document, wanted: WantedEngine) -> Iterator[Difference]:
    for path, value in _exact(wanted):
        if (current := value_at(engine, path)) != value:
            yield Difference(path, current, value)
    yield from _headers(engine, wanted)
    for path, fits, value in _loose(engine, wanted):
        if not fits:
            yield Difference(path, value_at(engine, path), value)


def _exact(wanted: WantedEngine) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield ("speech_engine", "ws_url"), wanted.ws_url
    yield ("asr", "user_input_audio_format"), FORMAT
    yield ("tts", "agent_output_audio_format"), FORMAT
    yield ("auth", "enable_auth"), True
    if wanted.language is not None:
        yield ("language",), wanted.language
    if wanted.voice_id is not None:
        yield ("tts", "voice_id"), wanted.voice_id


def _headers(engine: Document, wanted: WantedEngine) -> Iterator[Difference]:
    for header, value in ((SECRET_HEADER, wanted.secret), (CALL_HEADER, _CALL_SID)):
        is_secret = header == SECRET_HEADER
        path, *others = _header_paths(engine, header)
        current = value_at(engine, path)
        if current != value and not (is_secret and _is_taken_on_trust(engine, current, wanted)):
            yield Difference(path, current, value, is_secret)
        for other in others:
            yield Difference(other, value_at(engine, other), None, is_secret)


def _loose(engine: Document, wanted: WantedEngine) -> Iterator[tuple[tuple[str, ...], bool, Any]]:
    """Where more than one value does: whether the engine's does, and what to write where not."""
    language = _language(engine, wanted)
    model, seconds, silence, events = (
        value_at(engine, path)
        for path in (
            ("tts", "model_id"),
            ("conversation", "max_duration_seconds"),
            ("turn", "silence_end_call_timeout"),
            ("conversation", "client_events"),
        )
    )
    yield ("tts", "model_id"), _is_quick(model, language) or not _is_spoken(language), _model(language)
    longest = wanted.max_call_seconds + SPARE_SECONDS
    yield ("conversation", "max_duration_seconds"), _is_number(seconds) and seconds >= longest, longest
    # Without one it is off.
    yield ("turn", "silence_end_call_timeout"), silence is None or (_is_number(silence) and silence < 0), NEVER
    sent = [event for event in events if isinstance(event, str)] if isinstance(events, list) else []
    missing = [event for event in CLIENT_EVENTS if event not in sent]
    yield ("conversation", "client_events"), not missing, [*sent, *missing]


def _language(engine: Document, wanted: WantedEngine) -> str:
    return str(wanted.language or value_at(engine, ("language",)) or "en")


def _is_spoken(language: str) -> bool:
    return language.partition("-")[0] in _SPOKEN.split()


def _is_quick(model: object, language: str) -> bool:
    quick = isinstance(model, str) and any(name in model for name in _QUICK)
    return quick and (model not in _ENGLISH_ONLY or _is_english(language))


def _model(language: str) -> str:
    return "eleven_flash_v2" if _is_english(language) else "eleven_flash_v2_5"


def _is_english(language: str) -> bool:
    return language.partition("-")[0] == "en"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_taken_on_trust(engine: Document, header: object, wanted: WantedEngine) -> bool:
    """Whether a secret that can't be read is taken for ours: whoever wrote our `ws_url` wrote it with that."""
    is_ours = value_at(engine, ("speech_engine", "ws_url")) == wanted.ws_url
    return _is_stored(header) or (is_ours and may_be(header, wanted.secret))


def _is_stored(header: object) -> bool:
    """Whether a header's value is in the workspace, and the engine has but its id."""
    return isinstance(header, Mapping) and isinstance(header.get("secret_id"), str)


def _header_paths(engine: Document, header: str) -> list[tuple[str, ...]]:
    """Where a header stands, in whichever spellings; or where it should."""
    headers = value_at(engine, ("speech_engine", "request_headers"))
    spelled = [name for name in headers if name.casefold() == header] if isinstance(headers, Mapping) else []
    return [("speech_engine", "request_headers", name) for name in spelled or [header]]


def _group(body: dict[str, Any], name: str, engine: Document) -> dict[str, Any]:
    """A group of the body; at first as the engine has it. What is null there is not set, and stays so."""
    if name not in body:
        there = value_at(engine, (name,))
        known = there if isinstance(there, Mapping) else {}
        body[name] = {key: copy.deepcopy(value) for key, value in known.items() if value is not None}
        if name == "speech_engine":
            headers = body[name].get("request_headers")
            body[name]["request_headers"] = headers if isinstance(headers, dict) else {}
    group: dict[str, Any] = body[name]
    return group
