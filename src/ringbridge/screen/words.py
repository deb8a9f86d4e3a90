"""What is shown of a call: each fact of the bridge as a row of text, if it is worth one."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from ringbridge import facts
from ringbridge.facts import Fact, Outcome
from ringbridge.waterfall import OURS, Waterfall

__all__ = ["Kind", "Row", "row_of"]

Kind: TypeAlias = Literal["call", "caller", "agent", "note", "bad"]
"""`note` is what one would not hear, `bad` what went wrong."""

_ENDS: Final = {
    Outcome.GOODBYE: "the bridge hung up, after the goodbye was heard",
    Outcome.FAULT: "it broke, and the caller was told so",
    Outcome.TRANSFERRED: "a human took it",
    Outcome.CALLER_GONE: "the caller hung up",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A line: `who` speaks, or what it is about. Personal."""

    kind: Kind
    who: str
    text: str


def row_of(fact: Fact) -> Row | None:
    """The row that a fact is worth; `None` for what would not be missed."""
    match fact:
        case facts.CallBegan(caller=caller, called=called):
            return Row("call", "call", f"{caller or 'somebody'} is on the line of {called}")
        case facts.CallRefused(why=why):
            return Row("bad", "call", f"was not taken: {why}")
        case facts.CallEnded(outcome=outcome):
            return Row("call", "call", f"is over: {_ENDS[outcome] if outcome else 'before anything came of it'}")
        case facts.CallerSpoke(text=text):
            return Row("caller", "caller", text)
        case facts.DigitsPressed(digits=digits):
            return Row("caller", "caller", f"presses {digits or 'nothing'}")
        case facts.AgentSpoke(text=text):
            return Row("agent", "agent", text)
        case facts.AgentCorrected(text=text):
            return Row("note", "heard", f"of that, before the caller cut in: {text!r}")
        case facts.CallerWaited(waterfall=waterfall) if waterfall.is_answer:
            return Row("note", "waited", _wait(waterfall))
        case facts.ToolEnded(name=name, how=how, ms=ms, result=result):
            kind: Kind = "bad" if how in {"failed", "late"} else "note"
            return Row(kind, "tool", f"{name}: {how} after {ms / 1000:.1f} s. {result}")
        case _:
            return _problem(fact) or _action(fact)


def _problem(fact: Fact) -> Row | None:
    match fact:
        case facts.Faulted(reason=reason):
            text = f"the call can't go on: {reason}"
        case facts.TurnFailed(cause=cause):
            text = f"the brain failed: {cause}"
        case facts.TurnAnswered(by="too_slow"):
            text = "the brain said nothing for BRAIN_DEADLINE; the caller was told sorry"
        case facts.EngineComplained(kind=kind, text=words):
            text = f"the speech engine complains: {kind}: {words}"
        case facts.GreetingRefused():
            text = "the engine does not allow GREETING; unset SPEECH_ENGINE_ID for a new engine, or set GREETING="
        case facts.StreamLost(code=code):
            text = f"Twilio's stream was lost, {_code(code)}"
        case facts.ConversationClosed(code=code, reason=reason) if code != 1000:
            text = f"ElevenLabs ended the conversation, {_code(code)} {reason}".rstrip()
        case facts.ConversationRedialled(reason=reason):
            text = f"the conversation is dialled again: {reason}"
        case facts.ConversationGivenBack():
            text = "no stream came for the call; see whether WebSockets pass the tunnel or proxy"
        case facts.Broken(peer=peer, problem=problem):
            text = f"a message of {peer} could not be read: {problem}"
        case facts.Unsent(peer=peer):
            text = f"{peer} takes audio too slowly, and some is dropped"
        case _:
            return None
    return Row("bad", "error", text)


def _action(fact: Fact) -> Row | None:
    match fact:
        case facts.ClipPlayed(clip=clip):
            text = f"speaks with its own voice: {clip.replace('_', ' ')}"
        case facts.Parting(why=why):
            text = f"says goodbye: {why}"
        case facts.Transferring(name=name, ended=ended):
            text = f"put the caller through to {name}, where nobody took it" if ended else f"calls {name}"
        case facts.DigitsSent(digits=digits):
            text = f"presses {digits}"
        case facts.VoicemailLeft(seconds=seconds):
            text = f"has a message of {seconds} s, which Twilio keeps"
        case _:
            return None
    return Row("note", "bridge", text)


def _wait(waterfall: Waterfall) -> str:
    """The whole, then its parts in ms as far as they are known, then what of it was ours."""
    parts = [f"{name} {ms:.0f}" for name, ms in waterfall.parts.items() if ms is not None and name not in OURS]
    by = "" if waterfall.by == "brain" else f" ({(waterfall.by or 'no words').replace('_', ' ')})"
    return f"{waterfall.total / 1000:.2f} s{by}: {', '.join(parts)}, ours {waterfall.ours or 0:.1f} ms"


def _code(code: int | None) -> str:
    return "without a close frame" if code is None else f"code {code}"
