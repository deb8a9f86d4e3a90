from dataclasses import fields
from datetime import UTC, datetime

import pytest

from ringbridge.calls.admission import Callers, Counts, Rules, Why, admit, is_anonymous, parse_callers
from ringbridge.phrases import ENGLISH

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ANN, BOB = "+14155550100", "+442079460000"
FREE = Counts()


def why(caller=ANN, counts=FREE, **rules):
    return admit(caller, rules=Rules(**{"max_calls": 2, **rules}), counts=counts, now=NOW)


def closed(_now):
    return False


@pytest.mark.parametrize("caller", [ANN, "", "anonymous", "+266696687", "client:ann", "sip:ann@example.test", "\ud800"])
def test_anybody_is_taken_where_nothing_is_set(caller):
    assert why(caller) is None


@pytest.mark.parametrize(
    ("rules", "counts", "decision"),
    [
        ({"blocked": parse_callers(ANN)}, {}, Why.BLOCKED),
        ({"blocked": parse_callers(BOB)}, {}, None),
        ({"allowed": parse_callers(ANN)}, {}, None),
        ({"allowed": parse_callers(BOB)}, {}, Why.NOT_ALLOWED),
        ({"allowed": parse_callers(ANN), "blocked": parse_callers("US")}, {}, Why.BLOCKED),
        ({"takes_anonymous": False}, {}, None),
        ({"is_open": lambda now: now == NOW}, {}, None),
        ({"is_open": closed}, {}, Why.CLOSED),
        ({"per_minute": 2}, {"in_minute": 2}, None),
        ({"per_minute": 2}, {"in_minute": 3}, Why.CALLED_TOO_OFTEN),
        ({"per_day": 2}, {"in_minute": 3, "in_day": 2}, None),
        ({"per_day": 2}, {"in_day": 3}, Why.CALLED_TOO_OFTEN),
        ({"daily_seconds": 60}, {"seconds_today": 59.9}, None),
        ({"daily_seconds": 60}, {"seconds_today": 60}, Why.MINUTES_SPENT),
        ({}, {"seconds_today": 1e9, "in_day": 10_000}, None),
        ({}, {"at_once": 1}, None),
        ({}, {"at_once": 2}, Why.LINES_BUSY),
        ({}, {"at_once": 3}, Why.LINES_BUSY),
    ],
)
def test_each_rule_holds_at_its_bound(rules, counts, decision):
    assert why(counts=Counts(**counts), **rules) is decision


def test_what_is_wrong_with_the_caller_is_told_before_what_is_wrong_with_us():
    broken = {
        Why.BLOCKED: {"blocked": parse_callers("client:ann,+266696687")},
        Why.NOT_ALLOWED: {"allowed": parse_callers(BOB)},
        Why.ANONYMOUS: {"takes_anonymous": False},
        Why.CLOSED: {"is_open": closed},
        Why.CALLED_TOO_OFTEN: {"per_minute": 1},
        Why.MINUTES_SPENT: {"daily_seconds": 1},
        Why.LINES_BUSY: {"max_calls": 1},
    }
    assert list(broken) == list(Why)
    counts = Counts(at_once=1, in_minute=2, in_day=2, seconds_today=1)
    while broken:
        rules = {name: value for rule in broken.values() for name, value in rule.items()}
        assert why("+266696687", counts, **rules) is next(iter(broken))
        del broken[next(iter(broken))]


@pytest.mark.parametrize(
    ("listed", "there", "others"),
    [
        ("+14155550100", ["+14155550100"], ["+141555501001", "+1415555010", "14155550100", ""]),
        ("+1 (415) 555-01.00", ["+14155550100"], ["+1 (415) 555-01.00"]),
        ("+44 (0)20 7946 0000", ["+442079460000"], ["+4402079460000"]),
        ("+1900*", ["+19005550100", "+1900"], ["+1415900", "1900", "+1900x"]),
        ("US", ["+14155550100", "+15550100001"], ["+16045550100", "+442079460000", "US"]),
        ("ca", ["+16045550100"], ["+14155550100"]),
        ("RU,LS,+7*", ["+79991234567", "+71111111111", "+26622123456"], ["+266696687", "+7378742833", "+999123456789"]),
        ("RU", ["+79991234567", "+71111111111"], ["+77011234567", "+999123456789"]),
        ("KZ", ["+77011234567"], ["+79991234567"]),
        ("GB,GG", ["+442079460000", "+441481960194"], ["+33123456789"]),
        ("client:ann", ["client:ann"], ["client:bob", "ann", "client:ann "]),
        ("sip:ann@example.test", ["sip:ann@example.test"], ["sips:ann@example.test", "sip:bob@example.test"]),
        ("+1900*, RU ,client:ann", ["+1900555", "+79991234567", "client:ann"], ["+14155550100"]),
    ],
)
def test_lists_have_whom_they_name(listed, there, others):
    callers = parse_callers(listed)
    assert [caller for caller in there + others if callers.have(caller)] == there


def test_an_empty_list_has_nobody():
    assert not any(Callers().have(caller) for caller in ["", ANN, "anonymous", "client:ann"])


@pytest.mark.parametrize(
    "entry", ["", "4155550100", "+1900", "+0123456789", "*", "+*", "+1*0", "XX", "EU", "client:", "sip:", "client:a b",
              "anonymous", "+1415555010CALL", "+1234567890123456"],
)  # fmt: skip
def test_what_names_nobody_is_told_with_its_mend_and_never_quoted(entry):
    for position, text in enumerate((entry, f"RU,{entry}", f"RU,+1900*,{entry},US"), 1):
        with pytest.raises(ValueError, match="nobody") as caught:
            parse_callers(text)
        assert str(caught.value) == (
            f"has an entry, no. {position}, that is nobody; write numbers like +14155550100, beginnings like +1900*, "
            "countries like RU, others like client:alice"
        )


@pytest.mark.parametrize(
    ("caller", "hidden"),
    [
        (ANN, False),
        ("client:ann", False),
        ("sip:ann@example.test", False),
        ("sips:+14155550100@example.test", False),
        ("sip:anonymous@anonymous.invalid", True),
        ("sips:Anonymous@example.test", True),
        ("", True),
        ("anonymous", True),
        ("Restricted", True),
        ("+266696687", True),
        ("266696687", True),
        ("4155550100", True),
    ],
)
def test_who_is_anonymous(caller, hidden):
    assert is_anonymous(caller) is hidden
    assert why(caller, takes_anonymous=False) is (Why.ANONYMOUS if hidden else None)


def test_of_a_call_that_we_have_placed_only_lines_and_minutes_are_bound():
    rules = Rules(
        max_calls=1,
        per_minute=1,
        per_day=1,
        daily_seconds=60,
        blocked=parse_callers("US"),
        allowed=parse_callers("GB"),
        takes_anonymous=False,
        is_open=closed,
    )
    assert rules.for_outgoing == Rules(max_calls=1, daily_seconds=60)


@pytest.mark.parametrize(
    ("rules", "counts"), [({}, False), ({"per_minute": 1}, True), ({"per_day": 1}, True), ({"daily_seconds": 1}, False)]
)
def test_calls_are_counted_where_it_matters(rules, counts):
    assert Rules(max_calls=1, **rules).counts_calls is counts


def test_each_reason_has_its_sentence():
    sentences = {reason: reason.sentence(ENGLISH) for reason in Why}
    assert sentences == {
        Why.BLOCKED: ENGLISH.not_accepted,
        Why.NOT_ALLOWED: ENGLISH.not_accepted,
        Why.ANONYMOUS: ENGLISH.not_accepted,
        Why.CLOSED: ENGLISH.closed,
        Why.CALLED_TOO_OFTEN: ENGLISH.called_too_often,
        Why.MINUTES_SPENT: ENGLISH.lines_busy,
        Why.LINES_BUSY: ENGLISH.lines_busy,
    }


def test_no_count_is_made_up():
    assert all(getattr(FREE, field.name) == 0 for field in fields(FREE))
