"""The machine of turns, as a screenplay: what comes, what is to be done."""

import pytest

from ringbridge.brain.commands import (
    AskLine,
    CancelReply,
    CloseSocket,
    DropTimer,
    EngineGaveUp,
    FindCall,
    GiveUp,
    MessagePassedOver,
    NeverInitiated,
    Report,
    Send,
    SetTimer,
    SocketReplaced,
    StartReply,
    TranscriptPassedOver,
    UnknownConversation,
)
from ringbridge.brain.events import (
    BrokenArrived,
    CallFound,
    CallOver,
    CallUnknown,
    Opened,
    PlanAsked,
    Replaced,
    ReplyAsked,
    ReplyBegan,
    ReplyCancelled,
    ReplyEnded,
    ReplyFailed,
    ReplySaid,
    SocketEnded,
    Timer,
    TimerFired,
    ToolBegan,
    ToolEnded,
)
from ringbridge.brain.talk import Talk, Told
from ringbridge.brain.turns import Patience, State, Turns
from ringbridge.facts import (
    BrainAsked,
    BrainBegan,
    FillerSpoken,
    TurnAnswered,
    TurnBegan,
    TurnFailed,
    TurnSuperseded,
    WordsSent,
)
from ringbridge.phrases import for_language
from ringbridge.plans import CollectDigits, HangUp
from ringbridge.turn import Message
from ringbridge.wire.brain import AgentResponse, Close, Error, Init, Ping, Pong, Unknown, UserTranscript

PHRASES = for_language("en")
PATIENCE = Patience(filler=1.2, deadline=8.0)
AT_REST = [DropTimer(Timer.FILLER), DropTimer(Timer.DEADLINE), DropTimer(Timer.STALL)]


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
    history = history or words()
    told = Told(history, interrupted=False, heard="", heard_out=True, utterance=1)
    return [Report(TurnBegan(event_id, "Hello.", history[-1].text, interrupted=False)), StartReply(number, told)]


class Stage:
    """A machine, its call's talk, the timers that run, and whose words began: `handle` gives the other commands."""

    def __init__(self, patience=PATIENCE):
        self.turns = Turns(patience)
        self.talk = Talk(PHRASES)
        self.timers = {}
        self.worded = []

    @property
    def state(self):
        return self.turns.state

    def handle(self, event):
        if isinstance(event, TimerFired):
            self.timers.pop(event.timer, None)
        left = []
        for command in self.turns.handle(event):
            match command:
                case SetTimer(timer, seconds):
                    self.timers[timer] = seconds
                case DropTimer(timer):
                    self.timers.pop(timer, None)
                case Report(WordsSent(event_id)):
                    assert left[-1].message.event_id == event_id, "told before they are sent"
                    self.worded.append(event_id)
                case StartReply(number, told):
                    # What the brain is told of being heard is the talk's to say, and tested with it.
                    left.append(
                        StartReply(number, Told(told.history, told.interrupted, "", heard_out=True, utterance=1))
                    )
                case _:
                    left.append(command)
        return left

    def found(self):
        return self.handle(CallFound(self.talk))


@pytest.fixture
def fresh():
    """A machine that was told nothing."""
    return Stage()


@pytest.fixture
def turns(fresh):
    """A machine that listens."""
    fresh.handle(Opened())
    fresh.handle(Init("conv_1"))
    fresh.found()
    return fresh


@pytest.fixture
def replying(turns):
    """A machine whose brain answers transcript 5."""
    assert turns.handle(transcript(5)) == began(1, 5)
    return turns


def test_beginning(fresh):
    assert fresh.handle(Opened()) == []
    assert fresh.timers == {Timer.INIT: 10.0}
    assert fresh.handle(Init("conv_1")) == [FindCall("conv_1")]
    assert fresh.timers == {}
    assert fresh.found() == []
    assert fresh.state is State.LISTENING


def test_no_init(fresh):
    turns = fresh
    turns.handle(Opened())
    assert turns.handle(TimerFired(Timer.INIT)) == [Report(NeverInitiated()), CloseSocket(1008, "no init")]
    assert turns.state is State.ENDED


def test_a_second_init_changes_nothing(replying):
    assert replying.handle(Init("conv_2")) == [Report(MessagePassedOver("a second init"))]
    assert replying.state is State.REPLYING


def test_unknown_conversation(fresh):
    turns = fresh
    turns.handle(Init("conv_1"))
    assert turns.handle(CallUnknown()) == [
        Report(UnknownConversation()),
        CloseSocket(1008, "unknown conversation"),
    ]


def test_transcripts_wait_for_init_and_call_and_the_newest_is_answered(fresh):
    turns = fresh
    turns.handle(Opened())
    assert turns.handle(transcript(1)) == []
    turns.handle(Init("conv_1"))
    assert turns.handle(transcript(2)) == [Report(TurnSuperseded(1, 2))]
    assert turns.handle(transcript(1)) == [Report(TranscriptPassedOver(1))]
    assert turns.handle(transcript(2)) == [Report(TranscriptPassedOver(2))]
    assert turns.found() == began(1, 2)


def test_an_answer_on_its_way_is_told_once_for_each_step(replying):
    assert replying.handle(ReplyAsked(1)) == [Report(BrainAsked(5))]
    assert replying.handle(ReplyBegan(1)) == [Report(BrainBegan(5))]
    replying.handle(ReplySaid(1, "**"))
    replying.handle(ReplySaid(1, "Glad"))
    assert replying.worded == []
    for piece in ("ly. ", "For two. ", "Anything else?"):
        replying.handle(ReplySaid(1, piece))
    replying.handle(ReplyEnded(1))
    assert replying.worded == [5]
    assert replying.handle(ReplyAsked(9)) == replying.handle(ReplyBegan(9)) == []


def test_a_sentence_of_ours_is_not_the_brains_words(replying):
    replying.handle(TimerFired(Timer.FILLER))
    replying.handle(ReplyFailed(1, "KeyError"))
    assert replying.worded == []


def test_an_answer(replying):
    assert replying.handle(ReplySaid(1, "Gladly. ")) == [said("Gladly. ", 5)]
    assert replying.handle(ReplySaid(1, "For **two**")) == []
    assert replying.handle(ReplySaid(1, "?")) == []
    assert replying.handle(ReplyEnded(1)) == [said("For two?", 5), final(5), Report(TurnAnswered(5, "brain"))]
    assert replying.timers == {}
    assert replying.state is State.LISTENING


def test_what_the_cleaner_still_held_goes_before_the_end(replying):
    replying.handle(ReplySaid(1, "See [here"))
    assert replying.handle(ReplyEnded(1)) == [said("See [here", 5), final(5), Report(TurnAnswered(5, "brain"))]


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
    assert replying.handle(ReplySaid(2, "Yes. ")) == [said("Yes. ", 6)]


def test_without_ids_everything_is_new(turns):
    assert turns.handle(transcript(None)) == began(1, None)
    assert turns.handle(transcript(None)) == [Report(TurnSuperseded(None, None)), CancelReply(1)]
    assert turns.handle(ReplyCancelled(1)) == began(2, None)
    assert turns.handle(ReplySaid(2, "Yes. ")) == [said("Yes. ", None)]
    assert turns.handle(ReplyEnded(2)) == [final(None), Report(TurnAnswered(None, "brain"))]


def test_an_id_after_none_and_none_after_an_id(replying):
    assert replying.handle(transcript(None)) == [Report(TurnSuperseded(5, None)), CancelReply(1)]
    replying.handle(ReplyCancelled(1))
    assert replying.handle(transcript(5)) == [Report(TranscriptPassedOver(5))]
    assert replying.handle(transcript(6)) == [Report(TurnSuperseded(None, 6)), CancelReply(2)]


def test_a_failure_before_the_first_word(replying):
    assert replying.handle(ReplyFailed(1, "KeyError")) == [
        Report(TurnFailed(5, "KeyError", after_words=False)),
        *phrase(PHRASES.model_failed, 5, "model_failed"),
    ]


@pytest.mark.parametrize(
    ("before", "pause"), [("It is", ". "), ("It is ", ". "), ("It is so.", " "), ("It is so! ", " ")]
)
def test_a_failure_after_words_is_owned_up_to_apart_from_them(replying, before, pause):
    before = replying.handle(ReplySaid(1, before)) and before
    replying.handle(TimerFired(Timer.STALL))
    *_, text, end, answered = replying.handle(ReplyFailed(1, "KeyError"))
    assert [text, end, answered] == phrase(pause + PHRASES.model_failed, 5, "model_failed")


def test_a_brain_that_cancels_itself_has_failed(replying):
    assert replying.handle(ReplyCancelled(1))[1:] == phrase(PHRASES.model_failed, 5, "model_failed")


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
    assert heard == [*PHRASES.ask_again, PHRASES.ask_again[0]]


def test_after_an_answer_the_first_words_are_used_again(turns):
    turns.handle(transcript(1))
    turns.handle(ReplyEnded(1))
    turns.handle(transcript(2))
    turns.handle(ReplySaid(2, "Yes."))
    turns.handle(ReplyEnded(2))
    turns.handle(transcript(3))
    assert turns.handle(ReplyEnded(3)) == phrase(PHRASES.ask_again[0], 3, "ask_again")


@pytest.mark.parametrize("history", [(), (Message("agent", "Hello."),), words(""), words(" \n"), words("...")])
def test_a_silent_caller_is_asked_without_the_model(turns, history):
    assert turns.handle(UserTranscript(history, 1)) == phrase(PHRASES.still_there[0], 1, "still_there")
    assert turns.handle(UserTranscript(history, 1)) == [Report(TranscriptPassedOver(1))]
    assert turns.handle(UserTranscript(history, 2)) == phrase(PHRASES.still_there[1], 2, "still_there")
    assert turns.handle(transcript(3)) == began(1, 3)
    turns.handle(ReplySaid(1, "Yes."))
    turns.handle(ReplyEnded(1))
    assert turns.handle(UserTranscript(history, 4)) == phrase(PHRASES.still_there[0], 4, "still_there")


def test_ping_is_answered_at_any_time(replying):
    assert Turns(PATIENCE).handle(Ping()) == [Send(Pong())]
    assert replying.handle(Ping()) == [Send(Pong())]


def test_what_can_not_be_used_is_passed_over(replying):
    assert replying.handle(Unknown("vad")) == [Report(MessagePassedOver("unknown type 'vad'"))]
    assert replying.handle(BrokenArrived("type: it is missing")) == [
        Report(MessagePassedOver("broken: type: it is missing"))
    ]
    assert replying.handle(ReplySaid(1, "Yes. ")) == [said("Yes. ", 5)]


@pytest.fixture
def finding(fresh):
    """A machine of a redialled socket, whose call is being looked for."""
    fresh.handle(Opened())
    fresh.handle(Init("conv_1"))
    return fresh


def test_a_redialled_socket_does_not_answer_again_what_the_older_one_has_answered(finding):
    turns = finding
    turns.handle(transcript(5))
    turns.talk.answered = 5
    assert turns.found() == [Report(TranscriptPassedOver(5))]
    assert turns.handle(transcript(4)) == [Report(TranscriptPassedOver(4))]
    assert turns.handle(transcript(6)) == began(1, 6)


def test_a_redialled_socket_answers_what_the_older_one_has_not(finding):
    turns = finding
    turns.handle(transcript(5))
    turns.talk.answered = 4
    assert turns.found() == began(1, 5)


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
    for late in (ReplySaid(1, "x"), ReplyCancelled(1), transcript(9), Ping(), Close(), SocketEnded()):
        assert replying.handle(late) == []


def test_a_reply_that_is_being_cancelled_is_not_cancelled_again(replying):
    replying.handle(transcript(6))
    assert replying.handle(Close()) == [CloseSocket(1000)]


# The caller waits


def filler(event_id, number=0):
    text = PHRASES.fillers[number]
    return [said(f"{text} ", event_id), Report(FillerSpoken(event_id, text))]


def test_a_brain_that_is_silent_is_filled_in_for(replying):
    assert replying.timers == {Timer.FILLER: 1.2, Timer.DEADLINE: 8.0}
    assert replying.handle(TimerFired(Timer.FILLER)) == filler(5)
    assert replying.handle(TimerFired(Timer.FILLER)) == filler(5, 1)
    assert replying.handle(ReplySaid(1, "Gladly. ")) == [said("Gladly. ", 5)]


def test_a_filler_is_given_up_when_words_come_first(replying):
    replying.handle(ReplySaid(1, " "))
    assert Timer.FILLER in replying.timers
    replying.handle(ReplySaid(1, "Glad"))
    assert Timer.FILLER not in replying.timers


def test_without_patience_for_fillers_there_are_none():
    stage = Stage(Patience(filler=None))
    stage.handle(Init("conv_1"))
    stage.found()
    stage.handle(transcript(5))
    assert stage.timers == {Timer.DEADLINE: 8.0}


def test_a_reply_is_not_mixed_with_the_next_turns_filler(turns):
    turns.handle(transcript(1))
    turns.handle(TimerFired(Timer.FILLER))
    turns.handle(ReplySaid(1, "Yes."))
    turns.handle(ReplyEnded(1))
    turns.handle(transcript(2))
    assert turns.handle(TimerFired(Timer.FILLER)) == filler(2, 1)


def test_no_word_until_the_deadline(replying):
    assert replying.handle(TimerFired(Timer.DEADLINE)) == [
        CancelReply(1),
        Report(TurnFailed(5, "it said nothing for 8 s", after_words=False)),
        *phrase(PHRASES.too_slow, 5, "too_slow"),
    ]
    assert replying.timers == {}
    assert replying.handle(ReplySaid(1, "At last.")) == []
    assert replying.handle(ReplyCancelled(1)) == []
    assert replying.handle(transcript(6))[1:] == began(2, 6)[1:]


def test_each_word_starts_the_deadline_anew(replying):
    del replying.timers[Timer.DEADLINE]
    replying.handle(ReplySaid(1, "Well"))
    assert replying.timers[Timer.DEADLINE] == 8.0


def test_a_stalled_sentence_goes_out_as_far_as_it_can_be_spoken(replying):
    assert replying.handle(ReplySaid(1, "It costs ")) == []
    assert replying.timers[Timer.STALL] == 0.25
    assert replying.handle(TimerFired(Timer.STALL)) == [said("It costs ", 5)]


def test_the_third_failure_in_a_row_gives_the_call_up(turns):
    for number in (1, 2):
        turns.handle(transcript(number))
        assert turns.handle(ReplyFailed(number, "KeyError"))[1:] == phrase(PHRASES.model_failed, number, "model_failed")
    turns.handle(transcript(3))
    failed, give_up = turns.handle(ReplyFailed(3, "KeyError"))
    assert failed == Report(TurnFailed(3, "KeyError", after_words=False))
    assert isinstance(give_up, GiveUp)


def test_an_answer_makes_good_for_failures(turns):
    for number in (1, 2, 3, 4, 5):
        turns.handle(transcript(number))
        turns.handle(ReplySaid(number, "Yes."))
        end = ReplyEnded(number) if number == 3 else ReplyFailed(number, "KeyError")
        assert not any(isinstance(command, GiveUp) for command in turns.handle(end))


def test_a_caller_who_stays_silent_is_said_goodbye_to(turns):
    turns.handle(UserTranscript((), 1))
    turns.handle(UserTranscript((), 2))
    assert turns.handle(UserTranscript((), 3)) == [
        *phrase(PHRASES.farewell_silent, 3, "farewell"),
        AskLine(None, HangUp(), 3),
    ]


def test_a_caller_who_keys_digits_is_not_asked_for_words(turns):
    turns.talk.gathering = True
    assert turns.handle(UserTranscript((), 1)) == [final(1)]


# Tools


def test_while_a_tool_runs_the_deadline_rests_and_the_filler_waits_for_what_was_said(replying):
    assert replying.handle(ReplySaid(1, "Let me see")) == []
    assert replying.handle(ToolBegan(1)) == [said("Let me see", 5)]
    assert set(replying.timers) == {Timer.FILLER}
    assert replying.timers[Timer.FILLER] > 1.2
    assert replying.handle(ToolBegan(1)) == []
    replying.handle(ToolEnded(1))
    assert Timer.DEADLINE not in replying.timers
    replying.handle(ToolEnded(1))
    assert replying.timers[Timer.DEADLINE] == 8.0
    text = PHRASES.fillers[0]
    assert replying.handle(TimerFired(Timer.FILLER))[0] == said(f" {text} ", 5)


# The line


def test_words_are_complete_before_the_line_is_asked_for_anything(replying):
    assert replying.handle(ReplySaid(1, "Goodbye!")) == []
    assert replying.handle(PlanAsked(1, HangUp())) == [
        said("Goodbye!", 5),
        final(5),
        Report(TurnAnswered(5, "brain")),
        AskLine(1, HangUp(), 5),
    ]
    assert replying.timers == {}
    assert replying.handle(ReplyEnded(1)) == []
    assert replying.state is State.LISTENING


def test_without_words_there_is_nothing_to_wait_for(replying):
    digits = CollectDigits(4, "#", 10.0, secret=True)
    assert replying.handle(PlanAsked(1, digits))[-1] == AskLine(1, digits, None)


def test_words_after_that_are_passed_over(replying):
    replying.handle(PlanAsked(1, HangUp()))
    (passed_over,) = replying.handle(ReplySaid(1, "And another thing"))
    assert isinstance(passed_over.fact, MessagePassedOver)


def test_the_next_words_of_the_caller_cancel_what_waits(replying):
    replying.handle(ReplySaid(1, "Goodbye!"))
    replying.handle(PlanAsked(1, HangUp()))
    assert replying.handle(transcript(6)) == [Report(TurnSuperseded(5, 6)), CancelReply(1)]


def test_a_reply_that_is_over_asks_the_line_for_nothing(replying):
    replying.handle(transcript(6))
    assert replying.handle(PlanAsked(1, HangUp())) == []
    replying.handle(ReplyCancelled(1))
    assert replying.handle(PlanAsked(1, HangUp())) == []
