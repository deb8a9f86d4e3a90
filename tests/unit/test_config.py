import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ringbridge.calls.admission import Callers, Rules
from ringbridge.config import Settings, describe, load_settings
from ringbridge.errors import SettingsError
from ringbridge.public_url import PublicUrl

SECRETS = {
    "ELEVENLABS_API_KEY": "sk_2f1e0d9c8b7a",
    "SHARED_SECRET": "0123456789abcdef",
    "TWILIO_AUTH_TOKEN": "d41d8cd98f00b204e9800998ecf8427e",
    "OPENAI_API_KEY": "sk-proj-5f4e3d2c1b",
}
GOOD = SECRETS | {
    "SPEECH_ENGINE_ID": "seng_4711",
    "TWILIO_ACCOUNT_SID": "AC" + "0a" * 16,
    "PUBLIC_URL": "bridge.test",
}


def settings(**changes: str | None) -> Settings:
    environ = {name: value for name, value in (GOOD | changes).items() if value is not None}
    return load_settings(None, environ)


def problems(**changes: str | None) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        settings(**changes)
    return caught.value.problems


def problem(**changes: str | None) -> str:
    (only,) = problems(**changes)
    return only


def test_what_is_needed_is_enough_and_the_rest_has_its_default():
    given = settings()

    assert given.elevenlabs_api_key.get_secret_value() == "sk_2f1e0d9c8b7a"
    assert given.elevenlabs_base_url == "https://api.elevenlabs.io"
    assert given.speech_engine_id == "seng_4711"
    assert given.shared_secrets == ("0123456789abcdef",)
    assert given.brain_auth == "both"
    assert given.twilio_account_sid == "AC" + "0a" * 16
    assert given.twilio_auth_tokens == ("d41d8cd98f00b204e9800998ecf8427e",)
    assert given.twilio_phone_number is None
    assert given.twilio_base_url == "https://api.twilio.com"
    assert given.public_url == PublicUrl("bridge.test")
    assert (given.host, given.port) == ("127.0.0.1", 3001)
    assert "AI" in given.greeting
    assert given.fallback_number is None
    assert given.brain is None
    assert given.openai_api_key is not None
    assert given.openai_base_url == "https://api.openai.com/v1"
    assert given.openai_model
    assert given.check_upgrade_signature is True


def test_every_problem_is_told_at_once_in_the_tables_order():
    found = problems(
        ELEVENLABS_API_KEY=None, SHARED_SECRET="short", TWILIO_AUTH_TOKEN="", PORT="http", PUBLIC_URL="localhost",
        FALLBACK_NUMBER="112", OPENAI_API_KEY=None, CHECK_UPGRADE_SIGNATURE="maybe",
    )  # fmt: skip

    assert [line.partition(":")[0] for line in found] == [
        "ELEVENLABS_API_KEY", "SHARED_SECRET", "TWILIO_AUTH_TOKEN", "PUBLIC_URL", "PORT", "FALLBACK_NUMBER",
        "OPENAI_API_KEY", "CHECK_UPGRADE_SIGNATURE",
    ]  # fmt: skip


def test_each_problem_is_one_line_with_its_mend():
    found = problems(
        **dict.fromkeys(GOOD), PORT="-1", BRAIN_AUTH="none", HOST=None, FALLBACK_NUMBER="+1", OPENAI_BASE_URL="x"
    )

    assert len(found) == 11
    for line in found:
        name, _, text = line.partition(": ")
        wrong, _, mend = text.partition("; ")
        assert name.isupper()
        assert wrong
        assert mend
        assert "\n" not in line


@pytest.mark.parametrize("name", [row.name for row in describe() if row.needed])
def test_what_is_needed_is_missed(name: str):
    assert problem(**{name: None}).startswith(f"{name}: is not set; ")
    assert problem(**{name: "  "}).startswith(f"{name}: is not set; ")


@pytest.mark.parametrize("row", [row for row in describe() if row.needed or row.name == "OPENAI_API_KEY"])
def test_the_examples_value_is_refused(row):
    assert problem(**{row.name: row.example}).startswith(f"{row.name}: is still the example's; ")


def test_no_secret_is_ever_shown():
    shown = repr(settings()) + str(settings())

    with pytest.raises(SettingsError) as caught:
        settings(
            SHARED_SECRET=f"{SECRETS['SHARED_SECRET']},short",
            TWILIO_AUTH_TOKEN=f"{SECRETS['TWILIO_AUTH_TOKEN']},a,b",
            TWILIO_ACCOUNT_SID=SECRETS["TWILIO_AUTH_TOKEN"],
            OPENAI_BASE_URL=f"https://user:{SECRETS['OPENAI_API_KEY']}@example.com",
        )
    assert len(caught.value.problems) == 4
    shown += str(caught.value) + repr(caught.value.__cause__) + repr(caught.value.__context__)

    for secret in SECRETS.values():
        assert secret not in shown


def test_blanks_are_as_good_as_nothing():
    given = settings(HOST="", PORT=" ", FALLBACK_NUMBER="", BRAIN="", OPENAI_MODEL="", BRAIN_AUTH="")

    assert given == settings()


def test_an_empty_greeting_leaves_it_to_the_engine():
    assert settings(GREETING="").greeting == ""


def test_white_space_around_a_value_is_no_part_of_it():
    assert settings(ELEVENLABS_API_KEY=" sk_2f1e0d9c8b7a\n").elevenlabs_api_key == settings().elevenlabs_api_key


def test_two_values_while_a_secret_is_rotated():
    given = settings(TWILIO_AUTH_TOKEN="new, old", SHARED_SECRET="fedcba9876543210,0123456789abcdef")

    assert given.twilio_auth_tokens == ("new", "old")
    assert given.shared_secrets == ("fedcba9876543210", "0123456789abcdef")


@pytest.mark.parametrize("value", ["a,b,c", "a,", ",a"])
def test_three_values_or_an_empty_one_are_no_rotation(value: str):
    assert problem(TWILIO_AUTH_TOKEN=value).startswith("TWILIO_AUTH_TOKEN: holds more than two")


@pytest.mark.parametrize("value", ["x" * 15, f"{'x' * 16},short", "sixteen letters ü", "with a space in it"])
def test_a_weak_or_unsendable_secret_is_refused(value: str):
    assert problem(SHARED_SECRET=value).startswith("SHARED_SECRET: is shorter than 16")


@pytest.mark.parametrize("value", ["SK" + "0" * 32, "AC123", "ac" + "0" * 32])
def test_an_account_is_known_by_its_sid(value: str):
    assert "Account SID" in problem(TWILIO_ACCOUNT_SID=value)


def test_an_agent_is_not_a_speech_engine():
    assert "seng_" in problem(SPEECH_ENGINE_ID="agent_4711")


def test_the_public_url_says_what_is_wrong_with_it():
    assert problem(PUBLIC_URL="http://bridge.test").startswith("PUBLIC_URL: http:// is not encrypted")


@pytest.mark.parametrize("value", ["+15550100199", "+1 (555) 010-0199", "+1-555-010-0199"])
def test_numbers_are_kept_in_e164(value: str):
    assert settings(FALLBACK_NUMBER=value, TWILIO_PHONE_NUMBER="+442079460000").fallback_number == "+15550100199"


@pytest.mark.parametrize(
    "value", ["5550100199", "0015550100199", "+1555", "+999123456789", "+15550100199x2", "client:bob", "+1555010CALL"]
)
@pytest.mark.parametrize("name", ["FALLBACK_NUMBER", "TWILIO_PHONE_NUMBER"])
def test_what_is_not_a_number_is_refused(name: str, value: str):
    assert "+14155550123" in problem(**{name: value})


def test_our_own_number_is_no_fallback():
    line = problem(FALLBACK_NUMBER="+1 555 010 0199", TWILIO_PHONE_NUMBER="+15550100199")

    assert line.startswith("FALLBACK_NUMBER: is TWILIO_PHONE_NUMBER itself")


@pytest.mark.parametrize("name", ["ELEVENLABS_BASE_URL", "TWILIO_BASE_URL"])
def test_base_urls_are_origins(name: str):
    field = name.lower()

    assert getattr(settings(**{name: "http://127.0.0.1:4711/"}), field) == "http://127.0.0.1:4711"
    for bad in ("api.example.com", "wss://api.example.com", "https://", "https://[", "https://api.example.com:x"):
        assert "is not a URL" in problem(**{name: bad})
    assert "has a path" in problem(**{name: "https://api.example.com/v1"})
    assert "user name" in problem(**{name: "https://me@api.example.com"})
    assert "query" in problem(**{name: "https://api.example.com?a=b"})


def test_openais_url_may_have_a_path():
    assert settings(OPENAI_BASE_URL="http://gpu:8000/v1/").openai_base_url == "http://gpu:8000/v1"


def test_openais_key_is_needed_by_openais_brain_alone():
    assert problem(OPENAI_API_KEY=None).startswith("OPENAI_API_KEY: is not set; ")
    assert settings(OPENAI_API_KEY=None, BRAIN="brain.py:reply").openai_api_key is None
    assert problem(OPENAI_API_KEY=None, BRAIN="brain.py").startswith("BRAIN: names no function; ")


@pytest.mark.parametrize("value", ["app.brain:reply", "brain.py:reply", "/srv/app/brain.py:reply"])
def test_a_brain_is_a_module_or_file_and_a_function(value: str):
    assert settings(BRAIN=value).brain == value


@pytest.mark.parametrize(("value", "wanted"), [("on", True), ("off", False), ("OFF", False)])
def test_the_upgrades_signature_check_is_on_or_off(value: str, *, wanted: bool):
    assert settings(CHECK_UPGRADE_SIGNATURE=value).check_upgrade_signature is wanted


@pytest.mark.parametrize("value", ["0", "false", "no"])
def test_other_words_do_not_turn_a_check_off(value: str):
    assert problem(CHECK_UPGRADE_SIGNATURE=value) == "CHECK_UPGRADE_SIGNATURE: is not understood; write on or off"


@pytest.mark.parametrize("value", ["-1", "65536", "http", "3001.5"])
def test_a_port_is_a_small_number(value: str):
    assert problem(PORT=value).startswith("PORT: is not understood; ")


def test_settings_can_not_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        settings().port = 80


def dotenv(folder: Path, **values: str) -> Path:
    file = folder / ".env"
    file.write_text("".join(f"{name}={value}\n" for name, value in values.items()), encoding="utf-8")
    return file


def test_the_env_file_is_read_below_the_environment(tmp_path: Path):
    file = dotenv(tmp_path, **GOOD, PORT="4000", HOST="0.0.0.0", SOMETHING_ELSE="1", GREETING="")

    given = load_settings(file, {"PORT": "5000", "HOST": "", "GREETING": "Hi"})

    assert (given.port, given.host, given.greeting) == (5000, "0.0.0.0", "Hi")
    assert load_settings(file, {}).greeting == ""


def test_no_env_file_is_no_problem(tmp_path: Path):
    assert load_settings(tmp_path / ".env", GOOD) == settings()


def test_an_env_file_that_is_no_text_is_a_problem_with_a_mend(tmp_path: Path):
    file = tmp_path / ".env"
    file.write_bytes(b"PORT=\xff\xfe\n")

    with pytest.raises(SettingsError, match=r"\.env: can't be read; "):
        load_settings(file, GOOD)


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch):
    for row in describe():
        monkeypatch.delenv(row.name, raising=False)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)

    assert load_settings(None) == settings()


def test_the_machines_environment_does_not_leak_into_a_given_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PORT", "4000")

    assert settings().port == 3001


def test_each_setting_is_described():
    for row in describe():
        assert row.help.endswith(".")
        assert row.needed == (row.otherwise == "needed")
        assert row.default or row.otherwise


def test_nothing_but_calls_at_once_is_bound_by_itself():
    given = settings()

    assert given.rules == Rules(max_calls=500)
    assert (given.redis_url, given.refused_callers, given.zone) == (None, "say", ZoneInfo("UTC"))


def test_what_bounds_the_calls():
    rules = settings(
        MAX_CALLS="2", CALLS_PER_MINUTE="3", CALLS_PER_DAY="4", DAILY_MINUTES="5",
        BLOCKED_CALLERS="+1 415 555 0155, +1900*", ALLOWED_CALLERS="us,client:ann", ANONYMOUS_CALLERS="off",
    ).rules  # fmt: skip

    assert rules == Rules(
        max_calls=2,
        per_minute=3,
        per_day=4,
        daily_seconds=300,
        blocked=Callers(frozenset({"+14155550155"}), ("+1900",)),
        allowed=Callers(frozenset({"client:ann"}), countries=frozenset({"US"})),
        takes_anonymous=False,
    )


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "many", "off"])
@pytest.mark.parametrize("name", ["MAX_CALLS", "CALLS_PER_MINUTE", "CALLS_PER_DAY", "DAILY_MINUTES"])
def test_a_bound_is_a_number_from_one(name: str, value: str):
    assert re.fullmatch(
        rf"{name}: is not understood; write a number of (calls|minutes), from 1", problem(**{name: value})
    )


@pytest.mark.parametrize("value", ["+1900", "RU,", "everybody", "4155550155"])
@pytest.mark.parametrize("name", ["BLOCKED_CALLERS", "ALLOWED_CALLERS"])
def test_a_list_of_callers_names_somebody(name: str, value: str):
    line = problem(**{name: value})

    assert line.startswith(f"{name}: has an entry, no. ")
    assert "; write numbers like +14155550100" in line


@pytest.mark.parametrize(
    ("zone", "hours", "opens"),
    [
        ("UTC", "Mo-Fr 09:00-17:30; Sa 10:00-14:00", "2026-03-02T09:00Z"),
        ("Europe/Berlin", "Mo-Fr 09:00-17:30", "2026-03-02T08:00Z"),
        ("Europe/Berlin", "Mo-Fr 09:00-17:30", "2026-03-30T07:00Z"),
        ("America/New_York", "Mo-Fr 09:00-17:30", "2026-03-09T13:00Z"),
        ("Asia/Kolkata", "Mo 09:00-17:30", "2026-03-02T03:30Z"),
        ("posix/Europe/Berlin", "Mo-Fr 09:00-17:30", "2026-03-30T07:00Z"),
        ("UTC", "Fr 22:00-06:00", "2026-03-06T22:00Z"),
        ("UTC", "24/7; Mar 01-02 off", "2026-03-03T00:00Z"),
    ],
)
def test_opening_hours_go_by_the_clock_of_their_zone(zone: str, hours: str, opens: str):
    given = settings(OPENING_HOURS=hours, TIME_ZONE=zone)
    moment = datetime.fromisoformat(opens).astimezone(given.zone)

    assert given.rules.is_open(moment)
    assert not given.rules.is_open(moment - timedelta(minutes=1))


def test_in_the_hour_that_comes_twice_it_is_open_twice():
    given = settings(OPENING_HOURS="02:30-02:45", TIME_ZONE="Europe/Berlin")
    minutes = (datetime(2026, 10, 25, tzinfo=UTC) + timedelta(minutes=count) for count in range(180))

    assert sum(given.rules.is_open(minute.astimezone(given.zone)) for minute in minutes) == 30


@pytest.mark.parametrize("value", ["always", "Mo-Fr 9-17", "25:00-26:00 Mo", "Mo-Fr 09:00-17:30;;x"])
def test_other_opening_hours_are_refused(value: str):
    assert problem(OPENING_HOURS=value).startswith("OPENING_HOURS: is not understood; write it like Mo-Fr 09:00-17:30")


@pytest.mark.parametrize(
    "value", ["Berlin", "Europe", "+01:00", "../../etc/passwd", "/etc/localtime", "europe/nowhere"]
)
def test_other_time_zones_are_refused(value: str):
    assert problem(TIME_ZONE=value) == "TIME_ZONE: is no time zone; write one like Europe/Berlin or America/New_York"


@pytest.mark.parametrize("value", ["redis://localhost", "redis://:pass@host:6379/0", "rediss://user:pass@host:6380/1"])
def test_a_redis_has_a_url_that_is_never_shown(value: str):
    given = settings(REDIS_URL=value)

    assert given.redis_url.get_secret_value() == value
    assert "host" not in repr(given.redis_url)


@pytest.mark.parametrize(
    "value", ["localhost:6379", "http://host", "redis://", "redis://:pass@", "redis://h:port", "redis://["]
)
def test_what_is_no_redis_is_refused(value: str):
    line = problem(REDIS_URL=value)

    assert line == "REDIS_URL: is not the URL of a Redis; write it like redis://host:6379/0 (rediss:// for TLS)"


@pytest.mark.parametrize("value", ["say", "busy"])
def test_refused_callers_get_what_is_set(value: str):
    assert settings(REFUSED_CALLERS=value).refused_callers == value


def test_refused_callers_are_put_through_only_to_somebody():
    assert settings(REFUSED_CALLERS="dial", FALLBACK_NUMBER="+15550100199").refused_callers == "dial"
    assert problem(REFUSED_CALLERS="dial") == (
        "REFUSED_CALLERS: is dial, but FALLBACK_NUMBER names nobody; set it, or write say or busy"
    )
    assert problem(REFUSED_CALLERS="dial", FALLBACK_NUMBER="112").startswith("FALLBACK_NUMBER: ")
    assert problem(REFUSED_CALLERS="hang up") == "REFUSED_CALLERS: is not understood; write say, dial or busy"
