"""A number, a tunnel and the real bridge behind them: a call from the phone to the brain and back."""

from ringbridge.emulator.caller import Caller
from ringbridge.emulator.play import play
from ringbridge.emulator.scenario import Say, Scenario
from ringbridge.emulator.speech.base import Speech
from ringbridge.emulator.speech.exact import ExactEars, ExactVoice
from ringbridge.emulator.tunnels.edge import Edge
from ringbridge.emulator.tunnels.ngrok import NGROK, NgrokAgent
from ringbridge.emulator.wiretap import Wiretap
from ringbridge.emulator.world import OWN_NUMBER, World

HOST = "desk.ngrok.app"


async def reply(turn):
    yield f"You said: {turn.text}."


async def test_a_number_that_is_set_up_so_leads_through_the_tunnel_to_the_brain():
    speech = Speech(ExactVoice(), ExactVoice(), ExactEars())
    settings = {"PUBLIC_URL": f"https://{HOST}", "GREETING": "Hello."}
    async with (
        World(reply, speech, settings=settings) as world,
        Edge(NGROK, world.addresses) as edge,
        NgrokAgent(edge, reserved=[HOST]) as agent,
    ):
        agent.start({"domain": HOST, "addr": f"localhost:{world.port}"})
        number = world.twilio.account.numbers[OWN_NUMBER]
        assert number.voice_url == f"https://{HOST}/incoming-call"
        number.voice_url += "#rc=2&rp=5xx,ct,rt"
        phone = await world.twilio.dial(to=OWN_NUMBER)
        async with Caller(phone, speech) as caller:
            scenario = Scenario((Say("one", expect="You said: one."),), greeting="Hello.")
            report = await play(scenario, caller, Wiretap(phone, world.elevenlabs.conversations), sounds={}, exact=True)
    assert report.problems == []
    assert phone.errors == []
