from ringbridge.emulator.elevenlabs.turns import Turns


def test_ids_rise_over_turns_and_replies():
    turns = Turns()
    assert turns.take_id() == 1
    assert turns.open("hello").event_id == 2
    assert turns.open("again").event_id == 3


def test_every_other_interruption_shares_its_id_with_the_next_turn():
    turns = Turns()
    ids = []
    for text in ("one", "two", "three", "four"):
        ids += [turns.interrupt(), turns.open(text).event_id]
    assert ids == [1, 1, 2, 3, 4, 4, 5, 6]


def test_next_id_foretells():
    turns = Turns()
    assert turns.next_id == 1
    turns.interrupt()
    assert turns.next_id == 1
    assert turns.take_id() == 1
    assert turns.next_id == 2


def test_each_turn_has_the_whole_history_of_its_moment():
    turns = Turns()
    turns.history.append({"role": "agent", "content": "Hello"})
    first = turns.open("one")
    turns.open("two")
    turns.history[0]["content"] = "Hell"
    assert first.history == [{"role": "agent", "content": "Hello"}, {"role": "user", "content": "one"}]
    assert [line["content"] for line in turns.history] == ["Hell", "one", "two"]


def test_a_silent_turn_adds_nothing():
    turns = Turns()
    assert turns.open(None).history == []
    assert turns.history == []


def test_only_the_current_turns_text_may_be_spoken():
    turns = Turns()
    first = turns.open("one")
    assert turns.answer(first.event_id)
    second = turns.open("two")
    assert not turns.answer(first.event_id)
    assert turns.answer(second.event_id)


def test_text_for_a_superseded_turn_answers_it_all_the_same():
    turns = Turns()
    first = turns.open("one")
    turns.open("two")
    assert not first.answered
    turns.answer(first.event_id)
    assert first.answered


def test_an_interrupted_turns_text_is_too_late():
    turns = Turns()
    turn = turns.open("one")
    turns.interrupt()
    assert not turns.answer(turn.event_id)


def test_a_made_up_id_may_not_speak():
    turns = Turns()
    turns.open("one")
    assert not turns.answer(7)


def test_a_provisional_turn_may_not_speak_but_its_second_transcript_may():
    turns = Turns()
    first = turns.open("one", provisional=True)
    assert not turns.answer(first.event_id)
    again = turns.reopen(first)
    assert again.event_id == first.event_id + 1
    assert again.history == first.history
    assert turns.answer(again.event_id)
    assert [line["content"] for line in turns.history] == ["one"]


def test_a_second_transcript_may_be_provisional_too():
    turns = Turns()
    again = turns.reopen(turns.open("one", provisional=True), provisional=True)
    last = turns.reopen(again)
    assert not turns.answer(again.event_id)
    assert turns.answer(last.event_id)
