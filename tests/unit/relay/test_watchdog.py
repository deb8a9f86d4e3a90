from ringbridge.relay.watchdog import Debtor, Watchdog


def test_nothing_is_owed_at_first():
    assert not Watchdog().is_owed


def test_a_debt_begins_once_and_may_change_hands():
    watchdog = Watchdog()
    assert watchdog.owe(Debtor.ENGINE)
    assert not watchdog.owe(Debtor.BRAIN)
    assert watchdog.debtor is Debtor.BRAIN


def test_a_debt_that_is_paid_can_begin_anew():
    watchdog = Watchdog()
    watchdog.owe(Debtor.ENGINE)
    watchdog.paid()
    assert not watchdog.is_owed
    assert watchdog.owe(Debtor.ENGINE)


def test_no_clip_is_said_twice_running_and_each_silence_begins_with_the_first():
    watchdog = Watchdog()
    watchdog.owe(Debtor.ENGINE)
    said = [watchdog.next_clip() for _ in range(3)]
    assert said == ["one_moment", "still_here", "one_moment"]
    watchdog.paid()
    watchdog.owe(Debtor.BRAIN)
    assert watchdog.next_clip() == "one_moment"
