"""Which tunnel is taken."""

from contextlib import nullcontext

import pytest

from ringbridge.provision.failures import NotProvided
from ringbridge.public_url import PublicUrl
from ringbridge.tunnels import choice
from ringbridge.tunnels.agent import Tunnel, _Config, refusal
from ringbridge.tunnels.base import fixed, public_url

NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def taken(monkeypatch):
    """What is made of the choice: the tunnel's name, and its program."""
    monkeypatch.setattr(choice, "ngrok", lambda **how: ("ngrok", how["program"], how["domain"]))
    monkeypatch.setattr(choice, "cloudflared", lambda program, note: ("cloudflared", program, None))

    async def choose(kind, installed, domain=None):
        return await choice.choose_tunnel(
            kind,
            domain=domain,
            note=lambda _: nullcontext(),
            agent_url=NOBODY,
            which=lambda name: f"/bin/{name}" if name in installed else None,
        )

    return choose


@pytest.mark.parametrize(
    ("kind", "domain", "installed", "expected"),
    [
        (None, None, ["ngrok", "cloudflared"], ("ngrok", "/bin/ngrok", None)),
        (None, None, ["cloudflared"], ("cloudflared", "/bin/cloudflared", None)),
        (None, "desk.ngrok.app", ["cloudflared"], ("ngrok", None, "desk.ngrok.app")),
        ("cloudflared", None, ["ngrok", "cloudflared"], ("cloudflared", "/bin/cloudflared", None)),
        ("ngrok", None, ["cloudflared"], ("ngrok", None, None)),
    ],
)
async def test_what_is_there_is_taken(taken, kind, domain, installed, expected):
    assert await taken(kind, installed, domain) == expected


@pytest.mark.parametrize(
    ("kind", "domain", "words"),
    [
        (None, None, "install ngrok or cloudflared, or set PUBLIC_URL"),
        ("cloudflared", None, "cloudflared is not installed"),
        ("cloudflared", "desk.example.com", "leave out --domain"),
    ],
)
async def test_what_can_not_be_had(taken, kind, domain, words):
    with pytest.raises(NotProvided, match=words):
        await taken(kind, [], domain)


async def test_a_fixed_address_is_lent_as_it_is():
    async with fixed(PublicUrl("calls.example.com"))(3001) as lent:
        assert (str(lent.url), lent.is_new) == ("https://calls.example.com", False)


def test_an_address_that_can_not_be_called():
    with pytest.raises(NotProvided, match="that ngrok lends"):
        public_url("http://desk.ngrok.app", "ngrok")


@pytest.mark.parametrize(
    ("address", "port"),
    [
        ("3001", 3001),
        ("localhost:3001", 3001),
        ("http://127.0.0.1:3001", 3001),
        ("https://localhost:3001", None),
        ("http://10.0.0.1:3001", None),
        ("http://localhost:x", None),
        ("", None),
    ],
)
def test_where_a_tunnel_leads(address, port):
    assert Tunnel("desk", "https://desk.ngrok.app", _Config(address)).port == port


@pytest.mark.parametrize(
    ("words", "mend"),
    [
        ("failed\r\n\r\nERR_NGROK_4018\r\n", "add-authtoken"),
        ("ERR_NGROK_9999", "https://ngrok.com/docs/errors/err_ngrok_9999/"),
        ("what", "try `ngrok http"),
    ],
)
def test_what_ngrok_means(words, mend):
    assert mend in str(refusal(words))
