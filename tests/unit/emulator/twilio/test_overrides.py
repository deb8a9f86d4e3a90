import pytest

from ringbridge.emulator.twilio.overrides import Overrides, read

URL = "https://bridge.test/incoming-call?a=1"


@pytest.mark.parametrize(
    ("fragment", "overrides"),
    [
        ("", Overrides()),
        ("#", Overrides()),
        ("#rc=2&rp=5xx,ct,rt", Overrides(retries=2, retried=frozenset({"5xx", "ct", "rt"}))),
        ("#ct=100&rt=15000&tt=9000", Overrides(connect_seconds=0.1, read_seconds=15, total_seconds=9)),
        ("#rc=0&rp=all", Overrides(retries=0, retried=frozenset({"4xx", "5xx", "ct", "rt"}))),
        ("#ct=99&rt=15001&tt=abc&rc=6&rp=6xx", Overrides(retried=frozenset())),
        ("#e=ashburn&sni=n", Overrides()),
    ],
)
def test_what_a_fragment_says(fragment, overrides):
    assert read(URL + fragment) == overrides
