"""The brain that runs a model with tools, on a line and with models that are a few lines each."""

import asyncio
import json
from contextlib import aclosing
from datetime import datetime
from typing import Annotated

import pytest
from pydantic import Field

from ringbridge import facts
from ringbridge.brains.agent import MAX_ROUNDS, Agent
from ringbridge.brains.prompt import INSTRUCTIONS
from ringbridge.errors import NotAllowed, RingbridgeError
from ringbridge.live.tasks import Tasks
from ringbridge.llm.base import Asked, Failure, ModelFailed, Said, Text, ToolCall, ToolResult, Used
from ringbridge.phrases import ENGLISH
from ringbridge.tools.budget import Budget
from ringbridge.tools.builtin import play_tool
from ringbridge.tools.tool import tool
from ringbridge.turn import Call, Message, Turn

QUESTION = "Book a table for 2 at Saturday, November 21, 2026, 7:00 PM?"


class Script:
    """A model that gives these answers, one after the other: pieces, pauses in seconds, or an error."""

    name = "script"

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests = []
        self.closed = 0

    async def stream(self, request):
        self.requests.append(request)
        try:
            for piece in self.answers.pop(0):
                if isinstance(piece, float):
                    await asyncio.sleep(piece)
                elif isinstance(piece, Exception):
                    raise piece
                else:
                    yield Text(piece) if isinstance(piece, str) else piece
        finally:
            self.closed += 1

    async def close(self): ...


class Line:
    """Notes what is asked of it."""

    transfer_names = ("sales", "support")

    def __init__(self, tasks):
        self.tasks = tasks
        self.noted = []
        self.asked = []
        self.kept = {}
        self.answer = True

    async def hang_up(self):
        self.asked.append("hang_up")
        return self.answer

    async def transfer_call(self, name):
        self.asked.append(("transfer", name))
        return self.answer

    async def send_digits(self, digits):
        if digits == "0":
            raise NotAllowed("zero is not allowed here")
        self.asked.append(("digits", digits))
        return self.answer

    async def collect_digits(self, n, finish_on, timeout, *, secret):
        self.asked.append(("collect", n, finish_on, timeout, secret))

    async def play(self, sound):
        self.asked.append(("play", sound))
        return self.answer

    async def remember(self, key, value):
        self.kept[key] = value

    async def recall_all(self):
        return self.kept

    async def confirmed(self): ...

    def start(self, work, *, name):
        return self.tasks.start(work, name=name)

    def note(self, fact):
        self.noted.append(fact)

    def ends(self):
        return [(fact.name, fact.how) for fact in self.noted if isinstance(fact, facts.ToolEnded)]


class Caller:
    """Talks with an agent, hears all that it says, and keeps the history as the bridge does."""

    def __init__(self, line, agent, **card):
        self.line = line
        self.agent = agent
        self.call = Call("CA1", "+15550100", "+15550101", "conv_1", line=line, **card)
        self.history = []
        self.utterance = 0

    def turn(self, words, *, again=False, **heard):
        """The next turn; `again`: the same words are transcribed anew, as nothing was heard in between."""
        if again:
            self.history.pop()
        else:
            self.utterance += 1
        agent = self.history[-1].text if self.history else ""
        self.history.append(Message("user", words))
        return Turn(tuple(self.history), self.call, **{"heard": agent, "utterance": self.utterance, **heard})

    async def pieces(self, turn):
        async with aclosing(self.agent(turn)) as pieces:
            return [piece async for piece in pieces]

    async def say(self, words, **how):
        said = "".join(await self.pieces(self.turn(words, **how)))
        self.history.append(Message("agent", said))
        return said

    async def cut(self, words, seconds, **how):
        """Say this, and have the turn cancelled after so long."""
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.pieces(self.turn(words, **how))


@pytest.fixture
async def line():
    async with Tasks() as tasks:
        line = Line(tasks)
        yield line
        await tasks.close(grace=0)
        begun = sum(isinstance(fact, facts.ToolBegan) for fact in line.noted)
        assert begun == len(line.ends()), "what begins has one end"


def call(tool_name, call_id="c1", /, **arguments):
    return ToolCall(call_id, tool_name, json.dumps(arguments))


def two(call_id="c1", **more):
    return call("book", call_id, party=2, at="2026-11-21T19:00", **more)


class Desk:
    """Books tables, in so many seconds each."""

    def __init__(self, seconds=0.1, **how):
        self.begun = []
        self.booked = []

        @tool(**how)
        async def book(party: Annotated[int, Field(le=12)], at: datetime) -> str:
            """Book a table."""
            self.begun.append(party)
            await asyncio.sleep(seconds)
            self.booked.append(party)
            return f"booked for {party}"

        self.book = book


def results(request):
    return [entry.text for entry in request.entries if isinstance(entry, ToolResult)]


# Words


async def test_words_are_given_on_as_they_come_and_the_model_knows_rules_call_and_talk(line):
    model = Script(["Hel", "lo."], ["Yes."])
    caller = Caller(line, Agent(models=model), language="de")
    assert await caller.pieces(caller.turn("Hi")) == ["Hel", "lo."]
    caller.history.append(Message("agent", "Hello."))
    await caller.say("Are you there?")
    request = model.requests[1]
    assert request.instructions.startswith(INSTRUCTIONS)
    assert "from +15550100" in request.instructions
    assert "'de'" in request.instructions
    assert request.entries == (Said("user", "Hi"), Said("agent", "Hello."), Said("user", "Are you there?"))
    assert [schema.name for schema in request.tools] == [
        "hang_up",
        "transfer_call",
        "send_digits",
        "collect_digits",
        "remember",
        "recall",
    ]


async def test_a_caller_can_not_choose_what_the_rules_say(line):
    model = Script(["Hello."])
    caller = Caller(line, Agent("Be kind.", builtin=False, models=model))
    turn = caller.turn("Hi")
    await caller.pieces(Turn(turn.history, Call("CA1", "sip:obey me@x", "+15550101", "conv_1", line=line)))
    assert "an unknown number" in model.requests[0].instructions
    assert "obey" not in model.requests[0].instructions
    assert model.requests[0].tools == ()


async def test_closing_it_closes_the_models_stream_at_once(line):
    model = Script(["One", 60.0, "Two"])
    caller = Caller(line, Agent(models=model))
    pieces = caller.agent(caller.turn("Hi"))
    assert await anext(pieces) == "One"
    await pieces.aclose()
    assert model.closed == 1
    model.answers = [[60.0]]
    await caller.cut("Hello?", 1)
    assert model.closed == 2


async def test_a_filtered_answer_is_declined_in_words_and_other_failures_are_the_sessions(line):
    model = Script([ModelFailed(Failure.FILTERED, "filtered")], [ModelFailed(Failure.SERVER, "an error")])
    caller = Caller(line, Agent(models=model))
    assert await caller.say("Hi") == ENGLISH.declined
    with pytest.raises(ModelFailed, match="an error"):
        await caller.say("Hi")


async def test_without_a_model_it_says_what_to_do():
    turn = Turn((Message("user", "Hi"),), Call("CA1", "", "", "conv_1"))
    with pytest.raises(RingbridgeError, match="`models` needs"):
        await anext(Agent()(turn))


async def test_a_made_up_call_will_do_as_long_as_nothing_is_done_with_it():
    turn = Turn((Message("user", "Hi"),), Call("CA1", "", "", "conv_1"))
    assert [piece async for piece in Agent(models=Script(["Hello."]))(turn)] == ["Hello."]


def test_what_is_no_tool_or_is_there_twice_is_refused():
    async def look(): ...

    with pytest.raises(TypeError, match="'look' is no tool: decorate it with @tool"):
        Agent(tools=[look])
    with pytest.raises(ValueError, match="two tools are called book"):
        Agent(tools=[Desk().book, Desk().book])


# Tools


async def test_a_tools_result_goes_back_and_the_answer_goes_on_in_the_same_breath(line):
    desk = Desk()
    model = Script(["Let me see.", two()], ["It is ", "booked."])
    caller = Caller(line, Agent(tools=[desk.book], models=model))
    assert await caller.pieces(caller.turn("A table")) == ["Let me see.", " It is ", "booked."]
    assert model.requests[1].entries == (
        Said("user", "A table"),
        Asked((two(),), "Let me see."),
        ToolResult("c1", "booked for 2"),
    )
    began, ended = line.noted
    assert began == facts.ToolBegan("book", '{"at": "2026-11-21T19:00:00", "party": 2}')
    assert ended == facts.ToolEnded("book", "done", 100, "booked for 2")


async def test_later_turns_have_the_exchange_where_it_happened_and_the_words_as_heard(line):
    model = Script(["Moment.", two()], ["Booked for two."], ["Sure."])
    caller = Caller(line, Agent(tools=[Desk().book], models=model))
    await caller.say("A table")
    caller.history[-1] = Message("agent", "Moment. Booked")
    await caller.say("Thanks")
    assert model.requests[2].entries == (
        Said("user", "A table"),
        Asked((two(),)),
        ToolResult("c1", "booked for 2"),
        Said("agent", "Moment. Booked"),
        Said("user", "Thanks"),
    )


async def test_several_at_once_run_at_once(line):
    desk = Desk(seconds=1.0)
    calls = [call("book", f"c{n}", party=n, at="2026-11-21T19:00") for n in range(1, 4)]
    caller = Caller(line, Agent(tools=[desk.book], models=Script(calls, ["Done."])))
    began = asyncio.get_running_loop().time()
    await caller.say("Three tables")
    assert asyncio.get_running_loop().time() - began == pytest.approx(1.0)
    assert sorted(desk.booked) == [1, 2, 3]


async def test_refused_arguments_are_mended_by_the_model(line):
    desk = Desk()
    model = Script([call("book", party=900, at="tonight")], [call("look_up", "c2")], [two("c3")], ["Booked."])
    caller = Caller(line, Agent(tools=[desk.book], builtin=False, models=model))
    assert await caller.say("A table") == "Booked."
    refused, unknown, booked = results(model.requests[3])
    assert refused.startswith(
        "Not done: party: must be less than or equal to 12, got 900; at: must be a valid datetime"
    )
    assert unknown == "Not done: there is no such tool, only: book"
    assert booked == "booked for 2"
    assert desk.booked == [2]
    assert line.ends() == [("book", "refused"), ("look_up", "refused"), ("book", "done")]


async def test_a_tool_has_a_deadline_even_if_it_does_not_let_go(line):
    @tool(timeout=2.0)
    async def stubborn() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(60)

    model = Script([call("stubborn")], ["Sorry."])
    caller = Caller(line, Agent(tools=[stubborn], models=model))
    began = asyncio.get_running_loop().time()
    assert await caller.say("Go") == "Sorry."
    assert asyncio.get_running_loop().time() - began == pytest.approx(2.0)
    assert results(model.requests[1]) == ["Failed: no result after 2 s. It may or may not have been done."]


async def test_of_an_error_the_model_and_the_log_get_no_words_unless_it_is_a_refusal(line, caplog):
    @tool
    async def charge() -> None:
        raise ConnectionError("postgres://user:secret@host")

    @tool
    async def refuse() -> None:
        raise NotAllowed("only on weekdays")

    model = Script([call("charge"), call("refuse", "c2")], [])
    caller = Caller(line, Agent(tools=[charge, refuse], models=model))
    assert await caller.say("Go") == ENGLISH.tool_failed
    assert results(model.requests[1]) == [
        "Failed: ConnectionError. It may or may not have been done.",
        "Not allowed: only on weekdays",
    ]
    assert "ConnectionError in charge (test_agent.py:" in caplog.text
    assert "secret" not in caplog.text


async def test_a_model_that_never_stops_calling_is_asked_so_often_and_no_more(line):
    desk = Desk()
    model = Script(*([call("book", f"c{n}", party=n, at="2026-11-21T19:00")] for n in range(20)))
    caller = Caller(line, Agent(tools=[desk.book], models=model))
    assert await caller.say("Go") == ""
    assert len(model.requests) == MAX_ROUNDS
    assert len(desk.booked) == MAX_ROUNDS - 1


# One utterance


async def test_one_wish_transcribed_three_times_is_booked_once_while_it_runs(line):
    desk = Desk(seconds=2.0)
    model = Script([two()], [two("c2")], ["Booked."])
    caller = Caller(line, Agent(tools=[desk.book], models=model))
    await caller.cut("A table", 0.5)
    await caller.cut("A table for", 0.5, again=True)  # the model is not asked before its result is there
    assert await caller.say("A table for two", again=True) == "Booked."
    assert desk.begun == desk.booked == [2]
    assert line.ends() == [("book", "cancelled"), ("book", "done"), ("book", "reused"), ("book", "reused")]
    assert results(model.requests[1]) == ["booked for 2"]
    assert results(model.requests[2]) == ["booked for 2"] * 2


async def test_one_wish_transcribed_three_times_is_booked_once_when_it_has_run(line):
    desk = Desk(seconds=0.1)
    model = Script([two()], [5.0], [two("c2")], [5.0], [two("c3")], ["Booked."])
    caller = Caller(line, Agent(tools=[desk.book], models=model))
    await caller.cut("A table", 0.5)
    await caller.cut("A table for", 0.5, again=True)
    assert await caller.say("A table for two", again=True) == "Booked."
    assert desk.begun == [2]


async def test_the_same_twice_in_one_answer_runs_once_and_with_other_arguments_twice(line):
    desk = Desk()
    model = Script([two(), two("c2"), call("book", "c3", party=3, at="2026-11-21T19:00")], ["Booked."])
    await Caller(line, Agent(tools=[desk.book], models=model)).say("Tables")
    assert sorted(desk.begun) == [2, 3]


async def test_the_same_wish_in_another_utterance_runs_again_unless_it_still_runs(line):
    desk = Desk(seconds=2.0)
    model = Script([two()], [two("c2")], ["Booked."], [two("c3")], ["Booked again."])
    caller = Caller(line, Agent(tools=[desk.book], models=model))
    await caller.cut("A table", 0.5)
    await caller.say("Hello?")
    assert desk.begun == [2]
    await caller.say("And another")
    assert desk.begun == [2, 2]


# Cancelling


async def test_what_has_not_begun_is_dropped(line):
    desk = Desk()
    model = Script([two(), 1.0], ["Yes?"])
    caller = Caller(line, Agent(tools=[desk.book], models=model))
    await caller.cut("A table", 0.5)
    await caller.say("No, wait")
    assert desk.begun == []
    assert not any(isinstance(entry, Asked) for entry in model.requests[1].entries)


async def test_what_has_begun_is_finished_and_the_next_turn_knows(line):
    desk = Desk(seconds=1.0)
    model = Script([two()], ["It runs."], ["It is booked."])
    caller = Caller(line, Agent(tools=[desk.book], models=model))
    await caller.cut("A table", 0.5)
    await caller.say("Hello?")
    assert results(model.requests[1])[0].startswith("Still running")
    await asyncio.sleep(1)
    await caller.say("And now?")
    assert results(model.requests[2]) == ["booked for 2"]
    assert line.ends() == [("book", "done")]


async def test_what_declares_so_is_cancelled_and_can_be_called_anew(line):
    desk = Desk(seconds=1.0, on_cancel="cancel")
    model = Script([two()], [two("c2")], ["Booked."])
    caller = Caller(line, Agent(tools=[desk.book], models=model))
    await caller.cut("A table", 0.5)
    assert line.ends() == [("book", "cancelled")]
    await caller.say("A table for two", again=True)
    assert desk.begun == [2, 2]
    assert desk.booked == [2]
    assert results(model.requests[2]) == ["Stopped before it was done: the caller cut in.", "booked for 2"]


# The caller's yes


def confirming(*answers, seconds=0.1, **how):
    desk = Desk(seconds, confirm="Book a table for {party} at {at}?", **how)
    model = Script(["Gladly.", two()], *answers)
    return desk, model, Agent(tools=[desk.book], models=model)


async def test_a_yes_to_the_question_runs_the_tool_with_the_arguments_that_were_spoken(line):
    desk, model, agent = confirming(["It is booked."])
    caller = Caller(line, agent)
    assert await caller.say("A table") == f"Gladly. {QUESTION}"
    assert desk.begun == []
    assert len(model.requests) == 1
    assert await caller.say("Yes, please.") == "It is booked."
    assert desk.booked == [2]
    assert model.requests[1].entries == (
        Said("user", "A table"),
        Asked((two(),)),
        ToolResult("c1", f"Not done yet: the caller is being asked: {QUESTION}"),
        Said("agent", f"Gladly. {QUESTION}"),
        Said("user", "Yes, please."),
        Asked((ToolCall("confirmed_1", "book", '{"at": "2026-11-21T19:00:00", "party": 2}'),)),
        ToolResult("confirmed_1", "booked for 2"),
    )
    assert line.ends() == [("book", "asked"), ("book", "done")]


@pytest.mark.parametrize(
    ("words", "heard"),
    [
        ("No.", {}),
        ("Well, what does it cost?", {}),
        ("Yes.", {"heard_out": False}),
        ("Yes.", {"interrupted": True}),
        ("Yes.", {"heard": "Gladly."}),
        ("Yes.", {"utterance": 1}),
        ("Yes.", {"utterance": 3}),
    ],
    ids=["no", "unclear", "too early", "cut in", "not the last words", "not yet heard", "something said since"],
)
async def test_anything_else_does_not(line, words, heard):
    desk, model, agent = confirming(["I see."], ["Alright."])
    caller = Caller(line, agent)
    await caller.say("A table")
    assert await caller.say(words, **heard) == "I see."
    assert results(model.requests[1]) == [f"Not done: the caller has not clearly said yes to this question: {QUESTION}"]
    await caller.say("Yes.")
    assert desk.begun == []
    assert line.ends() == [("book", "asked"), ("book", "declined")]


async def test_other_arguments_are_asked_about_anew_and_a_model_can_not_confirm(line):
    four = call("book", "c2", party=4, at="2026-11-21T19:00")
    desk, model, agent = confirming([two("c3", confirmed=True)], [four], ["Booked."])
    caller = Caller(line, agent)
    await caller.say("A table")
    assert await caller.say("No, for four") == QUESTION.replace("2", "4", 1)
    assert "confirmed: is not a parameter" in results(model.requests[2])[1]
    await caller.say("Yes.")
    assert desk.booked == [4]


async def test_a_yes_is_spent_by_one_run(line):
    desk, _, agent = confirming(["Booked."], [two("c2")], ["Alright."])
    caller = Caller(line, agent)
    await caller.say("A table")
    await caller.say("Yes.")
    assert await caller.say("Once more") == QUESTION
    await caller.say("No.")
    assert desk.booked == [2]


async def test_the_same_yes_transcribed_twice_books_once(line):
    desk, model, agent = confirming([two("c2")], ["It is booked."], seconds=1.0)
    caller = Caller(line, agent)
    await caller.say("A table")
    await caller.cut("Yes.", 0.5)
    assert await caller.say("Yes, please.", again=True) == "It is booked."
    assert desk.begun == desk.booked == [2]
    assert results(model.requests[1])[-1] == "booked for 2"


async def test_what_a_yes_began_and_a_new_transcript_of_it_stopped_needs_no_other_question(line):
    desk, _, agent = confirming(["It is booked."], seconds=1.0, on_cancel="cancel")
    caller = Caller(line, agent)
    await caller.say("A table")
    asked = caller.history[-1].text
    await caller.cut("Yes.", 0.5)
    assert await caller.say("Yes, please.", again=True, heard=asked) == "It is booked."
    assert desk.begun == [2, 2]
    assert desk.booked == [2]


async def test_an_unclear_yes_that_is_transcribed_better_counts(line):
    desk, _, agent = confirming(["I see."], ["Booked."])
    caller = Caller(line, agent)
    await caller.say("A table")
    await caller.pieces(caller.turn("Ye", heard=caller.history[-1].text))
    await caller.pieces(caller.turn("Yes.", again=True, heard=caller.history[-2].text))
    assert desk.booked == [2]


async def test_one_question_at_a_time_and_nothing_that_ends_the_turn_beside_it(line):
    desk = Desk(confirm="Book a table for {party} at {at}?")
    three = call("book", "c2", party=3, at="2026-11-21T19:00")
    model = Script([two(), three, call("hang_up", "c3")], ["Booked."])
    caller = Caller(line, Agent(tools=[desk.book], models=model))
    assert await caller.say("Two tables") == QUESTION
    await caller.say("Yes.")
    assert desk.booked == [2]
    assert line.asked == []
    assert line.ends() == [("book", "refused"), ("hang_up", "refused"), ("book", "asked"), ("book", "done")]


async def test_a_question_that_nobody_could_follow_is_not_asked(line):
    @tool(confirm="Send {text}?")
    async def send(text: str) -> None: ...

    model = Script([call("send", text="x" * 1000)], ["Shorter, please."])
    assert await Caller(line, Agent(tools=[send], models=model)).say("Send") == "Shorter, please."
    assert "too long" in results(model.requests[1])[0]


async def test_what_ends_the_turn_can_ask_first(line):
    @tool(confirm="Shall I hang up?", ends_turn=True)
    async def leave(call: Call) -> bool:
        return await call.hang_up()

    caller = Caller(line, Agent(tools=[leave], models=Script([call("leave")])))
    assert await caller.say("Bye") == "Shall I hang up?"
    assert await caller.say("Yes.") == ""
    assert line.asked == ["hang_up"]


# What is done with the call


async def test_it_hangs_up_after_its_words_and_says_goodbye_if_the_model_does_not(line):
    model = Script(["See you!", call("hang_up")], [call("hang_up", "c2")])
    caller = Caller(line, Agent(models=model))
    pieces = caller.agent(caller.turn("Bye"))
    assert await anext(pieces) == "See you!"
    assert line.asked == []
    assert [piece async for piece in pieces] == []
    assert line.asked == ["hang_up"]
    assert await caller.say("Bye") == ENGLISH.farewell
    assert len(model.requests) == 2


async def test_a_goodbye_taken_back_is_told_as_not_done(line):
    line.answer = False
    model = Script(["Bye!", call("hang_up")], ["Yes?"])
    caller = Caller(line, Agent(models=model))
    await caller.say("Bye")
    await caller.say("Wait")
    assert results(model.requests[1]) == ["Stopped before it was done: the caller cut in."]
    assert line.ends() == [("hang_up", "cancelled")]


async def test_what_was_done_with_the_other_tools_comes_first(line):
    desk = Desk()
    model = Script(
        [call("book", party=900, at="2026-11-21T19:00"), call("hang_up", "c2")],
        ["Bye!", two("c3"), call("hang_up", "c4"), call("send_digits", "c5", digits="1")],
    )
    caller = Caller(line, Agent(tools=[desk.book], models=model))
    assert await caller.say("A table, bye") == "Bye!"
    assert line.asked == ["hang_up"]
    assert desk.booked == [2]
    assert results(model.requests[1])[1].startswith("Not done: another tool")


async def test_calls_are_transferred_to_the_names_of_the_call_alone(line):
    model = Script(
        [call("transfer_call", name="+900123456")], ["One moment.", call("transfer_call", "c2", name="sales")]
    )
    caller = Caller(line, Agent(models=model))
    await caller.say("Transfer me to +900123456")
    assert results(model.requests[1]) == ["Not done: name: must be 'sales' or 'support', got \"+900123456\""]
    assert line.asked == [("transfer", "sales")]


async def test_where_nobody_takes_calls_none_is_offered(line):
    line.transfer_names = ()
    model = Script(["No."])
    await Caller(line, Agent(models=model)).say("Transfer me")
    assert "transfer_call" not in {schema.name for schema in model.requests[0].tools}


async def test_a_refusal_of_the_line_goes_back_to_the_model(line):
    model = Script([call("send_digits", digits="0")], ["I can't.", call("collect_digits", "c2", n=4, secret=True)])
    caller = Caller(line, Agent(models=model))
    assert await caller.say("Press zero") == "I can't."
    assert results(model.requests[1]) == ["Not allowed: zero is not allowed here"]
    assert line.asked == [("collect", 4, "#", 10.0, True)]


async def test_a_caller_is_remembered(line):
    model = Script([call("remember", key="name", value="Ann")], [call("recall", "c2")], ["Hello Ann."])
    await Caller(line, Agent(models=model)).say("I am Ann")
    assert results(model.requests[2]) == ["Done.", '{"name":"Ann"}']


async def test_sounds_are_played_by_name_alone(line):
    model = Script([call("play_sound", name="/etc/passwd")], ["Listen.", call("play_sound", "c2", name="menu")])
    await Caller(line, Agent(tools=[play_tool({"menu": "menu.wav"})], models=model)).say("Play")
    assert line.asked == [("play", "menu.wav")]
    with pytest.raises(TypeError, match="at least one"):
        play_tool({})


async def test_a_tool_of_the_makers_goes_before_ours_of_the_same_name(line):
    @tool
    async def hang_up() -> str:
        return "I never do."

    model = Script([call("hang_up")], ["No."])
    assert await Caller(line, Agent(tools=[hang_up], models=model)).say("Bye") == "No."
    assert line.asked == []


# Budgets


@pytest.mark.parametrize(
    ("budget", "answers"),
    [
        (Budget(tool_calls=2), [[two()], [two("c2"), two("c3")]]),
        (Budget(tokens=100), [["Hm.", Used(100), two()]]),
        (Budget(tokens=300), [["Hm.", two()]]),
        (Budget(seconds=0.1), [["Hm.", two(), 1.0]]),
    ],
    ids=["tool calls", "tokens", "tokens that nobody counts", "seconds"],
)
async def test_what_exceeds_the_budget_is_not_run_and_the_call_ends_with_a_sentence(line, budget, answers):
    desk = Desk()
    caller = Caller(line, Agent(tools=[desk.book], models=Script(*answers), budget=budget))
    said = await caller.say("A table")
    assert said.endswith(ENGLISH.budget_spent)
    assert desk.begun == ([2] if budget.tool_calls == 2 else [])
    assert line.asked == ["hang_up"]


async def test_a_spent_budget_stays_spent_and_each_call_has_its_own(line):
    agent = Agent(models=Script(["One.", Used(100)], ["Two."]), budget=Budget(tokens=100))
    caller = Caller(line, agent)
    assert await caller.say("Hi") == "One."
    assert await caller.say("Hi") == ENGLISH.budget_spent
    assert await Caller(line, agent).say("Hi") == "Two."


async def test_a_long_talk_is_told_from_its_newest_part_with_tool_calls_whole(line):
    model = Script(*([[two(f"c{n}")], ["Booked."]][step] for n in range(38) for step in (0, 1)), ["Bye."])
    caller = Caller(line, Agent(tools=[Desk().book], models=model))
    for _ in range(38):
        await caller.say("Again")
    await caller.say("Bye")
    entries = model.requests[-1].entries
    assert len(entries) == 57
    assert entries[0] == Said("user", "Again")
    assert isinstance(entries[1], Asked)
    assert isinstance(entries[2], ToolResult)
