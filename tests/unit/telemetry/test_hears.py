"""What an observer does not listen for would not have changed anything."""

from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from ringbridge import facts
from ringbridge.facts import Fact
from ringbridge.telemetry.prometheus import PrometheusMetrics
from ringbridge.telemetry.tally import COUNTED, Tallies

KINDS = frozenset(get_args(Fact))


def one_of(kinds):
    return st.sampled_from(sorted(kinds, key=lambda kind: kind.__name__)).flatmap(st.from_type)


@given(one_of(KINDS - COUNTED))
def test_what_is_not_counted_changes_no_tally(fact):
    told, untold = Tallies(lambda: 1.0), Tallies(lambda: 1.0)
    for tallies in (told, untold):
        tallies.note("CA1", facts.CallBegan("+15550100001", "+15550100002", "en"))

    told.note("CA1", fact)

    assert told.note("CA1", facts.CallerBegan()) == untold.note("CA1", facts.CallerBegan())


@given(one_of(KINDS - PrometheusMetrics.hears))
def test_what_the_metrics_do_not_listen_for_is_in_no_metric(fact):
    metrics = PrometheusMetrics(lambda: 1.0)
    metrics("CA1", facts.CallBegan("+15550100001", "+15550100002", "en"))

    def numbers():
        page = metrics.page("").body.decode()
        return [line for line in page.splitlines() if line.startswith("ringbridge")]

    before = numbers()
    metrics("CA1", fact)

    assert numbers() == before
