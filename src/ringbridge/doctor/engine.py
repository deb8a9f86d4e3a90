"""The speech engines: as the bridge wants them, or how they differ."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from ringbridge.apis.elevenlabs_engines import ElevenLabsEngines, open_elevenlabs_engines
from ringbridge.doctor.verdict import Outcome, Verdict, failure, ok
from ringbridge.provision.account import wanted_engines
from ringbridge.provision.outset import PENDING_URL, Line
from ringbridge.wanted.differences import Difference, Remark, shown
from ringbridge.wanted.engine import SECRET_HEADER, WantedEngine, compare, remarks

__all__ = ["ENGINE", "check_engines"]

ENGINE: Final = "speech engine"

_SET_UP: Final = "see it with `ringbridge setup`, write it with `ringbridge setup --apply`"
_UP: Final = "`ringbridge up` writes it"

_VITAL: Final = frozenset(
    {("speech_engine", "ws_url"), ("asr", "user_input_audio_format"), ("tts", "agent_output_audio_format")}
)
"""What differs here fails every call."""

_VITAL_EVENTS: Final = frozenset({"conversation_initiation_metadata", "audio", "interruption", "ping"})


async def check_engines(line: Line) -> list[Verdict]:
    """Read them all. While the address or the secret is open, `ringbridge up` writes both: they are not compared.

    Raises `VendorError`, and `NotProvided` for what the settings leave open.
    """
    wanted = wanted_engines(line, line.public_url or PENDING_URL, secret=line.secret or "", greeting=line.greeting)
    is_led = line.public_url is not None and line.secret is not None
    async with open_elevenlabs_engines(api_key=line.elevenlabs_key, base_url=line.elevenlabs_base_url) as api:
        return [await _check(api, engine_id, engine, is_led=is_led) for engine_id, engine in wanted]


async def _check(api: ElevenLabsEngines, engine_id: str | None, wanted: WantedEngine, *, is_led: bool) -> Verdict:
    if engine_id is None:
        return failure(ENGINE, "there is none yet", "`ringbridge up` makes one, and so does `ringbridge setup --apply`")
    engine = await api.read(engine_id)
    differences, noted = compare(engine, wanted), remarks(engine, wanted)
    if not is_led:
        differences = tuple(one for one in differences if one.path[0] != "speech_engine")
    greeting = [remark for remark in noted if remark not in remarks(engine, replace(wanted, greets=False))]
    if not differences and not noted:
        return ok(ENGINE, f"{engine_id} is as the bridge wants it")
    fails = greeting or any(map(_is_vital, differences))
    outcome: Outcome = "failure" if fails else "warning"
    return Verdict(
        ENGINE,
        outcome,
        f"{engine_id}: {_told(differences, noted)}",
        _mend(differences, noted, _SET_UP if is_led else _UP),
    )


def _is_vital(difference: Difference) -> bool:
    match difference.path:
        case ("conversation", "client_events"):
            return not set(difference.current or ()) >= _VITAL_EVENTS
        case ("speech_engine", "request_headers", header):
            return header.casefold() == SECRET_HEADER
        case path:
            return path in _VITAL


def _told(differences: Iterable[Difference], noted: Iterable[Remark]) -> str:
    lines = [f"{one.name} is {shown(one)[0]}, not {shown(one)[1]}" for one in differences]
    return ", ".join([*lines, *(remark.text for remark in noted)])


def _mend(differences: tuple[Difference, ...], noted: tuple[Remark, ...], writes: str) -> str:
    return "; ".join([*([writes] if differences else []), *(remark.mend for remark in noted)])
