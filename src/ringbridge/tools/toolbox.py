"""The tools of one call: which of a model's calls run, when, and at most how often."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ringbridge import facts
from ringbridge.llm.base import ToolCall, ToolSchema
from ringbridge.tools.budget import Budget, Spent
from ringbridge.tools.consent import Consent
from ringbridge.tools.exchange import Exchange, Slot
from ringbridge.tools.ledger import Ledger, join, wait
from ringbridge.tools.parameters import Arguments, Refusal
from ringbridge.tools.pending import Pending
from ringbridge.tools.question import MAX_LETTERS
from ringbridge.tools.run import CANCELLED, End, Run, failed
from ringbridge.tools.tool import AnyTool, as_text
from ringbridge.turn import Turn

__all__ = ["Checked", "Next", "Toolbox"]

DECLINED = "Not done: the caller has not clearly said yes to this question: {question}"
AFTER_OTHERS = "another tool of this answer was not done. Read what it says first."
ONE_QUESTION = "one question at a time. Call it again when the caller has answered the other one."
ONE_CLOSING = "only one tool of this kind at a time."
WAITING = "Not done yet: the caller is being asked: {question}"


@dataclass(frozen=True, slots=True)
class Checked:
    """A call that may be made: there is such a tool, and the arguments passed."""

    tool: AnyTool
    arguments: Arguments
    slot: Slot


Next: TypeAlias = str | Checked | None
"""What follows an answer that called tools: a question that the turn ends with; a tool that ends the turn, to be run by
`close` once all words are given out; or else the model is asked again, with what came of its calls."""


class Toolbox:
    """Kept as long as its call. Its coroutines belong to one turn each, and are cancelled with it."""

    def __init__(self, tools: Iterable[AnyTool], budget: Budget) -> None:
        """Made in the call's first turn, in a running event loop: the budget's seconds count from now."""
        self.exchanges: list[Exchange] = []
        """What was asked of the tools so far, oldest first."""
        self._tools = {tool.name: tool for tool in tools}
        self._now = asyncio.get_running_loop().time
        self._spent = Spent(budget, self._now())
        self._ledger = Ledger()
        self._pending: Pending | None = None

    @property
    def schemas(self) -> tuple[ToolSchema, ...]:
        """The tools as a model is told of them."""
        return tuple(tool.schema for tool in self._tools.values())

    def spend(self, tokens: int) -> None:
        """The model has used so many."""
        self._spent.tokens += tokens

    def covers(self, calls: int = 0) -> bool:
        """Whether the budget has room for so many more tool calls, and for asking the model again."""
        return self._spent.covers(calls, now=self._now())

    async def open(self, turn: Turn) -> Checked | None:
        """The caller has spoken: if this is the yes that a tool waits for, it runs now.

        To be called first in each turn. Gives the tool instead if it ends the turn: it is to be run by `close`. What an
        earlier turn of the same utterance has begun is waited for: the model is to know what came of it.
        """
        if self._pending is None and not self._ledger.running:
            return None
        await turn.confirmed()  # a guess must not use up the yes, or join what another turn has begun
        if not self._ledger.enter(turn.utterance):
            for run in self._ledger.running:
                await join(run, turn)
        pending = self._pending
        if pending is None:
            return None
        answer = pending.answered(turn)
        if answer is Consent.YES:
            return await self._run_confirmed(turn, pending)
        if answer is not Consent.UNCLEAR:  # what was unclear may be transcribed anew
            self._pending = None
        told = DECLINED.format(question=pending.question)
        if pending.slot.source != told:
            pending.slot.source = told
            _note(turn, pending.slot.call, "declined", told)
        return None

    async def answer(self, turn: Turn, calls: Sequence[ToolCall], words: str) -> Next:
        """See to the calls of one answer, in which `words` were said. The budget must cover them.

        What can run does so at once, and has ended when this returns.
        """
        await turn.confirmed()
        self._ledger.enter(turn.utterance)
        self._spent.tool_calls += len(calls)
        slots = self._exchange(turn, calls, words)
        begun: list[Run] = []
        joined: list[Run] = []
        asking: list[Checked] = []
        closing: list[Checked] = []
        for slot in slots:
            checked = self._check(slot)
            if isinstance(checked, Refusal):
                _refuse(turn, slot, checked.text)
            elif run := self._ledger.find(checked.tool, checked.arguments):
                slot.source = run
                joined.append(run)
            elif checked.tool.question is not None:
                asking.append(checked)
            elif checked.tool.ends_turn:
                closing.append(checked)
            else:
                begun.append(self._begin(checked, turn))
        await wait(begun)
        for run in joined:
            await join(run, turn)
        return self._ask(turn, asking, closing) if asking else _close_after(turn, closing, slots)

    async def close(self, turn: Turn, last: Checked) -> bool:
        """Run a tool that ends the turn, after its words; whether it did. If not, the model is asked again."""
        tool, began = last.tool, self._now()
        turn.call.line.note(facts.ToolBegan(tool.name, last.arguments.text))
        end = CANCELLED
        try:
            result = await tool.function(**last.arguments.values, **tool.parameters.fill(turn))
            if result is not False:
                end = End("done", as_text(None if result is True else result))
        except Exception as error:  # as in `Run`: the model and the log are told, the caller is answered
            end = failed(tool, error)
        finally:
            last.slot.source = end.text
            turn.call.line.note(facts.ToolEnded(tool.name, end.how, round((self._now() - began) * 1000), end.text))
        return end.how not in ("refused", "failed")

    def _exchange(self, turn: Turn, calls: Sequence[ToolCall], words: str) -> tuple[Slot, ...]:
        slots = tuple(Slot(call) for call in calls)
        self.exchanges.append(Exchange(sum(said.role == "user" for said in turn.history), words, slots))
        return slots

    def _check(self, slot: Slot) -> Checked | Refusal:
        tool = self._tools.get(slot.call.name)
        if tool is None:
            return Refusal(f"there is no such tool, only: {', '.join(self._tools) or 'none'}")
        arguments = tool.parameters.check(slot.call.arguments)
        return arguments if isinstance(arguments, Refusal) else Checked(tool, arguments, slot)

    def _begin(self, checked: Checked, turn: Turn) -> Run:
        run = self._ledger.begin(checked.tool, checked.arguments, turn)
        checked.slot.source = run
        return run

    def _ask(self, turn: Turn, asking: Sequence[Checked], closing: Sequence[Checked]) -> str | None:
        """Have the first question asked. One at a time: a yes must not be taken for the answer to another."""
        first, *rest = asking
        for other in rest:
            _refuse(turn, other.slot, ONE_QUESTION)
        for other in closing:
            _refuse(turn, other.slot, AFTER_OTHERS)
        assert first.tool.question is not None
        question = first.tool.question.ask(first.arguments.values, turn.call.language)
        if len(question) > MAX_LETTERS:
            _refuse(turn, first.slot, "the question to the caller would be too long: shorten the arguments")
            return None
        first.slot.source = WAITING.format(question=question)
        self._pending = Pending(first.tool, first.arguments, question, turn.utterance, first.slot)
        _note(turn, first.slot.call, "asked", question)
        return question

    async def _run_confirmed(self, turn: Turn, pending: Pending) -> Checked | None:
        self._pending = None
        call = ToolCall(f"confirmed_{len(self.exchanges)}", pending.tool.name, pending.arguments.text)
        (slot,) = self._exchange(turn, [call], "")
        checked = Checked(pending.tool, pending.arguments, slot)
        if pending.tool.ends_turn:
            return checked
        run = self._begin(checked, turn)
        try:
            await wait([run])
        finally:
            if run.end is CANCELLED:
                self._pending = pending  # the same words, transcribed anew, may still say yes
        return None


def _close_after(turn: Turn, closing: Sequence[Checked], slots: Sequence[Slot]) -> Checked | None:
    """Let the first tool that ends the turn do so, unless something that the model doesn't know yet went wrong."""
    if not closing:
        return None
    first, *rest = closing
    for other in rest:
        _refuse(turn, other.slot, ONE_CLOSING)
    if sum(slot.done for slot in slots) + len(closing) < len(slots):
        _refuse(turn, first.slot, AFTER_OTHERS)
        return None
    return first


def _refuse(turn: Turn, slot: Slot, why: str) -> None:
    slot.source = f"Not done: {why}"
    _note(turn, slot.call, "refused", slot.source)


def _note(turn: Turn, call: ToolCall, how: Literal["refused", "asked", "declined"], result: str) -> None:
    """Tell of a call that was not made. It begins and ends, as the two are counted against each other."""
    turn.call.line.note(facts.ToolBegan(call.name, call.arguments))
    turn.call.line.note(facts.ToolEnded(call.name, how, 0, result))
