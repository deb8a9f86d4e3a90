"""What became of each 20 ms of a call: whether it came out at the other end whole, in order, and nothing else did.

Pure: it compares the tapes of both ends byte by byte, and knows nothing of what lies between them.
"""

from base64 import b64decode
from collections.abc import Iterable, Iterator, Sequence

from ringbridge.audio.mulaw import BYTES_PER_MS, FRAME_BYTES, SILENCE
from ringbridge.emulator.elevenlabs.diary import Timed

__all__ = ["audible", "lost_to_caller", "lost_to_engine"]

_LAST_MS = 300
"""What is sent so shortly before the end of a call need not have been heard."""

_PAUSE_MS = 800
"""The agent pauses for less between two pieces of a reply, so that a caller may have hung up there."""

_SURE_BYTES = 100 * BYTES_PER_MS
"""So much audio is found again in one place only, unless it is silence."""

_NOISELESS = bytes([SILENCE])


def lost_to_engine(tape: bytes, due: slice, arrived: bytes) -> int:
    """How many frames of the caller's tape did not arrive as they were.

    `due` is the part of the tape that must have arrived. What lies around it may have, too, but nothing that is not on
    the tape: if something has, all frames that were due count as lost.
    """
    part = tape[due]
    at = arrived.find(part)
    if at < 0:
        return max(1, _missing(part, arrived))
    first = due.start - at
    return 0 if first >= 0 and tape[first : first + len(arrived)] == arrived else max(1, len(part) // FRAME_BYTES)


def audible(messages: Iterable[Timed], ended_ms: int) -> list[bytes]:
    """The audio among an engine's messages that must be heard, if the conversation ended at `ended_ms`.

    That is neither what an interruption has overtaken (all of a lower event id), nor what came with the very end.
    """
    messages = list(messages)
    told = [
        sent.message["interruption_event"]["event_id"] for sent in messages if sent.message["type"] == "interruption"
    ]
    newest = max(told, default=0)
    return [
        audio
        for sent in messages
        if sent.message["type"] == "audio" and sent.at_ms < ended_ms - _LAST_MS
        for audio in _audio(sent.message["audio_event"], newest)
    ]


def lost_to_caller(pieces: Sequence[bytes], heard: bytes) -> int:
    """How many frames of the engine's audio the caller never heard; gaps between two pieces don't count.

    What was cut off, or still to come, when the tape ends in the midst of the agent's words is not lost.
    """
    at = lost = 0
    unheard: list[bytes] = []
    for piece in pieces:
        found = heard.find(piece, at)
        if found < 0:
            unheard.append(piece)
            continue
        lost += sum(map(len, unheard))
        unheard.clear()
        at = found + len(piece)
    if not _is_cut(b"".join(unheard), heard[at:]):
        lost += sum(map(len, unheard))
    return -(-lost // FRAME_BYTES)


def _missing(part: bytes, arrived: bytes) -> int:
    """Frames of `part` that `arrived` leaves out, where it brings no others."""
    at = max(0, arrived.find(part[:_SURE_BYTES]))
    missing = 0
    for start in range(0, len(part), FRAME_BYTES):
        if arrived[at : at + FRAME_BYTES] == part[start : start + FRAME_BYTES]:
            at += FRAME_BYTES
        else:
            missing += 1
    return missing


def _audio(event: dict[str, object], newest_interruption: int) -> Iterator[bytes]:
    audio = b64decode(str(event["audio_base_64"]))
    if audio and int(str(event["event_id"])) >= newest_interruption:
        yield audio


def _is_cut(unheard: bytes, end: bytes) -> bool:
    """Whether `end`, the end of the tape, is the beginning of `unheard`."""
    begun = end.strip(_NOISELESS)
    if not begun:
        return len(end) < _PAUSE_MS * BYTES_PER_MS
    return unheard.lstrip(_NOISELESS).startswith(begun)
