import pytest

from ringbridge.emulator.elevenlabs.signed_urls import LIFETIME_SECONDS, SignatureRefused, Signatures


def test_a_single_use_one_opens_once():
    signatures = Signatures()
    signature = signatures.issue("seng_1", 0, single_use=True)
    signatures.redeem(signature, "seng_1", 1)
    with pytest.raises(SignatureRefused, match="used"):
        signatures.redeem(signature, "seng_1", 2)


def test_any_other_opens_until_it_expires():
    signatures = Signatures()
    signature = signatures.issue("seng_1", 0, single_use=False)
    signatures.redeem(signature, "seng_1", 1)
    signatures.redeem(signature, "seng_1", LIFETIME_SECONDS - 1)
    with pytest.raises(SignatureRefused, match="expired"):
        signatures.redeem(signature, "seng_1", LIFETIME_SECONDS)


def test_it_opens_its_own_engine_only():
    signatures = Signatures()
    signature = signatures.issue("seng_1", 0, single_use=True)
    with pytest.raises(SignatureRefused, match="not issued"):
        signatures.redeem(signature, "seng_2", 1)
    signatures.redeem(signature, "seng_1", 1)


def test_a_made_up_one_opens_nothing():
    with pytest.raises(SignatureRefused, match="not issued"):
        Signatures().redeem("cvtkn_1", "seng_1", 1)


def test_those_long_expired_are_forgotten():
    signatures = Signatures()
    signature = signatures.issue("seng_1", 0, single_use=False)
    signatures.issue("seng_1", 2 * LIFETIME_SECONDS + 1, single_use=False)
    with pytest.raises(SignatureRefused, match="not issued"):
        signatures.redeem(signature, "seng_1", 1)
