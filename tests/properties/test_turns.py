"""The machine of turns against a model of its shell: any order of what ElevenLabs sends and what the brain does."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ringbridge import facts
from ringbridge.brain import commands, events
from ringbridge.brain.events import Timer
from ringbridge.brain.talk import Talk
from ringbridge.brain.turns import Patience, State, Turns
from ringbridge.phrases import ENGLISH
from ringbridge.plans import HangUp
from ringbridge.turn import Message
from ringbridge.wire import brain as wire

event_ids = st.none() | st.integers(0, 12)
said = st.sampled_from(["A table.", "Stop", "No", "", "..."])
pieces = st.sampled_from(["Yes. ", "*", "👍", "", "[a](", "https://x.yz/", "no"])


class OneSocket(RuleBasedStateMachine):
    """Carries commands out as `live/replies.py` does, but lets brain and caller take any time."""

    def __init__(self):
        super().__init__()
        self.turns = Turns(Patience(), speculates=True)
        self.talk = Talk(ENGLISH)
        self.timers = set()
        self.over = set()  # replies whose words are complete, though they run
        self.running = {}  # reply number → cancelled?
        self.abandoned = set()
        self.guesses = {}  # reply number → running, over, cancelled
        self.newest = None  # the newest id seen
        self.accepted = []  # transcripts that count, in order: [event id, history, what was sent for it]
        self.found = None  # None: not asked for; False: asked; True: told

    def do(self, event):
        for command in self.turns.handle(event):
            self.carry_out(command)

    def carry_out(self, command):
        match command:
            case commands.StartReply(number=number, guessed=True):
                assert not self.running, "guessed while a reply runs"
                assert not self.guesses, "two guesses at once"
                self.guesses[number] = "running"
            case commands.ConfirmReply(number=number):
                assert not self.running, "two replies at once"
                if self.guesses.pop(number) == "running":
                    self.running[number] = False
            case commands.CancelReply(number=number) if number in self.guesses:
                assert self.guesses[number] == "running"
                self.guesses[number] = "cancelled"
            case commands.Report(fact=facts.Speculated(outcome=outcome)):
                if outcome != "used" and "over" in self.guesses.values():
                    self.guesses.clear()  # the brain has let go of it already: nothing is cancelled
            case commands.StartReply(number=number, told=told):
                assert not self.running, "two replies at once"
                assert told.history == self.accepted[-1][1], "not the newest is answered"
                self.running[number] = False
            case commands.SetTimer(timer=timer):
                self.timers.add(timer)
            case commands.DropTimer(timer=timer):
                self.timers.discard(timer)
            case commands.CancelReply(number=number):
                assert self.running[number] is False, "cancelled twice"
                self.running[number] = True
            case commands.Send(message=wire.AgentResponse() as response):
                self.check(response)
            case commands.FindCall():
                assert self.found is None
                self.found = False
            case _:
                pass

    def check(self, response):
        assert self.accepted, "an answer to nothing"
        event_id, _, sent = self.accepted[-1]
        assert response.event_id == event_id, "a piece carries a superseded id"
        assert not sent or not sent[-1].is_final, "something was said after the final piece"
        sent.append(response)
        assert response.is_final == (response.content == "")
        if response.is_final:
            words = any(map(str.isalnum, "".join(piece.content for piece in sent)))
            assert words or self.over, "an answer without words"

    @initialize(early=st.lists(st.integers(0, 3), max_size=2), at_once=st.booleans())
    def opened(self, early, at_once):
        self.do(events.Opened())
        for event_id in early:
            self.transcript(event_id, "Hello?")
        if at_once:
            self.init()
            self.search_ends(known=True)

    @rule()
    def init(self):
        self.do(wire.Init("conv_1"))

    @precondition(lambda self: self.found is False)
    @rule(known=st.sampled_from([True, True, True, False]))
    def search_ends(self, known):
        self.found = True
        self.do(events.CallFound(self.talk) if known else events.CallUnknown())

    @rule(event_id=event_ids, text=said)
    def transcript(self, event_id, text):
        history = (Message("user", text),)
        if self.turns.state is not State.ENDED and (event_id is None or self.newest is None or event_id > self.newest):
            self.newest = self.newest if event_id is None else event_id
            self.accepted.append((event_id, history, []))
        self.do(wire.UserTranscript(history, event_id))

    @precondition(lambda self: self.running)
    @rule(piece=pieces)
    def brain_says(self, piece):
        (number,) = self.running
        self.do(events.ReplySaid(number, piece))

    @precondition(lambda self: self.running)
    @rule(failed=st.booleans())
    def brain_ends(self, failed):
        ((number, cancelled),) = self.running.items()
        self.running.clear()
        if cancelled:
            self.do(events.ReplyCancelled(number))
        else:
            self.do(events.ReplyFailed(number, "KeyError") if failed else events.ReplyEnded(number))

    @rule(text=said, final=st.booleans())
    def overheard(self, text, final):
        self.do(events.Overheard(text))
        if final:
            self.time_settles()
            self.transcript((self.newest or 0) + 1, text)

    @precondition(lambda self: Timer.SETTLED in self.timers)
    @rule()
    def time_settles(self):
        if Timer.SETTLED in self.timers:
            self.timers.discard(Timer.SETTLED)
            self.do(events.TimerFired(Timer.SETTLED))

    @rule()
    def doubted(self):
        self.do(events.Doubted())
        assert "running" not in self.guesses.values()

    @precondition(lambda self: self.guesses)
    @rule(piece=pieces)
    def guess_says(self, piece):
        ((number, how),) = self.guesses.items()
        if how != "over":
            assert self.turns.handle(events.ReplySaid(number, piece)) == [], "a guess is heard"

    @precondition(lambda self: self.guesses)
    @rule(failed=st.booleans())
    def guess_ends(self, failed):
        ((number, how),) = self.guesses.items()
        if how == "over":
            return
        self.guesses[number] = "over"
        if how == "cancelled" or failed:
            self.guesses.clear()
            self.do(events.ReplyCancelled(number) if how == "cancelled" else events.ReplyFailed(number, "KeyError"))
        else:
            self.do(events.ReplyEnded(number))

    @precondition(lambda self: any(self.running.values()))
    @rule()
    def brain_is_given_up_on(self):
        (number,) = self.running
        self.running.clear()
        self.abandoned.add(number)
        self.do(events.ReplyCancelled(number))

    @precondition(lambda self: self.abandoned)
    @rule(piece=pieces, data=st.data())
    def an_abandoned_brain_goes_on(self, piece, data):
        number = data.draw(st.sampled_from(sorted(self.abandoned)))
        before = len(self.accepted[-1][2])
        self.do(events.ReplySaid(number, piece))
        self.do(data.draw(st.sampled_from([events.ReplyEnded, events.ReplyCancelled]))(number))
        assert before == len(self.accepted[-1][2])

    @precondition(lambda self: self.timers)
    @rule(data=st.data())
    def time_passes(self, data):
        timer = data.draw(st.sampled_from(sorted(self.timers, key=lambda timer: timer.name)))
        self.timers.discard(timer)
        self.do(events.TimerFired(timer))

    @precondition(lambda self: self.running)
    @rule(event=st.sampled_from([events.ToolBegan, events.ToolEnded]))
    def brain_runs_a_tool(self, event):
        (number,) = self.running
        self.do(event(number))

    @precondition(lambda self: self.running)
    @rule()
    def brain_asks_the_line(self):
        (number,) = self.running
        self.over.add(number)
        self.do(events.PlanAsked(number, HangUp()))

    @rule()
    def ping(self):
        open_before = self.turns.state is not State.ENDED
        assert self.turns.handle(wire.Ping()) == [commands.Send(wire.Pong())] * open_before

    @rule(event=st.sampled_from([wire.Unknown("x"), events.BrokenArrived("y"), *map(events.TimerFired, Timer)]))
    def noise(self, event):
        self.do(event)

    @precondition(lambda self: len(self.accepted) > 4)
    @rule(
        event=st.sampled_from(
            [wire.Close(), wire.Error("x"), events.Replaced(), events.CallOver(), events.SocketEnded()]
        )
    )
    def end(self, event):
        self.do(event)
        assert self.turns.state is State.ENDED
        assert all(self.running.values()), "a reply was left running"
        assert not self.timers, "a timer was left running"
        assert "running" not in self.guesses.values(), "a guess was left running"

    @invariant()
    def what_is_accepted_is_answered_or_under_way(self):
        if self.turns.state is State.LISTENING:
            assert not self.running
            given_up = self.talk.failures >= 3
            assert given_up or not self.accepted or self.accepted[-1][2][-1].is_final, "the newest has no final piece"
            assert self.timers <= {Timer.SETTLED, Timer.OUTDATED}, "a timer runs for nobody"

    @invariant()
    def the_state_is_what_it_says(self):
        if self.turns.state is not State.ENDED:
            assert (self.turns.state is State.REPLYING) == (list(self.running.values()) == [False])
            assert (self.turns.state is State.CANCELLING) == (list(self.running.values()) == [True])


TestOneSocket = OneSocket.TestCase
TestOneSocket.settings = settings(stateful_step_count=40)
