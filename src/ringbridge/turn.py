"""What a brain is told: the turn it answers, the conversation so far, the call it is on; and what it can do there."""

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias, TypeVar

from ringbridge.errors import NoLine
from ringbridge.facts import Fact
from ringbridge.ids import CallSid, ConversationId
from ringbridge.llm.base import Model

__all__ = ["Brain", "Call", "Line", "Message", "Turn", "Work"]

_Result_co = TypeVar("_Result_co", covariant=True)
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Message:
    """One utterance of the conversation: who spoke (`user` is the caller), and the words."""

    role: Literal["user", "agent"]
    text: str


class Work(Awaitable[_Result_co], Protocol[_Result_co]):
    """Something under way that may outlive the turn which began it: to be awaited, or cancelled."""

    def cancel(self) -> object:
        """Have it end as soon as it can."""
        ...

    def done(self) -> bool:
        """Whether it has ended."""
        ...


class Line(Protocol):
    """The line of one call, for whoever answers a turn on it. `Call` says what each of these does."""

    async def hang_up(self) -> bool: ...  # noqa: D102
    async def transfer_call(self, name: str) -> bool: ...  # noqa: D102
    async def send_digits(self, digits: str) -> bool: ...  # noqa: D102
    async def collect_digits(self, n: int, finish_on: str, timeout: float, *, secret: bool) -> None: ...  # noqa: ASYNC109, D102
    async def play(self, sound: str | Path) -> bool: ...  # noqa: D102
    async def remember(self, key: str, value: str) -> None: ...  # noqa: D102
    async def recall(self, key: str) -> str | None: ...  # noqa: D102
    async def recall_all(self) -> dict[str, str]: ...  # noqa: D102
    async def forget(self) -> None: ...  # noqa: D102
    async def confirmed(self) -> None: ...  # noqa: D102

    @property
    def models(self) -> Model:
        """The models that LLMS or OPENAI_MODEL name, which stand in for each other."""
        ...

    @property
    def transfer_names(self) -> tuple[str, ...]:
        """To whom this call can be transferred: the names in TRANSFER_NUMBERS."""
        ...

    def start(self, work: Coroutine[Any, Any, _Result], *, name: str) -> Work[_Result]:
        """Run something that is not to end with the turn. It is cancelled when the process stops.

        Like `note`, it is for turns that are `confirmed`.
        """
        ...

    def note(self, fact: Fact) -> None:
        """Tell whoever listens to this call what has happened."""
        ...


class _NoLine:
    """Stands in where a call was made up, as in a test of a brain on its own."""

    async def confirmed(self) -> None:
        """Whoever made the call up means it."""

    def __getattr__(self, name: str) -> Any:
        raise NoLine(f"this call was made up and has no line, which `{name}` needs: dial, as the fixture `phone` does")


NO_LINE: Any = _NoLine()


@dataclass(frozen=True, slots=True)
class Call:
    """The phone call that a turn belongs to.

    `caller` is the human's number as Twilio gives it: E.164, `anonymous`, `client:…`, `sip:…` or empty; `called` is
    ours. On an outbound call the two are the same way round: the caller is still the human.
    `digits` are the numbers keyed so far, in order, one entry for each `#` or pause of 1.5 s. `language` is the
    speech engine's, as an ISO 639 code. `state` is the brain's own, empty at first and kept as long as the call.

    What is done on the line ends the turn's words: it begins when they have been heard, whatever is yielded after it
    is not spoken, and a barge-in takes it back. Each of these returns whether it was done, `False` when it was taken
    back; when the caller's next words open a turn, the one that waits is cancelled like any other.
    """

    sid: CallSid
    caller: str
    called: str
    conversation_id: ConversationId
    digits: tuple[str, ...] = ()
    language: str = "en"
    state: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    line: Line = field(default=NO_LINE, repr=False, compare=False)

    async def hang_up(self) -> bool:
        """End the call, as soon as the goodbye was heard."""
        return await self.line.hang_up()

    async def transfer_call(self, name: str) -> bool:
        """Put the caller through to the number that TRANSFER_NUMBERS has under `name`.

        A human who takes the call keeps it; if nobody does, the next turn says so. Raises `NotAllowed` for any other
        name.
        """
        return await self.line.transfer_call(name)

    async def send_digits(self, digits: str) -> bool:
        """Press keys towards the caller: 0-9, *, #, A-D, and w for a pause of half a second, at most 32 of them.

        Raises `NotAllowed` for anything else. The talk goes on afterwards.
        """
        return await self.line.send_digits(digits)

    async def collect_digits(
        self,
        n: int,
        finish_on: str = "#",
        timeout: float = 10.0,  # noqa: ASYNC109 - it is the caller's time, counted on the call
        *,
        secret: bool = False,
    ) -> None:
        """Gather up to `n` keys, or those before `finish_on`, or until none came for `timeout` seconds.

        They open the next turn: its text is "Caller pressed 1234" ("Caller entered no digits" when none came), and they
        are the last of its `digits`. If `secret`, its text is "Caller entered digits", and no log has them.
        """
        await self.line.collect_digits(n, finish_on, timeout, secret=secret)

    async def play(self, sound: str | Path) -> bool:
        """Play a WAV file or raw mu-law at 8 kHz, from a path or an http(s) URL.

        Raises `NotAllowed` when it can't be had or read.
        """
        return await self.line.play(sound)

    async def remember(self, key: str, value: str) -> None:
        """Keep something about this caller for later calls; nothing is kept for one without a number."""
        await self.line.remember(key, value)

    async def recall(self, key: str) -> str | None:
        """What was kept about this caller under `key`."""
        return await self.line.recall(key)

    async def forget(self) -> None:
        """Forget everything that was kept about this caller."""
        await self.line.forget()


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing to answer: the whole history (oldest first, its last entry the caller's newest words), and the call.

    The history is what was heard: where the caller cut in on the agent, the agent's words end there. `interrupted`
    says that this happened to its last words, `heard` is what was heard of them. `heard_out` says that the caller
    had heard all of them before saying the words of this turn.
    """

    history: tuple[Message, ...]
    call: Call
    interrupted: bool = False
    heard: str = ""
    heard_out: bool = True
    utterance: int = 0
    """Rises when the agent has been heard in between: turns of one utterance are one wish, transcribed anew."""

    @property
    def text(self) -> str:
        """The caller's newest words; empty when the caller is silent."""
        return self.history[-1].text if self.history and self.history[-1].role == "user" else ""

    async def confirmed(self) -> None:
        """Wait until it is certain that the caller has said this, which it is at once unless SPECULATE is on.

        What is done on the line waits for this by itself; other deeds, such as a request that books something, should
        be preceded by it. A guess that was wrong is cancelled here.
        """
        await self.call.line.confirmed()

    @property
    def caller(self) -> str:
        """Same as `call.caller`."""
        return self.call.caller

    @property
    def digits(self) -> tuple[str, ...]:
        """Same as `call.digits`."""
        return self.call.digits


Brain: TypeAlias = Callable[[Turn], AsyncIterator[str]]
"""A brain: `async def reply(turn): yield "text"`. It is spoken while it is being yielded."""
