"""The machine of turns, as a screenplay: what comes, what is to be done."""

import pytest

from ringbridge.brain.commands import (
    CancelReply,
    CloseSocket,
    EngineGaveUp,
    FindCall,
    MessagePassedOver,
    NeverInitiated,
    Report,
    Send,
    SetTimer,
    SocketReplaced,
    StartReply,
    TranscriptPassedOver,
    TurnAnswered,
    TurnBegan,
    TurnFailed,
    TurnSuperseded,
    UnknownConversation,
)
from ringbridge.brain.events import (
    BrokenArrived,
    CallFound,
    CallOver,
    CallUnknown,
    Opened,
    Replaced,
    ReplyCancelled,
    ReplyEnded,
    ReplyFailed,
    ReplySaid,
    SocketEnded,
    TimerFired,
)
from ringbridge.brain.turns import State, Turns
from ringbridge.phrases import Phrases
from ringbridge.turn import Message
from ringbridge.wire.brain import AgentResponse, Close, Error, Init, Ping, Pong, Unknown, UserTranscript

PHRASES = Phrases(
    language="en-US",
    sorry="",
    goodbye="",
    model_failed="That went wrong.",
    ask_again=("Again?", "In other words?"),
    still_there=("Still there?", "Hello?"),
)


def words(text="A table, please."):
    return (Message("agent", "Hello."), Message("user", text))


def transcript(event_id, text="A table, please."):
    return UserTranscript(words(text), event_id)


def said(text, event_id):
    return Send(AgentResponse(text, event_id, is_final=False))


def final(event_id):
    return Send(AgentResponse("", event_id, is_final=True))


def phrase(text, event_id, by):
    return [said(text, event_id), final(event_id), Report(TurnAnswered(event_id, by))]


def began(number, event_id, history=None):
    return [Report(TurnBegan(event_id)), StartReply(number, history or words())]


@pytest.fixture
def turns():
    """A machine that listens."""
    turns = Turns(PHRASES)
    turns.handle(Opened())
    turns.handle(Init("conv_1"))
    turns.handle(CallFound())
    return turns


@pytest.fixture
def replying(turns):
    """A machine whose brain answers transcript 5."""
    assert turns.handle(transcript(5)) == began(1, 5)
    return turns


def test_beginning():
    turns = Turns(PHRASES)
    assert turns.handle(Opened()) == [SetTimer(10.0)]
    assert turns.handle(Init("conv_1")) == [FindCall("conv_1")]
    assert turns.handle(TimerFired()) == []
    assert turns.handle(CallFound()) == []
    assert turns.state is State.LISTENING


def test_no_init():
    turns = Turns(PHRASES)
    turns.handle(Opened())
    assert turns.handle(TimerFired()) == [Report(NeverInitiated()), CloseSocket(1008, "no init")]
    assert turns.state is State.ENDED


def test_a_second_init_changes_nothing(replying):
    assert replying.handle(Init("conv_2")) == [Report(MessagePassedOver("a second init"))]
    assert replying.state is State.REPLYING


def test_unknown_conversation():
    turns = Turns(PHRASES)
    turns.handle(Init("conv_1"))
    assert turns.handle(CallUnknown()) == [
        Report(UnknownConversation()),
        CloseSocket(1008, "unknown conversation"),
    ]


def test_transcripts_wait_for_init_and_call_and_the_newest_is_answered():
    turns = Turns(PHRASES)
    turns.handle(Opened())
    assert turns.handle(transcript(1)) == []
    turns.handle(Init("conv_1"))
    assert turns.handle(transcript(2)) == [Report(TurnSuperseded(1, 2))]
    assert turns.handle(transcript(1)) == [Report(TranscriptPassedOver(1))]
    assert turns.handle(transcript(2)) == [Report(TranscriptPassedOver(2))]
    assert turns.handle(CallFound()) == began(1, 2)


def test_an_answer(replying):
    assert replying.handle(ReplySaid(1, "Gladly. ")) == [said("Gladly. ", 5)]
    assert replying.handle(ReplySaid(1, "For **two**")) == [said("For two", 5)]
    assert replying.handle(ReplySaid(1, "?")) == [said("?", 5)]
    assert replying.handle(ReplyEnded(1)) == [final(5), Report(TurnAnswered(5, "brain"))]
    assert replying.state is State.LISTENING


def test_what_the_cleaner_still_held_goes_before_the_end(replying):
    replying.handle(ReplySaid(1, "See [here"))
    assert replying.handle(ReplyEnded(1)) == [said("[here", 5), final(5), Report(TurnAnswered(5, "brain"))]


@pytest.mark.parametrize("event_id", [5, 4, 0, -1])
def test_resends_and_older_ids_are_passed_over_during_and_after_the_answer(replying, event_id):
    passed_over = [Report(TranscriptPassedOver(event_id))]
    assert replying.handle(transcript(event_id)) == passed_over
    replying.handle(ReplySaid(1, "Yes."))
    assert replying.handle(transcript(event_id)) == passed_over
    replying.handle(ReplyEnded(1))
    assert replying.handle(transcript(event_id)) == passed_over
    assert replying.handle(transcript(6, "Really?")) == began(2, 6, words("Really?"))


def test_a_newer_transcript_waits_for_the_end_of_the_running_reply(replying):
    replying.handle(ReplySaid(1, "Let me"))
    assert replying.handle(transcript(6, "Stop")) == [Report(TurnSuperseded(5, 6)), CancelReply(1)]
    assert replying.handle(ReplySaid(1, " see")) == []
    assert replying.handle(transcript(5)) == [Report(TranscriptPassedOver(5))]
    assert replying.handle(ReplyCancelled(1)) == began(2, 6, words("Stop"))


def test_of_those_that_come_meanwhile_the_newest_is_answered(replying):
    replying.handle(transcript(6))
    assert replying.handle(transcript(7)) == [Report(TurnSuperseded(6, 7))]
    assert replying.handle(transcript(6)) == [Report(TranscriptPassedOver(6))]
    assert replying.handle(ReplyCancelled(1)) == began(2, 7)


@pytest.mark.parametrize("end", [ReplyEnded(1), ReplyFailed(1, "KeyError"), ReplyCancelled(1)])
def test_a_superseded_turn_gets_no_final_however_its_reply_ends(replying, end):
    replying.handle(transcript(6))
    assert replying.handle(end) == began(2, 6)


def test_an_abandoned_reply_is_not_heard_of_again(replying):
    replying.handle(transcript(6))
    replying.handle(ReplyCancelled(1))  # given up on
    assert replying.handle(ReplySaid(1, "as I was saying")) == []
    assert replying.handle(ReplyFailed(1, "KeyError")) == []
    assert replying.handle(ReplySaid(2, "Yes.")) == [said("Yes.", 6)]


def test_without_ids_everything_is_new(turns):
    assert turns.handle(transcript(None)) == began(1, None)
    assert turns.handle(transcript(None)) == [Report(TurnSuperseded(None, None)), CancelReply(1)]
    assert turns.handle(ReplyCancelled(1)) == began(2, None)
    assert turns.handle(ReplySaid(2, "Yes.")) == [said("Yes.", None)]
    assert turns.handle(ReplyEnded(2)) == [final(None), Report(TurnAnswered(None, "brain"))]


def test_an_id_after_none_and_none_after_an_id(replying):
    assert replying.handle(transcript(None)) == [Report(TurnSuperseded(5, None)), CancelReply(1)]
    replying.handle(ReplyCancelled(1))
    assert replying.handle(transcript(5)) == [Report(TranscriptPassedOver(5))]
    assert replying.handle(transcript(6)) == [Report(TurnSuperseded(None, 6)), CancelReply(2)]


def test_a_failure_before_the_first_word(replying):
    assert replying.handle(ReplyFailed(1, "KeyError")) == [
        Report(TurnFailed(5, "KeyError", after_words=False)),
        *phrase("That went wrong.", 5, "model_failed"),
    ]


@pytest.mark.parametrize(
    ("before", "pause"), [("It is", ". "), ("It is ", ". "), ("It is so.", " "), ("It is so! ", " ")]
)
def test_a_failure_after_words_is_owned_up_to_apart_from_them(replying, before, pause):
    replying.handle(ReplySaid(1, before))
    assert replying.handle(ReplyFailed(1, "KeyError")) == [
        Report(TurnFailed(5, "KeyError", after_words=True)),
        *phrase(pause + "That went wrong.", 5, "model_failed"),
    ]


def test_a_brain_that_cancels_itself_has_failed(replying):
    assert replying.handle(ReplyCancelled(1))[1:] == phrase("That went wrong.", 5, "model_failed")


@pytest.mark.parametrize("nothing", [[], [""], ["\n", " "], ["👍"], ["...", "**"]])
def test_a_wordless_answer_is_asked_about_in_other_words_each_time(turns, nothing):
    heard = []
    for number in (1, 2, 3):
        turns.handle(transcript(number))
        for piece in nothing:
            turns.handle(ReplySaid(number, piece))
        *_, text, end, fact = turns.handle(ReplyEnded(number))
        assert (end, fact) == (final(number), Report(TurnAnswered(number, "ask_again")))
        heard.append(text.message.content)
    assert heard == ["Again?", "In other words?", "Again?"]


def test_after_an_answer_the_first_words_are_used_again(turns):
    turns.handle(transcript(1))
    turns.handle(ReplyEnded(1))
    turns.handle(transcript(2))
    turns.handle(ReplySaid(2, "Yes."))
    turns.handle(ReplyEnded(2))
    turns.handle(transcript(3))
    assert turns.handle(ReplyEnded(3)) == phrase("Again?", 3, "ask_again")


@pytest.mark.parametrize("history", [(), (Message("agent", "Hello."),), words(""), words(" \n"), words("...")])
def test_a_silent_caller_is_asked_without_the_model(turns, history):
    assert turns.handle(UserTranscript(history, 1)) == phrase("Still there?", 1, "still_there")
    assert turns.handle(UserTranscript(history, 1)) == [Report(TranscriptPassedOver(1))]
    assert turns.handle(UserTranscript(history, 2)) == phrase("Hello?", 2, "still_there")
    assert turns.handle(transcript(3)) == began(1, 3)
    turns.handle(ReplySaid(1, "Yes."))
    turns.handle(ReplyEnded(1))
    assert turns.handle(UserTranscript(history, 4)) == phrase("Still there?", 4, "still_there")


def test_ping_is_answered_at_any_time(replying):
    assert Turns(PHRASES).handle(Ping()) == [Send(Pong())]
    assert replying.handle(Ping()) == [Send(Pong())]


def test_what_can_not_be_used_is_passed_over(replying):
    assert replying.handle(Unknown("vad")) == [Report(MessagePassedOver("unknown type 'vad'"))]
    assert replying.handle(BrokenArrived("type: it is missing")) == [
        Report(MessagePassedOver("broken: type: it is missing"))
    ]
    assert replying.handle(ReplySaid(1, "Yes.")) == [said("Yes.", 5)]


@pytest.fixture
def finding():
    """A machine of a redialled socket, whose call is being looked for."""
    turns = Turns(PHRASES)
    turns.handle(Opened())
    turns.handle(Init("conv_1"))
    return turns


def test_a_redialled_socket_does_not_answer_again_what_the_older_one_has_answered(finding):
    turns = finding
    turns.handle(transcript(5))
    assert turns.handle(CallFound(answered=5)) == [Report(TranscriptPassedOver(5))]
    assert turns.handle(transcript(4)) == [Report(TranscriptPassedOver(4))]
    assert turns.handle(transcript(6)) == began(1, 6)


def test_a_redialled_socket_answers_what_the_older_one_has_not(finding):
    turns = finding
    turns.handle(transcript(5))
    assert turns.handle(CallFound(answered=4)) == began(1, 5)


@pytest.mark.parametrize(
    ("event", "report", "closing"),
    [
        (Close(), [], [CloseSocket(1000)]),
        (Error("q" * 300), [Report(EngineGaveUp("q" * 200))], [CloseSocket(1000)]),
        (CallOver(), [], [CloseSocket(1000, "the call is over")]),
        (Replaced(), [Report(SocketReplaced())], [CloseSocket(1000, "a newer socket took over")]),
        (SocketEnded(), [], []),
    ],
)
def test_ends(replying, event, report, closing):
    assert replying.handle(event) == [*report, CancelReply(1), *closing]
    assert replying.state is State.ENDED
    for late in (ReplySaid(1, "x"), ReplyCancelled(1), transcript(9), Ping(), Close(), SocketEnded(), CallFound()):
        assert replying.handle(late) == []


def test_a_reply_that_is_being_cancelled_is_not_cancelled_again(replying):
    replying.handle(transcript(6))
    assert replying.handle(Close()) == [CloseSocket(1000)]
