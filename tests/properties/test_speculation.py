"""With speculation on or off, the same reaches the engine, the line and the memory: only earlier."""

import asyncio
import json
from types import SimpleNamespace

from hypothesis import event, given, settings
from hypothesis import strategies as st

from ringbridge import facts
from ringbridge.brain.talk import Talk
from ringbridge.brain.turns import Patience
from ringbridge.callers.memory import InMemory
from ringbridge.emulator.clock import VirtualTimeLoop
from ringbridge.live.line import Facilities
from ringbridge.live.replies import BrainSession
from ringbridge.live.socket import Closed
from ringbridge.live.tasks import Tasks
from ringbridge.phrases import ENGLISH
from ringbridge.turn import Call

REST = 20.0
"""Between two turns, all of the first is over."""

words = st.sampled_from(["Yes.", "Bye.", "bye", "Note it.", "It fails.", "…"])
drafts = words | st.none()
"""`None` are the words of the transcript, written otherwise."""
gaps = st.sampled_from([0.0, 0.1, 0.3, 0.6, 1.0])
meanwhile = st.sampled_from(["overheard", "overheard", "overheard", "key", "cut in", "agent"])
turns = st.tuples(st.lists(st.tuples(gaps, meanwhile, drafts), max_size=4), gaps, words)


class Wire:
    """A brain socket without a network."""

    def __init__(self, clock):
        self._clock = clock
        self._ended = asyncio.get_running_loop().create_future()
        self.said = {}  # event id → text
        self.times = {}  # event id → when its first words came
        self.finals = []

    def listen(self, read):
        self.read = read

    def send(self, message):
        answer = json.loads(message)
        number = answer["event_id"]
        self.times.setdefault(number, self._clock())
        self.said[number] = self.said.get(number, "") + answer["content"]
        self.finals += [number] * answer["is_final"]
        return True

    async def closed(self):
        return await self._ended

    async def close(self, code=1000, reason=""):
        if not self._ended.done():
            self._ended.set_result(Closed(code))


class Phone:
    """The call of the conversation."""

    def __init__(self, clock):
        self._clock = clock
        self.ids = {}
        self.talk = Talk(ENGLISH)
        self.digits = ()
        self.facts = []
        self.asked = []

    def card(self):
        return Call("CA1", "+15550100", "+15550101", "conv_1", self.digits)

    def tell(self, fact):
        self.facts.append(fact)

    async def ask(self, plan, event_id):
        self.asked.append((plan, event_id, self._clock()))
        return True

    def fail(self, reason):
        self.asked.append((reason, None, self._clock()))

    def brain_attached(self, session):
        self.talk.note(facts.ConversationOpened("conv_1"))

    def brain_detached(self, session): ...
    def brain_asked(self): ...
    def brain_said(self, *, words, complete): ...


async def brain(turn):
    """What it says goes by the words, not by how they are written."""
    said = turn.text.casefold().strip(" .?!")
    await asyncio.sleep(0.2)
    yield f"To {said!r}, "
    try:
        await asyncio.sleep(0.2)
    except asyncio.CancelledError:
        await asyncio.sleep(0.5)  # it takes its time to let go
        raise
    if said == "it fails":
        raise KeyError
    yield f"after {len(turn.history)} and {turn.digits}: yes."
    if said == "note it":
        await turn.call.remember("note", f"{await turn.call.recall('note')}, {len(turn.history)}")
    if said == "bye":
        await turn.call.hang_up()


async def play(story, *, speculates):
    clock = asyncio.get_running_loop().time
    wire, phone = Wire(clock), Phone(clock)
    memory = InMemory()
    session = BrainSession(
        wire,
        brain=brain,
        find_call=lambda _: asyncio.sleep(0, phone),
        patience=Patience(filler=None, deadline=REST),
        facilities=Facilities(memory, models=None, sounds=None, tasks=Tasks(), transfer_numbers={}),
        speculates=speculates,
    )
    asked_at = {}
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(session.run())
        await asyncio.sleep(0)
        wire.read(b'{"type":"init","conversation_id":"conv_1"}')
        await asyncio.sleep(1)
        history = []
        for number, (drafts, gap, text) in enumerate(story):
            for before, kind, draft in drafts:
                await asyncio.sleep(before)
                happens(kind, f"{text.upper()} " if draft is None else draft, phone, session)
            await asyncio.sleep(gap)
            history.append({"role": "user", "content": text})
            asked_at[number] = clock()
            wire.read(json.dumps({"type": "user_transcript", "user_transcript": history, "event_id": number}).encode())
            await asyncio.sleep(REST)
            history.append({"role": "agent", "content": wire.said.get(number, "")})
            phone.talk.note(facts.AgentSpoke(history[-1]["content"]))
        await wire.close()
    return SimpleNamespace(wire=wire, phone=phone, kept=await memory.recall_all("+15550100"), asked_at=asked_at)


def happens(kind, draft, phone, session):
    match kind:
        case "overheard":
            session.overheard(draft)
            return
        case "key":
            phone.digits = (*phone.digits, "1")
            fact = facts.DigitsPressed("1")
        case "cut in":
            fact = facts.Interrupted(0, 100, None, None)
        case _:
            fact = facts.AgentSpoke("By the way.")  # the engine's history will not have it
    phone.talk.note(fact)
    session.note(fact)


def run(story, *, speculates):
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(play(story, speculates=speculates))


@given(st.lists(turns, min_size=1, max_size=3))
@settings(max_examples=100)
def test_only_earlier(story):
    plain, early = run(story, speculates=False), run(story, speculates=True)
    outcomes = [fact.outcome for fact in early.phone.facts if isinstance(fact, facts.Speculated)]
    for outcome in set(outcomes):
        event(outcome)
    assert early.wire.said == plain.wire.said
    assert early.wire.finals == plain.wire.finals
    assert [asked[:2] for asked in early.phone.asked] == [asked[:2] for asked in plain.phone.asked]
    assert early.kept == plain.kept
    assert [fact for fact in early.phone.facts if not isinstance(fact, facts.Speculated)] == plain.phone.facts
    assert all(early.asked_at[number] <= at <= plain.wire.times[number] for number, at in early.wire.times.items())
    for (*_, at), (*_, before) in zip(early.phone.asked, plain.phone.asked, strict=True):
        assert at <= before
