"""Whose turn it is on one brain socket: every state and every transition is in this file.

    NEW ──init──▶ FINDING ──call found──▶ LISTENING ──transcript──▶ REPLYING ──reply over──▶ LISTENING
                                                                       │ newer transcript
                                                                       ▼
                                             REPLYING ◀──reply over── CANCELLING

From everywhere, a `close`, an `error`, a newer socket, the call's or the socket's own end lead to ENDED, where nothing
happens any more. A transcript that comes while it can't be answered (NEW, FINDING, CANCELLING) waits; the newest
replaces an older one.
"""

from enum import Enum
from typing import Literal, assert_never

from ringbridge.brain import commands, events
from ringbridge.brain.commands import Command, Report, Send
from ringbridge.brain.events import Event
from ringbridge.brain.plain import Plain
from ringbridge.phrases import Phrases
from ringbridge.turn import Message
from ringbridge.wire import brain as wire

__all__ = ["INIT_SECONDS", "State", "Turns"]

INIT_SECONDS = 10.0
"""A socket that has not said for so long which conversation it serves is closed."""

POLICY_VIOLATION = 1008
"""The close code of RFC 6455, 7.4.1, for a peer that we serve no further."""


class State(Enum):
    """Where one brain socket stands."""

    NEW = "no init has come"
    FINDING = "the call of the conversation is looked for"
    LISTENING = "nothing waits for an answer"
    REPLYING = "the brain answers"
    CANCELLING = "the brain is to let go of its reply, and a newer transcript waits"
    ENDED = "the socket is over"


class _Reply:
    """One reply of the brain, as it goes out."""

    def __init__(self, number: int, event_id: int | None) -> None:
        self.number = number
        self.event_id = event_id
        self.plain = Plain()
        self.spoken = False
        """Whether anything went out that a voice can say."""
        self.mid_sentence = False

    def piece(self, text: str) -> list[Command]:
        """What to send for cleaned `text`."""
        if not text:
            return []
        self.spoken = self.spoken or _has_words(text)
        if end := text.rstrip()[-1:]:
            self.mid_sentence = end not in ".!?…"
        return [Send(wire.AgentResponse(text, self.event_id, is_final=False))]


class Turns:
    """The machine: events in, commands out. It must be told `Opened` first."""

    def __init__(self, phrases: Phrases) -> None:
        """`phrases` are what the caller hears where the brain has no words."""
        self.state = State.NEW
        self._phrases = phrases
        self._reply: _Reply | None = None
        self._waiting: wire.UserTranscript | None = None
        self._highest: int | None = None
        self._replies = 0
        self._silences = 0
        self._wordless = 0

    def handle(self, event: Event) -> list[Command]:
        """Take one event; the commands are to be carried out in order, before the next event."""
        if self.state is State.ENDED:
            return []
        match event:
            case wire.UserTranscript():
                return self._transcript(event)
            case events.ReplySaid() | events.ReplyEnded() | events.ReplyFailed() | events.ReplyCancelled():
                return self._of_reply(event)
            case wire.Ping():
                return [Send(wire.Pong())]
            case events.Opened():
                return [commands.SetTimer(INIT_SECONDS)]
            case events.TimerFired():
                return self._never_initiated() if self.state is State.NEW else []
            case wire.Init(conversation_id=conversation_id):
                if self.state is not State.NEW:
                    return _pass_over("a second init")
                self.state = State.FINDING
                return [commands.FindCall(conversation_id)]
            case events.CallFound(answered=answered):
                return self._found(answered)
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
            self.state = State.CANCELLING
            return [_superseded(self._reply.event_id, event_id), commands.CancelReply(self._reply.number)]
        return [_superseded(superseded.event_id, event_id)] if superseded else []

    def _found(self, answered: int | None) -> list[Command]:
        """A redialled socket may be asked again what the older one has answered: nothing is said twice."""
        waiting = self._waiting
        if answered is not None:
            self._highest = max(answered, -1 if self._highest is None else self._highest)
            if waiting is not None and waiting.event_id is not None and waiting.event_id <= answered:
                self._waiting = None
                return [Report(commands.TranscriptPassedOver(waiting.event_id)), *self._answer_waiting()]
        return self._answer_waiting()

    def _answer_waiting(self) -> list[Command]:
        self.state = State.LISTENING
        transcript, self._waiting = self._waiting, None
        return self._answer(transcript) if transcript else []

    def _answer(self, transcript: wire.UserTranscript) -> list[Command]:
        if _is_silent(transcript.history):
            phrase = _in_turn(self._phrases.still_there, self._silences)
            self._silences += 1
            return _phrase(transcript.event_id, phrase, "still_there")
        self._silences = 0
        self._replies += 1
        self._reply = _Reply(self._replies, transcript.event_id)
        self.state = State.REPLYING
        return [
            Report(commands.TurnBegan(transcript.event_id)),
            commands.StartReply(self._replies, transcript.history),
        ]

    # Replies: how they end

    def _of_reply(self, event: events.ReplyEvent) -> list[Command]:
        reply = self._reply
        if reply is None or event.number != reply.number:
            return []  # it was given up on, and lives on for a while
        if isinstance(event, events.ReplySaid):
            return reply.piece(reply.plain.feed(event.text)) if self.state is State.REPLYING else []
        self._reply = None
        if self.state is State.CANCELLING:
            # No final piece: ElevenLabs drops whatever carries a superseded id.
            return self._answer_waiting()
        self.state = State.LISTENING
        match event:
            case events.ReplyEnded():
                return self._complete(reply)
            case events.ReplyFailed(cause=cause):
                return self._sorry(reply, cause)
            case events.ReplyCancelled():
                return self._sorry(reply, "the brain cancelled itself")

    def _complete(self, reply: _Reply) -> list[Command]:
        rest = reply.piece(reply.plain.finish())
        if not reply.spoken:
            phrase = _in_turn(self._phrases.ask_again, self._wordless)
            self._wordless += 1
            return _phrase(reply.event_id, phrase, "ask_again")
        self._wordless = 0
        return [*rest, _final(reply.event_id), Report(commands.TurnAnswered(reply.event_id, "brain"))]

    def _sorry(self, reply: _Reply, cause: str) -> list[Command]:
        """Say so, also after words: one who hears half an answer and then nothing waits, or hangs up."""
        rest = reply.piece(reply.plain.finish())
        pause = "" if not reply.spoken else ". " if reply.mid_sentence else " "
        return [
            Report(commands.TurnFailed(reply.event_id, cause, after_words=reply.spoken)),
            *rest,
            *_phrase(reply.event_id, pause + self._phrases.model_failed, "model_failed"),
        ]

    # Ends

    def _never_initiated(self) -> list[Command]:
        return [Report(commands.NeverInitiated()), *self._end(POLICY_VIOLATION, "no init")]

    def _end(self, code: int, reason: str = "") -> list[Command]:
        return [*self._let_go(), commands.CloseSocket(code, reason)]

    def _let_go(self) -> list[Command]:
        running = self._reply if self.state is State.REPLYING else None
        self.state = State.ENDED
        self._reply = self._waiting = None
        return [commands.CancelReply(running.number)] if running else []


def _pass_over(why: str) -> list[Command]:
    return [Report(commands.MessagePassedOver(why))]


def _superseded(event_id: int | None, by: int | None) -> Command:
    return Report(commands.TurnSuperseded(event_id, by))


def _final(event_id: int | None) -> Command:
    return Send(wire.AgentResponse("", event_id, is_final=True))


def _phrase(event_id: int | None, text: str, by: Literal["model_failed", "ask_again", "still_there"]) -> list[Command]:
    return [
        Send(wire.AgentResponse(text, event_id, is_final=False)),
        _final(event_id),
        Report(commands.TurnAnswered(event_id, by)),
    ]


def _in_turn(phrases: tuple[str, ...], times: int) -> str:
    return phrases[times % len(phrases)]


def _is_silent(history: tuple[Message, ...]) -> bool:
    # The turn of a silent caller comes with no history, with the agent's words last, or with an entry like "…".
    return not history or history[-1].role != "user" or not _has_words(history[-1].text)


def _has_words(text: str) -> bool:
    return any(character.isalnum() for character in text)
