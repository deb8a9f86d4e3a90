from dataclasses import replace

import pytest

from ringbridge.emulator.elevenlabs.engine import CLIENT_EVENTS as KNOWN_EVENTS
from ringbridge.emulator.elevenlabs.engine import DEFAULT_CLIENT_EVENTS
from ringbridge.wanted.differences import shown
from ringbridge.wanted.engine import CLIENT_EVENTS, WantedEngine, compare, creation, remarks, update_for

SECRET = "a-secret-0123456789"
WANTED = WantedEngine(ws_url="wss://bridge.test/ws", secret=SECRET, max_call_seconds=600, greets=True)


def engine(**groups):
    """One that is as wanted, but for `groups`."""
    return {
        "speech_engine": {
            "ws_url": "wss://bridge.test/ws",
            "request_headers": {"x-api-key": SECRET, "x-call-sid": {"variable_name": "call_sid"}},
        },
        "asr": {"user_input_audio_format": "ulaw_8000"},
        "tts": {"agent_output_audio_format": "ulaw_8000", "model_id": "eleven_flash_v2", "voice_id": "v"},
        "turn": {"silence_end_call_timeout": -1},
        "conversation": {"max_duration_seconds": 660, "client_events": [*reversed(CLIENT_EVENTS)]},
        "auth": {"enable_auth": True},
        "language": "en",
        "overrides": {"first_message": True},
        **groups,
    }


def sides(document, wanted=WANTED):
    return {one.name: (one.current, one.wanted) for one in compare(document, wanted)}


def test_one_that_is_as_wanted_differs_nowhere():
    assert sides(engine()) == {}
    assert remarks(engine(), WANTED) == ()


def test_the_vendors_own_events_are_wanted_and_four_more():
    assert set(CLIENT_EVENTS) >= DEFAULT_CLIENT_EVENTS
    assert len(CLIENT_EVENTS) == len(DEFAULT_CLIENT_EVENTS) + 4
    assert set(CLIENT_EVENTS) <= KNOWN_EVENTS


def test_events_of_others_stay():
    document = engine(conversation={"client_events": ["audio", "context_usage"], "max_duration_seconds": 9_999})
    ((_, wanted),) = sides(document).values()
    assert wanted[:2] == ["audio", "context_usage"]
    assert set(wanted) == {*CLIENT_EVENTS, "context_usage"}


@pytest.mark.parametrize(
    ("model", "language", "wanted"),
    [
        ("eleven_flash_v2", "en", None),
        ("eleven_turbo_v2", "en", None),
        ("eleven_flash_v2_5", "en", None),
        ("eleven_flash_v2_5", "fr", None),
        ("eleven_flash_v9", "fr", None),
        ("eleven_flash_v2", "fr", "eleven_flash_v2_5"),
        ("eleven_multilingual_v2", "en", "eleven_flash_v2"),
        ("eleven_multilingual_v2", "pt-br", "eleven_flash_v2_5"),
        (None, "en", "eleven_flash_v2"),
        ("eleven_v3_conversational", "th", None),
    ],
)
def test_a_model_that_is_quick_and_speaks_the_language(model, language, wanted):
    document = engine(tts={"agent_output_audio_format": "ulaw_8000", "model_id": model}, language=language)
    assert sides(document) == ({} if wanted is None else {"tts.model_id": (model, wanted)})


def test_a_language_that_no_quick_model_speaks_is_a_remark():
    assert [remark.text for remark in remarks(engine(language="th"), WANTED)] == [
        "no model of low latency is known to speak th, so the engine's own is left"
    ]
    made = creation(replace(WANTED, language="th"), name="Desk")
    assert "model_id" not in made["tts"]
    assert [remark.mend for remark in remarks(made, WANTED)] == ["listen to how it speaks, and how soon"]


def test_another_language_wants_another_model():
    assert sides(engine(), replace(WANTED, language="de", voice_id="w")) == {
        "language": ("en", "de"),
        "tts.voice_id": ("v", "w"),
        "tts.model_id": ("eleven_flash_v2", "eleven_flash_v2_5"),
    }


@pytest.mark.parametrize("seconds", [659, None, "long", True])
def test_conversations_outlast_our_calls(seconds):
    document = engine(conversation={"max_duration_seconds": seconds, "client_events": [*CLIENT_EVENTS]})
    assert sides(document) == {"conversation.max_duration_seconds": (seconds, 660)}


@pytest.mark.parametrize(("seconds", "fits"), [(-1, True), (None, True), (-1.0, True), (0, False), (30, False)])
def test_the_bridge_alone_ends_silent_calls(seconds, fits):
    document = engine(turn={"silence_end_call_timeout": seconds})
    assert (sides(document) == {}) is fits


def test_a_header_is_known_however_it_is_spelled_and_the_owners_stay():
    headers = {"X-API-Key": "old", "X-Call-Sid": {"variable_name": "call_sid"}, "x-mine": {"secret_id": "s"}}
    document = engine(speech_engine={"ws_url": "wss://bridge.test/ws", "request_headers": headers, "new": 1})
    (difference,) = compare(document, WANTED)
    assert (difference.name, difference.secret) == ("speech_engine.request_headers.X-API-Key", True)
    assert SECRET not in "".join(shown(difference))
    assert update_for([difference], document) == {
        "speech_engine": {
            "ws_url": "wss://bridge.test/ws",
            "request_headers": {**headers, "X-API-Key": SECRET},
            "new": 1,
        }
    }


def test_a_secret_of_the_workspace_is_left_with_a_remark():
    headers = {"x-api-key": {"secret_id": "s"}, "x-call-sid": {"variable_name": "call_sid"}}
    document = engine(speech_engine={"ws_url": "wss://bridge.test/ws", "request_headers": headers})
    assert compare(document, WANTED) == ()
    (remark,) = remarks(document, WANTED)
    assert "SHARED_SECRET" in remark.mend


def test_what_only_creation_sets_is_a_remark_and_no_difference():
    document = engine(overrides={"first_message": False})
    assert compare(document, WANTED) == ()
    (remark,) = remarks(document, WANTED)
    assert "GREETING" in remark.text
    assert remarks(document, replace(WANTED, greets=False)) == ()


def test_address_and_headers_go_together():
    document = engine(speech_engine={"ws_url": "wss://old.test/ws", "request_headers": None})
    assert update_for(compare(document, WANTED)[:1], document) == {
        "speech_engine": {"ws_url": "wss://bridge.test/ws", "request_headers": {}}
    }


def test_a_new_engine_allows_the_greeting():
    body = creation(replace(WANTED, language="fr", voice_id="w"), name="Mine")
    assert (body["name"], body["language"], body["overrides"]) == ("Mine", "fr", {"first_message": True})
    assert body["tts"] == {"agent_output_audio_format": "ulaw_8000", "voice_id": "w", "model_id": "eleven_flash_v2_5"}
    assert compare(body, WANTED) == ()


def test_the_secret_is_not_in_its_text():
    assert SECRET not in repr(WANTED)


@pytest.mark.parametrize("mask", ["*" * 10, "••••", "...6789", "…", "a-se***89"])
def test_a_masked_secret_is_ours_where_our_address_is(mask):
    headers = {"x-api-key": mask, "x-call-sid": {"variable_name": "call_sid"}}
    document = engine(speech_engine={"ws_url": WANTED.ws_url, "request_headers": headers})
    assert sides(document) == {}
    (remark,) = remarks(document, WANTED)
    assert "is not compared" in remark.text
    moved = engine(speech_engine={"ws_url": "wss://old.test/ws", "request_headers": headers})
    assert sides(moved)["speech_engine.request_headers.x-api-key"] == (mask, SECRET)


@pytest.mark.parametrize("mask", ["...6780", "b***", "another-secret-0123", "..", None])
def test_a_mask_that_can_not_be_ours_differs(mask):
    headers = {"x-api-key": mask, "x-call-sid": {"variable_name": "call_sid"}}
    document = engine(speech_engine={"ws_url": WANTED.ws_url, "request_headers": headers})
    assert [*sides(document)] == ["speech_engine.request_headers.x-api-key"]
