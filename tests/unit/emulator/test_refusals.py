from ringbridge.emulator.refusals import Refusal, Refusals

BUSY, GONE = Refusal(503, {"detail": "busy"}), Refusal(404, {})


def test_a_refusal_waits_for_its_request():
    refusals = Refusals()
    refusals.add("POST", "/numbers/*", BUSY)
    assert refusals.take("GET", "/numbers/1") is None
    assert refusals.take("POST", "/engines/1") is None
    assert refusals.take("POST", "/numbers/1") is BUSY
    assert refusals.take("POST", "/numbers/1") is None


def test_the_oldest_goes_first_and_each_as_often_as_it_was_asked_for():
    refusals = Refusals()
    refusals.add("GET", "*", BUSY, times=2)
    refusals.add("GET", "/numbers", GONE, times=-1)
    assert [refusals.take("GET", "/numbers") for _ in range(4)] == [BUSY, BUSY, GONE, GONE]
