"""Which speech engine takes a call, and how the setting that lists them is read."""

import pytest

from ringbridge.calls.languages import EngineChoice, choose_engine, parse_engines

EN = EngineChoice("en", "seng_en")
DE = EngineChoice("de", "seng_de")
ES = EngineChoice("es", "seng_es")
FR = EngineChoice("fr", "seng_fr")
HI = EngineChoice("hi", "seng_hi")
NL = EngineChoice("nl", "seng_nl")
ALL = (EN, DE, ES, FR, HI, NL)

US, GB, CA = "+12125550100", "+442079460000", "+14165550100"
GERMANY, AUSTRIA, SWITZERLAND, BELGIUM = "+4930123456", "+4312345678", "+41446681800", "+3222345678"
INDIA, MEXICO, FRANCE = "+911123456789", "+525512345678", "+33123456789"


def chosen(called="", caller="", caller_country="", *, engines=ALL, default=EN):
    return choose_engine(engines, default=default, called=called, caller=caller, caller_country=caller_country)


def test_the_list_is_read():
    assert parse_engines("en:seng_1, FR : seng_2,de-AT:seng_3") == (
        EngineChoice("en", "seng_1"),
        EngineChoice("fr", "seng_2"),
        EngineChoice("de", "seng_3"),
    )


@pytest.mark.parametrize(
    ("text", "what", "mend"),
    [
        ("", "not language:engine", "en:seng_…,fr:seng_…"),
        ("en:seng_1,", "not language:engine", "en:seng_…,fr:seng_…"),
        ("seng_1", "not language:engine", "en:seng_…,fr:seng_…"),
        ("en:", "not language:engine", "en:seng_…,fr:seng_…"),
        ("xx:seng_1", "'xx' for a language", "such as en, de, es, fr or hi"),
        ("english:seng_1", "'english' for a language", "such as en, de, es, fr or hi"),
        (":seng_1", "'' for a language", "such as en, de, es, fr or hi"),
        ("de_AT:seng_1", "'de_AT' for a language", "such as en, de, es, fr or hi"),
        ("en:agent_1", "names an agent", "seng_"),
        ("en:seng_1,en:seng_2", "the language en twice", "one engine"),
        ("en:seng_1,en-GB:seng_2", "the language en twice", "one engine"),
    ],
)
def test_what_is_wrong_with_the_list_is_said_with_the_mend(text, what, mend):
    with pytest.raises(ValueError, match=what) as failed:
        parse_engines(text)
    assert mend in str(failed.value)


@pytest.mark.parametrize(
    ("called", "engine"),
    [
        (US, EN), (GB, EN), (CA, EN), (GERMANY, DE), (AUSTRIA, DE), (SWITZERLAND, DE), (BELGIUM, NL), (INDIA, HI),
        (MEXICO, ES), (FRANCE, FR),
    ],
)  # fmt: skip
def test_the_called_numbers_country_decides(called, engine):
    other = FRANCE if engine is not FR else GERMANY
    assert chosen(called, caller=other, caller_country="ES", default=ES) is engine


@pytest.mark.parametrize(
    ("called", "engines", "engine"),
    [
        (SWITZERLAND, (FR, EN), FR),
        (BELGIUM, (DE, FR), FR),
        (BELGIUM, (DE, EN), DE),
        (INDIA, (EN, DE), EN),
        (CA, (FR,), FR),
        (US, (ES,), ES),
    ],
)
def test_of_a_countrys_languages_the_first_that_has_an_engine_is_taken(called, engines, engine):
    assert chosen(called, engines=engines, default=NL if NL not in engines and called != BELGIUM else HI) is engine


@pytest.mark.parametrize("called", [US, CA, GB])
def test_the_default_is_one_of_the_engines(called):
    """Else New York would be answered in Spanish where only that is listed beside the default."""
    assert chosen(called, engines=(ES, FR)) is EN


def test_a_listed_engine_is_preferred_to_the_default_of_its_language():
    assert chosen(US, engines=(EN,), default=EngineChoice("en", "seng_other")) is EN


@pytest.mark.parametrize("called", ["", "client:desk", "sip:desk@example.com", "+80012345678", "+15550100001", "911"])
def test_without_a_country_of_its_own_the_callers_decides(called):
    assert chosen(called, caller=GERMANY) is DE
    assert chosen(called, caller=GERMANY, caller_country="FR") is DE


def test_a_country_without_an_engine_leaves_it_to_the_caller():
    assert chosen("+351212345678", caller=FRANCE) is FR


@pytest.mark.parametrize(
    "caller",
    ["anonymous", "Anonymous", "client:bob", "sip:bob@example.com", "", "+", "+15550100001", "+80012345678", "12345"],
)
def test_what_has_no_country_leaves_it_to_twilio_and_then_to_the_default(caller):
    assert chosen(caller=caller, caller_country="DE") is DE
    assert chosen(caller=caller, caller_country="de") is DE
    for unknown in ("", "XX", "Germany", "001", "JP"):
        assert chosen(caller=caller, caller_country=unknown) is EN


def test_without_a_list_it_is_the_default():
    assert chosen(GERMANY, GERMANY, "DE", engines=()) is EN
