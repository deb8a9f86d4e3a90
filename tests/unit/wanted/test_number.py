from ringbridge.emulator.twilio.overrides import read
from ringbridge.public_url import PublicUrl
from ringbridge.wanted.number import FIELDS, WantedNumber, compare, obstacles, webhook

WANTED = WantedNumber(
    voice_url=webhook(PublicUrl("bridge.test"), "/incoming-call"),
    fallback_url="https://bridge.test/fallback",
    status_callback="https://bridge.test/stream-status",
)
OURS = {
    "voice_url": WANTED.voice_url,
    "voice_method": "POST",
    "voice_fallback_url": WANTED.fallback_url,
    "voice_fallback_method": "POST",
    "status_callback": WANTED.status_callback,
    "status_callback_method": "POST",
    "trunk_sid": "",
    "voice_application_sid": "",
}


def test_one_that_is_as_wanted_differs_nowhere():
    assert tuple(OURS) == FIELDS
    assert compare(OURS, WANTED) == ()
    assert compare(OURS | {"trunk_sid": None}, WANTED) == ()


def test_each_setting_is_compared():
    for name in FIELDS:
        (difference,) = compare(OURS | {name: "other"}, WANTED)
        assert (difference.path, difference.current, difference.wanted) == ((name,), "other", OURS[name])


def test_twilio_reads_the_overrides_and_keeps_to_its_fifteen_seconds():
    overrides = read(WANTED.voice_url)
    assert overrides.retried == {"5xx", "ct", "rt"}
    assert (overrides.retries, overrides.connect_seconds) == (2, 2.0)
    assert overrides.read_seconds * (1 + overrides.retries) < 15


def test_one_that_seems_to_be_somebody_elses_says_whose():
    assert obstacles(OURS, None, WANTED) == ()
    assert ["TK1" in one.text for one in obstacles(OURS | {"trunk_sid": "TK1"}, None, WANTED)] == [True]
    assert ["AP1" in one.text for one in obstacles(OURS | {"voice_application_sid": "AP1"}, None, WANTED)] == [True]
    (imported,) = obstacles(OURS | {"voice_url": "https://api.elevenlabs.io/twilio"}, "Desk", WANTED)
    assert "'Desk'" in imported.text
    assert "--take" in imported.mend


def test_one_that_was_taken_from_an_agent_is_ours():
    assert obstacles(OURS, "Desk", WANTED) == ()
