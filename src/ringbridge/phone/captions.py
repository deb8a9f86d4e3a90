"""What the page shows of a call besides its words: each fact of the bridge as a message, if it is worth one."""

from ringbridge import facts
from ringbridge.facts import Fact
from ringbridge.phone.messages import CallerWords, Keys, Remark, ToPage, Waited

__all__ = ["caption"]


def caption(fact: Fact) -> ToPage | None:
    """The message that tells the page of a fact; `None` for what is told otherwise, or would not be missed."""
    match fact:
        case facts.CallerSpoke(text=text):
            return CallerWords(text, final=True)
        case facts.DigitsPressed(digits=digits):
            return Keys(digits)
        case facts.CallerWaited(waterfall=waterfall) if waterfall.is_answer:
            return Waited(waterfall.total, waterfall.parts, waterfall.by)
        case _:
            return _remark(fact)


def _remark(fact: Fact) -> Remark | None:
    match fact:
        case facts.ToolEnded(name=name, how=how, ms=ms, result=result):
            return Remark(f"{name}: {how} after {ms / 1000:.1f} s. {result}", bad=how in {"failed", "late"})
        case facts.TurnFailed(cause=cause):
            return Remark(f"The brain failed: {cause}", bad=True)
        case facts.TurnAnswered(by="too_slow"):
            return Remark("The brain took too long.", bad=True)
        case facts.Faulted(reason=reason):
            return Remark(reason, bad=True)
        case facts.EngineComplained(text=text):
            return Remark(f"The engine complains: {text}", bad=True)
        case facts.CallRefused(why=why):
            return Remark(f"The call was not taken: {why}.", bad=True)
        case facts.ClipPlayed(clip=clip):
            return Remark(f"The bridge speaks with its own voice: {clip.replace('_', ' ')}.")
        case facts.Transferring(name=name, ended=False):
            return Remark(f"You are put through to {name}, where nobody is: this telephone has no other line.")
        case facts.DigitsSent(digits=digits):
            return Remark(f"The agent presses {digits}.")
        case facts.Parting(why=why):
            return Remark(f"The bridge says goodbye: {why}.")
        case _:
            return None
