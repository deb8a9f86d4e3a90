"""Which fault can be where."""

from typing import get_args

import pytest

from ringbridge.emulator.faults import FITS, Fault, Kind, Where
from ringbridge.emulator.scenario import ScenarioError, read


def test_every_kind_has_its_places_and_every_place_its_kinds():
    assert FITS.keys() == set(get_args(Kind))
    assert all(FITS.values())
    assert frozenset[str]().union(*FITS.values()) == set(get_args(Where))


@pytest.mark.parametrize(
    ("where", "kind"), [("webhook", "no_metadata"), ("engine_socket", "no_start"), ("callback", "refuse")]
)
def test_a_fault_that_can_not_be_at_its_place_is_refused(where, kind):
    with pytest.raises(ValueError, match=f"{kind} can be at .* only: '{where}'"):
        Fault(where, kind)


def test_a_queue_ends_in_one_of_two_ways():
    with pytest.raises(ValueError, match="admitted or timed_out"):
        Fault("engine_socket", "queue", text="forgotten")


def test_a_scenario_names_them_too():
    step = '[[step]]\nsay = "Hello."\n[[fault]]\nwhere = "{}"\nkind = "mid_sentence"\nafter_ms = 500\n'
    assert read(step.format("engine_socket")).faults == (Fault("engine_socket", "mid_sentence", after_ms=500),)
    with pytest.raises(ScenarioError, match=r"fault 1: .*mid_sentence can be at engine_socket only"):
        read(step.format("webhook"))
