"""Whose turn it is on one brain socket: every state and every transition is in this file.

    NEW ──init──▶ FINDING ──call found──▶ LISTENING ──transcript──▶ REPLYING ──reply over──▶ LISTENING
                                                                       │ newer transcript, or too slow
                                                                       ▼
                                             REPLYING ◀──reply over── CANCELLING

From everywhere, a `close`, an `error`, a newer socket, the call's or the socket's own end lead to ENDED, where nothing
happens any more. A transcript that comes while it can't be answered (NEW, FINDING, CANCELLING) waits; the newest
replaces an older one.

While the brain is silent, time works: a filler, then the deadline. They rest while a tool of the brain's runs, which
has a deadline of its own, and when its words are complete but it waits for the line.

While LISTENING the brain may be asked ahead of the transcript (`speculation.py`).
"""

import itertools
from dataclasses import dataclass
from enum import Enum
from typing import Literal, TypeAlias, assert_never

from ringbridge import facts
from ringbridge.brain import commands, events
from ringbridge.brain.commands import Command, DropTimer, Report, Send, SetTimer
from ringbridge.brain.events import Event, Timer
from ringbridge.brain.reply import Reply
from ringbridge.brain.speculation import Speculation
from ringbridge.brain.talk import FILLER_LETTER_MS, Talk
from ringbridge.plans import HangUp
from ringbridge.turn import Message
from ringbridge.wire import brain as wire

__all__ = ["INIT_SECONDS", "MAX_FAILURES", "Patience", "State", "Turns"]

INIT_SECONDS = 10.0
"""A socket that has not said for so long which conversation it serves is closed."""

FILLER_GAP_SECONDS = 3.0
"""Between two fillers, on top of FILLER_AFTER."""

MAX_FAILURES = 3
"""So many turns in a row may fail until the call is given up."""

POLICY_VIOLATION = 1008
"""The close code of RFC 6455, 7.4.1, for a peer that we serve no further."""

_REST: tuple[Command, ...] = tuple(map(DropTimer, Timer))
"""No timer runs any more."""

_By: TypeAlias = Literal["brain", "model_failed", "ask_again", "still_there", "farewell", "too_slow"]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a brain may be silent, in seconds: until a filler is spoken (`None`: none is), until it has failed."""

    filler: float | None = 1.2
    deadline: float = 8.0


class State(Enum):
    """Where one brain socket stands."""

    NEW = "no init has come"
    FINDING = "the call of the conversation is looked for"
    LISTENING = "nothing waits for an answer"
    REPLYING = "the brain answers"
    CANCELLING = "the brain is to let go of its reply"
    ENDED = "the socket is over"


class Turns:
    """The machine: events in, commands out. It must be told `Opened` first."""

    def __init__(self, patience: Patience, *, speculates: bool = False) -> None:
        """`patience` is how long the caller is made to wait.

        `speculates`: the brain may be asked before the caller's words are final.
        """
        self.state = State.NEW
        self._patience = patience
        self._talk: Talk | None = None
        self._reply: Reply | None = None
        self._waiting: wire.UserTranscript | None = None
        self._highest: int | None = None
        self._numbers = itertools.count(1)
        self._speculation = Speculation(self._numbers, enabled=speculates)

    def handle(self, event: Event) -> list[Command]:
        """Take one event; the commands are to be carried out in order, before the next event."""
        if self.state is State.ENDED:
            return []
        match event:
            case wire.UserTranscript():
                return self._transcript(event)
            case (
                events.ReplySaid()
                | events.ReplyAsked()
                | events.ReplyBegan()
                | events.PlanAsked()
                | events.ToolBegan()
                | events.ToolEnded()
                | events.ReplyEnded()
                | events.ReplyFailed()
                | events.ReplyCancelled()
            ):
                return self._of_reply(event)
            case events.Overheard(text=text):
                listening = self.state is State.LISTENING
                return self._speculation.overheard(text, self._on_call) if listening else []
            case events.Doubted():
                return self._speculation.drop("cancelled")
            case wire.Ping():
                return [Send(wire.Pong())]
            case events.Opened():
                return [SetTimer(Timer.INIT, INIT_SECONDS)]
            case events.TimerFired(timer=timer):
                return self._timer_fired(timer)
            case wire.Init(conversation_id=conversation_id):
                if self.state is not State.NEW:
                    return _pass_over("a second init")
                self.state = State.FINDING
                return [DropTimer(Timer.INIT), commands.FindCall(conversation_id)]
            case events.CallFound(talk=talk):
                return self._found(talk)
            case events.CallUnknown():
                return [
                    Report(commands.UnknownConversation()),
                    *self._end(POLICY_VIOLATION, "unknown conversation"),
                ]
            case wire.Unknown(type=kind):
                return _pass_over(f"unknown type {kind!r}")
            case events.BrokenArrived(field=field):
                return _pass_over(f"broken: {field}")
            case wire.Error(message=message):
                return [Report(commands.EngineGaveUp(message[:200])), *self._end(1000)]
            case wire.Close():
                return self._end(1000)
            case events.CallOver():
                return self._end(1000, "the call is over")
            case events.Replaced():
                return [Report(commands.SocketReplaced()), *self._end(1000, "a newer socket took over")]
            case events.SocketEnded():
                return self._let_go()
            case _:
                assert_never(event)

    # Transcripts: which of them are answered

    def _transcript(self, transcript: wire.UserTranscript) -> list[Command]:
        """The newest wins. Ids rise, so whatever is not above the highest was answered, superseded, or is running."""
        event_id = transcript.event_id
        if event_id is not None:
            if self._highest is not None and event_id <= self._highest:
                return [Report(commands.TranscriptPassedOver(event_id))]
            self._highest = event_id
        if self.state is State.LISTENING:
            return self._answer(transcript)
        superseded, self._waiting = self._waiting, transcript
        if self._reply is not None and self.state is State.REPLYING:
            return [_superseded(self._reply.event_id, event_id), *self._cancel(self._reply)]
        return [_superseded(superseded.event_id, event_id)] if superseded else []

    def _found(self, talk: Talk) -> list[Command]:
        """A redialled socket may be asked again what the older one has answered: nothing is said twice."""
        self._talk = talk
        waiting = self._waiting
        if talk.answered is not None:
            self._highest = max(talk.answered, -1 if self._highest is None else self._highest)
            if waiting is not None and waiting.event_id is not None and waiting.event_id <= talk.answered:
                self._waiting = None
                return [Report(commands.TranscriptPassedOver(waiting.event_id)), *self._answer_waiting()]
        return self._answer_waiting()

    def _answer_waiting(self) -> list[Command]:
        self.state = State.LISTENING
        transcript, self._waiting = self._waiting, None
        return self._answer(transcript) if transcript else []

    def _answer(self, transcript: wire.UserTranscript) -> list[Command]:
        talk = self._on_call
        told = talk.tell(transcript.history)
        guess, guessed = self._speculation.close(told)
        if _is_silent(transcript.history):
            return [*guessed, *self._ask_silent(transcript.event_id)]
        talk.silences = 0
        number = guess.number if guess else next(self._numbers)
        self._reply = Reply(number, transcript.event_id)
        self.state = State.REPLYING
        prompt = next((said.text for said in reversed(told.history) if said.role == "agent"), "")
        return [
            *guessed,
            Report(facts.TurnBegan(transcript.event_id, prompt, told.history[-1].text, told.interrupted)),
            commands.ConfirmReply(number) if guess else commands.StartReply(number, told),
            *self._filler_due(),
            *self._deadline_due(),
            *(command for kept in (guess.kept if guess else ()) for command in self._of_reply(kept)),
        ]

    def _ask_silent(self, event_id: int | None) -> list[Command]:
        """Once, and once more in other words; then the call ends. Who is keying digits is not asked at all."""
        talk = self._on_call
        if talk.gathering:
            return [_final(event_id)]
        questions = talk.phrases.still_there
        if talk.silences < len(questions):
            talk.silences += 1
            return self._phrase(event_id, questions[talk.silences - 1], "still_there")
        goodbye = self._phrase(event_id, talk.phrases.farewell_silent, "farewell")
        return [*goodbye, commands.AskLine(None, HangUp(), event_id)]

    # Replies: what they say

    def _of_reply(self, event: events.ReplyEvent) -> list[Command]:
        reply = self._reply
        if reply is None or event.number != reply.number:
            return self._speculation.keep(event, self._on_call)  # a guess, or one that was given up on
        match event:
            case events.ReplyAsked():
                return [Report(facts.BrainAsked(reply.event_id))]
            case events.ReplyBegan():
                return [Report(facts.BrainBegan(reply.event_id))]
            case events.ReplySaid(text=text):
                return self._said(reply, text) if self.state is State.REPLYING else []
            case events.PlanAsked():
                return self._plan_asked(reply, event) if self.state is State.REPLYING else []
            case events.ToolBegan():
                return self._tool_began(reply)
            case events.ToolEnded():
                return self._tool_ended(reply)
            case events.ReplyEnded() | events.ReplyFailed() | events.ReplyCancelled():
                return self._reply_over(reply, event)

    def _said(self, reply: Reply, text: str) -> list[Command]:
        if reply.closed:
            return _pass_over("the brain's words after something that it asked of the line")
        pieces = self._send(reply, reply.feed(text))
        if not reply.said:
            return pieces
        pause = reply.pause_seconds
        stall = DropTimer(Timer.STALL) if pause is None else SetTimer(Timer.STALL, pause)
        return [*pieces, DropTimer(Timer.FILLER), stall, *([] if reply.tools else self._deadline_due())]

    def _plan_asked(self, reply: Reply, asked: events.PlanAsked) -> list[Command]:
        """The words are complete: they are spoken to their end before the line is asked for anything."""
        words = [] if reply.closed else [*self._send(reply, reply.complete()), *self._close(reply), *self._at_rest()]
        reply.closed = True
        return [*words, commands.AskLine(reply.number, asked.plan, reply.event_id if reply.spoken else None)]

    def _tool_began(self, reply: Reply) -> list[Command]:
        reply.tools += 1
        if reply.tools > 1 or reply.closed or self.state is not State.REPLYING:
            return []
        # What was said before the tool stands alone: it goes out, whatever its end looks like.
        pieces = self._send(reply, reply.complete())
        return [*pieces, DropTimer(Timer.STALL), DropTimer(Timer.DEADLINE), *self._filler_due(reply.unheard_letters)]

    def _tool_ended(self, reply: Reply) -> list[Command]:
        reply.tools -= 1
        if reply.tools or reply.closed or self.state is not State.REPLYING:
            return []
        return self._deadline_due()

    # Replies: how they end

    def _reply_over(self, reply: Reply, event: events.ReplyEnd) -> list[Command]:
        self._reply = None
        if self.state is State.CANCELLING:
            # No final piece: ElevenLabs drops whatever carries a superseded id.
            return self._answer_waiting()
        self.state = State.LISTENING
        match event:
            case events.ReplyEnded():
                return [] if reply.closed else [*self._at_rest(), *self._complete(reply)]
            case events.ReplyFailed(cause=cause):
                return [*self._at_rest(), *self._failed(reply, cause, "model_failed")]
            case events.ReplyCancelled():
                return [*self._at_rest(), *self._failed(reply, "the brain cancelled itself", "model_failed")]

    def _complete(self, reply: Reply) -> list[Command]:
        talk = self._on_call
        rest = self._send(reply, reply.complete())
        if not reply.spoken:
            phrase = talk.phrases.ask_again[talk.wordless % len(talk.phrases.ask_again)]
            talk.wordless += 1
            return self._phrase(reply.event_id, phrase, "ask_again")
        talk.wordless = talk.failures = 0
        return [*rest, *self._close(reply)]

    def _failed(self, reply: Reply, cause: str, by: Literal["model_failed", "too_slow"]) -> list[Command]:
        """Say so, also after words: one who hears half an answer and then nothing waits, or hangs up."""
        failed = Report(facts.TurnFailed(reply.event_id, cause, after_words=reply.spoken))
        if reply.closed:
            return [failed]
        talk = self._on_call
        talk.failures += 1
        rest = self._send(reply, reply.complete())
        if talk.failures >= MAX_FAILURES:
            reason = f"the brain has failed {MAX_FAILURES} times in a row, at last: {cause}"
            return [failed, *rest, commands.GiveUp(reason)]
        pause = "" if not reply.spoken else ". " if reply.mid_sentence else " "
        phrase = talk.phrases.too_slow if by == "too_slow" else talk.phrases.model_failed
        return [failed, *rest, *self._phrase(reply.event_id, pause + phrase, by)]

    # Time

    def _timer_fired(self, timer: Timer) -> list[Command]:
        if timer is Timer.INIT:
            return self._never_initiated() if self.state is State.NEW else []
        if timer is Timer.SETTLED:
            return self._speculation.settled(self._on_call) if self.state is State.LISTENING else []
        if timer is Timer.OUTDATED:
            return self._speculation.drop("cancelled")
        reply = self._reply
        if reply is None or reply.closed or self.state is not State.REPLYING:
            return []
        match timer:
            case Timer.FILLER:
                return self._filler(reply)
            case Timer.STALL:
                return self._send(reply, reply.flush())
            case Timer.DEADLINE:
                return self._late(reply)

    def _deadline_due(self) -> list[Command]:
        return [SetTimer(Timer.DEADLINE, self._patience.deadline)]

    def _filler_due(self, letters_before: int = 0) -> list[Command]:
        if self._patience.filler is None:
            return []
        return [SetTimer(Timer.FILLER, self._patience.filler + letters_before * FILLER_LETTER_MS / 1000)]

    def _filler(self, reply: Reply) -> list[Command]:
        talk = self._on_call
        text = talk.next_filler()
        spoken = f" {text} " if reply.spoken else f"{text} "
        reply.unheard_letters = 0
        talk.sent(reply.event_id, spoken, filler=True)
        return [
            Send(wire.AgentResponse(spoken, reply.event_id, is_final=False)),
            Report(facts.FillerSpoken(reply.event_id, text)),
            SetTimer(
                Timer.FILLER,
                (self._patience.filler or 0) + FILLER_GAP_SECONDS + len(text) * FILLER_LETTER_MS / 1000,
            ),
        ]

    def _late(self, reply: Reply) -> list[Command]:
        cause = f"it said nothing for {self._patience.deadline:g} s"
        return [*self._cancel(reply), *self._failed(reply, cause, "too_slow")]

    # Sending

    def _send(self, reply: Reply, pieces: list[str]) -> list[Command]:
        talk = self._on_call
        sent: list[Command] = []
        for piece in pieces:
            talk.sent(reply.event_id, piece)
            sent.append(Send(wire.AgentResponse(piece, reply.event_id, is_final=False)))
            if reply.spoken and not reply.told:
                reply.told = True
                sent.append(Report(facts.WordsSent(reply.event_id)))
        return sent

    def _close(self, reply: Reply) -> list[Command]:
        return [_final(reply.event_id), *self._answered(reply.event_id, "brain")]

    def _phrase(self, event_id: int | None, text: str, by: _By) -> list[Command]:
        self._on_call.sent(event_id, text)
        piece = Send(wire.AgentResponse(text, event_id, is_final=False))
        return [piece, _final(event_id), *self._answered(event_id, by)]

    def _answered(self, event_id: int | None, by: _By) -> list[Command]:
        if event_id is not None:
            self._on_call.answered = event_id
        return [Report(facts.TurnAnswered(event_id, by))]

    # Ends

    def _never_initiated(self) -> list[Command]:
        return [Report(commands.NeverInitiated()), *self._end(POLICY_VIOLATION, "no init")]

    def _end(self, code: int, reason: str = "") -> list[Command]:
        return [*self._let_go(), commands.CloseSocket(code, reason)]

    def _let_go(self) -> list[Command]:
        running = self._reply if self.state is State.REPLYING else None
        self.state = State.ENDED
        self._reply = self._waiting = None
        cancelled = [commands.CancelReply(running.number)] if running else []
        return [*self._speculation.drop("cancelled"), *_REST, *cancelled]

    def _cancel(self, reply: Reply) -> list[Command]:
        self.state = State.CANCELLING
        return [*self._at_rest(), commands.CancelReply(reply.number)]

    @staticmethod
    def _at_rest() -> list[Command]:
        return [DropTimer(Timer.FILLER), DropTimer(Timer.DEADLINE), DropTimer(Timer.STALL)]

    @property
    def _on_call(self) -> Talk:
        assert self._talk is not None, "nothing is answered before the call is found"
        return self._talk


def _pass_over(why: str) -> list[Command]:
    return [Report(commands.MessagePassedOver(why))]


def _superseded(event_id: int | None, by: int | None) -> Command:
    return Report(facts.TurnSuperseded(event_id, by))


def _final(event_id: int | None) -> Command:
    return Send(wire.AgentResponse("", event_id, is_final=True))


def _is_silent(history: tuple[Message, ...]) -> bool:
    # The turn of a silent caller comes with no history, with the agent's words last, or with an entry like "…".
    return not history or history[-1].role != "user" or not any(map(str.isalnum, history[-1].text))
