import pytest

from ringbridge.doctor.outside import addresses_verdict, expiry_verdict

DAY = 86400


@pytest.mark.parametrize(
    ("addresses", "outcome"),
    [
        (["8.8.8.8", "2001:4860:4860::8888"], "ok"),
        (["8.8.8.8", "192.168.1.4"], "warning"),
        (["::1"], "warning"),
        (["100.64.0.1"], "warning"),
    ],
)
def test_addresses(addresses, outcome):
    assert addresses_verdict("bridge.test", addresses).outcome == outcome


@pytest.mark.parametrize(("days", "outcome"), [(60, "ok"), (15, "ok"), (13, "warning"), (0.1, "warning")])
def test_expiry(days, outcome):
    assert expiry_verdict(days * DAY).outcome == outcome
