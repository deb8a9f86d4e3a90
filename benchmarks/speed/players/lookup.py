"""The speech engine as `GET /v1/speech-engine/{id}` shows it: configured as the vendor's guide for Twilio says.

https://elevenlabs.io/docs/api-reference/speech-engine/get. Fields that the owner never set are left out where the
vendor's schema lets them be, so that reading the answer costs no more than it must.
"""

import json
from typing import Final

__all__ = ["speech_engine"]

_ENGINE: Final = {
    "name": "Speech engine",
    "speech_engine": {"ws_url": "wss://bench.example/ws", "request_headers": {"x-api-key": "shared"}},
    "asr": {
        "quality": "high",
        "provider": "scribe_realtime",
        "user_input_audio_format": "ulaw_8000",
        "keywords": [],
    },
    "tts": {
        "model_id": "eleven_flash_v2",
        "voice_id": "cjVigY5qzO86Huf0OWal",
        "agent_output_audio_format": "ulaw_8000",
    },
    "turn": {"turn_timeout": 7.0, "silence_end_call_timeout": -1.0, "turn_eagerness": "normal"},
    "vad": {},
    "conversation": {
        "text_only": False,
        "max_duration_seconds": 600,
        "client_events": ["audio", "interruption", "agent_response", "user_transcript", "ping"],
    },
    "privacy": {"record_voice": True, "retention_days": -1},
    "call_limits": {"agent_concurrency_limit": -1, "daily_limit": 100_000, "bursting_enabled": True},
    "auth": {"enable_auth": True},
    "language": "en",
    "cascade_timeout_seconds": 4.0,
    "tags": [],
    "overrides": {"first_message": False},
    "metadata": {"created_at_unix_secs": 1_780_000_000, "updated_at_unix_secs": 1_780_000_000},
    "access_info": {
        "is_creator": True,
        "creator_name": "Ada",
        "creator_email": "ada@example.com",
        "role": "admin",
    },
}


def speech_engine(engine_id: str) -> bytes:
    """The engine of this id, as JSON."""
    return json.dumps({"speech_engine_id": engine_id, **_ENGINE}).encode()
