"""Each service asks for what it needs, and for nothing that is the other's."""

import pytest

from ringbridge.config import BrainSettings, BridgeSettings, load
from ringbridge.errors import SettingsError

BOTH = {"ELEVENLABS_API_KEY": "sk_1", "SHARED_SECRET": "s" * 16, "PUBLIC_URL": "bridge.test"}
TWILIO = {"TWILIO_ACCOUNT_SID": "AC" + "0" * 32, "TWILIO_AUTH_TOKEN": "token", "SPEECH_ENGINE_ID": "seng_1"}


def named(caught):
    return [problem.partition(":")[0] for problem in caught.value.problems]


def test_a_bridge_needs_no_model():
    settings = load(BridgeSettings, None, BOTH | TWILIO)
    assert settings.openai_api_key is None
    with pytest.raises(SettingsError) as caught:
        load(BridgeSettings, None, BOTH)
    assert set(named(caught)) == set(TWILIO)


def test_brains_need_a_bridge_and_a_model_and_nothing_of_twilios():
    settings = load(BrainSettings, None, BOTH | {"BRIDGE_URL": "http://bridge:3001/", "BRAIN": "brain.py:reply"})
    assert settings.bridge_url == "http://bridge:3001"
    with pytest.raises(SettingsError) as caught:
        load(BrainSettings, None, BOTH)
    assert named(caught) == ["BRIDGE_URL", "OPENAI_API_KEY"]
    assert "BRIDGE_URL: is not set; write where the bridge is, like http://bridge:3001" in caught.value.problems
