import asyncio

from ringbridge.doctor.checks import Check, carry_out
from ringbridge.doctor.verdict import of_error, ok, parted
from ringbridge.errors import VendorError


def raising(error):
    async def run():
        raise error

    return run


async def test_all_at_once_in_their_order_and_each_in_its_time():
    async def slow():
        await asyncio.sleep(6)
        return [ok("slow", "")]

    async def stuck():
        await asyncio.sleep(1000)
        return []

    begun = asyncio.get_running_loop().time()
    found = await carry_out(
        [
            Check("slow", slow),
            Check("stuck", stuck, 7),
            Check("refused", raising(VendorError("Twilio refused it with 401, error 20003; check the token"))),
            Check("cut off", raising(ConnectionResetError("with a secret"))),
        ]
    )

    assert [(one.name, one.outcome) for one in found] == [
        ("slow", "ok"), ("stuck", "failure"), ("refused", "failure"), ("cut off", "failure"),
    ]  # fmt: skip
    assert found[1].found == "there was no answer within 7 s"
    assert found[2].mend == "check the token"
    assert found[3].found == "the network failed: ConnectionResetError"
    assert asyncio.get_running_loop().time() - begun < 7.1


def test_an_errors_text_is_what_was_found_and_its_mend():
    assert parted("it is so; do this; or that") == ("it is so", "do this; or that")
    assert parted("refused with 404: check the id") == ("refused with 404", "check the id")
    assert parted("can't be reached: ConnectError") == ("can't be reached: ConnectError", "")
    assert "internet" in of_error("key", VendorError("can't be reached: ConnectError")).mend
