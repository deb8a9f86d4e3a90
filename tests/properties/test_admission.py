"""Who is let in: whatever calls, the decision is one, and a looser rule never refuses whom a stricter one takes."""

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from ringbridge.calls.admission import Callers, Counts, Rules, Why, admit, is_anonymous, parse_callers

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ENTRIES = ("+14155550100", "+14155550155", "+1415*", "+7*", "US", "RU", "KZ", "GB", "client:ann", "sip:ann@b.test")

numbers = st.from_regex(r"\+[1-9][0-9]{1,14}", fullmatch=True)
callers = st.one_of(
    st.text(),
    numbers,
    st.sampled_from(["", "anonymous", "+266696687", "+14155550100", "+79991234567", "client:ann", "sip:ann@b.test"]),
    st.text().map(lambda name: f"sip:{name}"),
)
lists = st.lists(st.sampled_from(ENTRIES), min_size=1).map(lambda entries: parse_callers(",".join(entries)))
bounds = st.none() | st.integers(1, 5)
rules = st.builds(
    Rules,
    max_calls=st.integers(1, 5),
    per_minute=bounds,
    per_day=bounds,
    daily_seconds=bounds,
    blocked=lists | st.just(Callers()),
    allowed=lists | st.none(),
    takes_anonymous=st.booleans(),
    is_open=st.sampled_from([None, lambda _: True, lambda _: False]),
)
small = st.integers(0, 6)
counts = st.builds(Counts, at_once=small, in_minute=small, in_day=small, seconds_today=small)


def decide(caller, rules, counts):
    return admit(caller, rules=rules, counts=counts, now=NOW)


@given(callers, rules, counts)
def test_whoever_calls_is_taken_if_no_rule_is_against_it(caller, rules, counts):
    against = {
        Why.BLOCKED: rules.blocked.have(caller),
        Why.NOT_ALLOWED: rules.allowed is not None and not rules.allowed.have(caller),
        Why.ANONYMOUS: not rules.takes_anonymous and is_anonymous(caller),
        Why.CLOSED: rules.is_open is not None and not rules.is_open(NOW),
        Why.CALLED_TOO_OFTEN: counts.in_minute > (rules.per_minute or 99) or counts.in_day > (rules.per_day or 99),
        Why.MINUTES_SPENT: counts.seconds_today >= (rules.daily_seconds or 99),
        Why.LINES_BUSY: counts.at_once >= rules.max_calls,
    }
    decision = decide(caller, rules, counts)
    assert against[decision] if decision else not any(against.values())
    assert (decision is Why.BLOCKED) == against[Why.BLOCKED]  # it wins over all else


def looser(rules):
    yield replace(rules, max_calls=rules.max_calls + 1)
    for name in ("per_minute", "per_day", "daily_seconds"):
        bound = getattr(rules, name)
        yield replace(rules, **{name: None if bound is None else bound + 1})
        yield replace(rules, **{name: None})
    yield replace(rules, blocked=Callers())
    yield replace(rules, allowed=None)
    yield replace(rules, takes_anonymous=True)
    yield replace(rules, is_open=None)
    yield rules.for_outgoing


def quieter(counts):
    for name in ("at_once", "in_minute", "in_day", "seconds_today"):
        yield replace(counts, **{name: max(0, getattr(counts, name) - 1)})


@given(callers, rules, counts)
def test_neither_a_looser_rule_nor_a_quieter_line_refuses_whom_a_stricter_one_takes(caller, rules, counts):
    if decide(caller, rules, counts) is None:
        assert [other for other in looser(rules) if decide(caller, other, counts) is not None] == []
        assert [other for other in quieter(counts) if decide(caller, rules, other) is not None] == []


@given(st.text(max_size=30) | st.lists(st.sampled_from((*ENTRIES, " ", "+", "*", "xx"))).map(",".join))
def test_a_list_is_read_or_its_mend_is_told(text):
    try:
        read = parse_callers(text)
    except ValueError:
        return
    assert read.exact or read.prefixes or read.countries
    written = [*read.exact, *(f"{prefix}*" for prefix in read.prefixes), *read.countries]
    assert parse_callers(",".join(written)) == read


@given(callers, lists, lists)
def test_a_longer_list_has_whom_a_shorter_one_has(caller, one, other):
    both = Callers(one.exact | other.exact, one.prefixes + other.prefixes, one.countries | other.countries)
    assert both.have(caller) == (one.have(caller) or other.have(caller))
