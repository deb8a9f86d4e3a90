"""Whatever an engine is like: written once, it is as wanted; and taken back, as it was."""

import copy

from hypothesis import given
from hypothesis import strategies as st

from ringbridge.emulator.elevenlabs.engine import FORMATS, Engine, apply, body
from ringbridge.wanted.differences import take_back
from ringbridge.wanted.engine import CLIENT_EVENTS, WantedEngine, compare, creation, remarks, update_for

names = st.sampled_from(["x-api-key", "X-Api-Key", "x-call-sid", "x-mine", "authorization"])
values = st.one_of(
    st.text(max_size=8),
    st.builds(lambda name: {"variable_name": name}, st.sampled_from(["call_sid", "caller"])),
    st.builds(lambda name: {"secret_id": name}, st.text(max_size=4)),
)
headers = st.dictionaries(names, values, max_size=4)
json = st.sampled_from(
    [None, True, False, -1, 0, 700, 1.5, "", "en", "text", [], ["audio", 1], {}, {"a": None}, {"b": [{}]}]
)
wanted_engines = st.builds(
    WantedEngine,
    ws_url=st.sampled_from(["wss://bridge.test/ws", "wss://other.test/ws"]),
    secret=st.sampled_from(["secret-one-0123456789", "secret-two-0123456789"]),
    max_call_seconds=st.integers(1, 14_400),
    greets=st.booleans(),
    language=st.sampled_from([None, "en", "fr"]),
    voice_id=st.sampled_from([None, "voice"]),
)


def group(*known, **more):
    return (
        json | st.dictionaries(st.sampled_from([*known, "new_field"]), json, max_size=4) | st.fixed_dictionaries(more)
    )


documents = st.fixed_dictionaries(
    {},
    optional={
        "speech_engine": group("ws_url", ws_url=st.text(max_size=5), request_headers=headers, new_field=json),
        "asr": group("user_input_audio_format", "quality"),
        "tts": group("agent_output_audio_format", "model_id", "voice_id"),
        "turn": group("silence_end_call_timeout", "turn_timeout"),
        "conversation": group(
            "max_duration_seconds", "client_events", client_events=st.lists(st.sampled_from(CLIENT_EVENTS))
        ),
        "auth": group("enable_auth"),
        "overrides": group("first_message"),
        "language": json,
        "new_group": json,
    },
)

engines = st.builds(
    Engine,
    id=st.just("seng_1"),
    ws_url=st.sampled_from(["wss://bridge.test/ws", "wss://old.test/ws"]),
    request_headers=headers,
    allow_first_message=st.booleans(),
    input_format=st.sampled_from(sorted(FORMATS)),
    output_format=st.sampled_from(sorted(FORMATS)),
    enable_auth=st.booleans(),
    client_events=st.sets(st.sampled_from([*CLIENT_EVENTS, "context_usage"])),
    max_duration_seconds=st.integers(1, 20_000),
    silence_end_call_seconds=st.integers(-1, 60),
    language=st.sampled_from(["en", "fr", "de"]),
    groups=st.fixed_dictionaries(
        {},
        optional={
            "tts": st.fixed_dictionaries(
                {"model_id": st.sampled_from(["eleven_flash_v2_5", "eleven_multilingual_v2"])},
                optional={"speed": st.floats(0.7, 1.2)},
            ),
            "turn": st.fixed_dictionaries({"turn_eagerness": st.sampled_from(["eager", "patient"])}),
        },
    ),
)


def merged(document, change):
    """What a vendor makes of a change that merges groups."""
    whole = copy.deepcopy(document)
    for name, value in change.items():
        there = whole.get(name)
        whole[name] = there | value if isinstance(there, dict) and isinstance(value, dict) else value
    return whole


def settings(value, path=()):
    """What is set, by its path: the headers one by one. What is null is not."""
    if not isinstance(value, dict) or len(path) > 2 or (len(path) == 2 and path[1] != "request_headers"):
        return {} if value is None else {path: value}
    return {where: one for key in value for where, one in settings(value[key], (*path, key)).items()}


def meet(path, other):
    """Whether one leads through the other."""
    shorter = min(len(path), len(other))
    return path[:shorter] == other[:shorter]


@given(documents, wanted_engines)
def test_any_document_is_as_wanted_after_one_update_whether_groups_are_merged_or_replaced(document, wanted):
    before = copy.deepcopy(document)
    differences = compare(document, wanted)
    change = update_for(differences, document)
    written = {one.path for one in differences}
    for after in (merged(document, change), document | change):
        assert compare(after, wanted) == ()
        kept = [path for path in settings(before) if not any(meet(path, other) for other in written)]
        assert {path: settings(after)[path] for path in kept} == {path: settings(before)[path] for path in kept}
    assert document == before


@given(engines, wanted_engines)
def test_the_twin_takes_it_and_takes_it_back(engine, wanted):
    before = body(engine)
    differences = compare(before, wanted)
    change = update_for(differences, before)
    assert ("speech_engine" not in change) or {"ws_url", "request_headers"} <= change["speech_engine"].keys()
    apply(engine, copy.deepcopy(change))
    after = body(engine)
    assert compare(after, wanted) == ()
    assert bool(remarks(after, wanted)) == bool(remarks(before, wanted))
    back = take_back(differences, after)
    assert back.left == ()
    apply(engine, update_for(back.differences, after))
    assert body(engine) == before


@given(wanted_engines)
def test_what_is_made_is_as_wanted(wanted):
    engine = Engine("seng_1", ws_url="")
    apply(engine, creation(wanted, name="Ringbridge"), new=True)
    assert compare(body(engine), wanted) == ()
    assert remarks(body(engine), wanted) == ()
