"""Everything that reads what comes from outside: valid samples of it, and what it may raise."""

import array
import asyncio
import io
import json
import struct
import wave
from base64 import urlsafe_b64encode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from hmac import digest
from typing import Any

from aiohttp import StreamReader, web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.test_utils import make_mocked_request
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from multidict import MultiDict
from twilio.request_validator import RequestValidator

from ringbridge.audio.sound import SoundError, mulaw_of
from ringbridge.audio.wav import WavError, from_wav
from ringbridge.calls.tokens import CallTokens
from ringbridge.config import Settings, load_settings
from ringbridge.errors import BrainTokenRefused, BrokenMessage, SettingsError, TokenRefused
from ringbridge.public_url import PublicUrl
from ringbridge.web.guards import TwilioGuard
from ringbridge.wire import brain, brain_token, engine, error_codes, twilio, webhook
from ringbridge.wire.signatures import Signed, check, diagnose

from .documents import BITS, meddled_bytes, meddled_text, messages

NOW = 1_800_000_000.0
CALL, ACCOUNT, STREAM = "CA" + "1" * 32, "AC" + "2" * 32, "MZ" + "3" * 32


@dataclass(frozen=True)
class Reader:
    """`read` takes what `inputs` draws, and raises `own` at most: those very classes, or ones made from them."""

    name: str
    read: Callable[[Any], object]
    inputs: SearchStrategy[Any]
    own: tuple[type[Exception], ...] = ()


# What Twilio says on the media socket

TWILIO = [
    {"event": "connected", "protocol": "Call", "version": "1.0.0"},
    {
        "event": "start",
        "sequenceNumber": "1",
        "streamSid": STREAM,
        "start": {
            "accountSid": ACCOUNT,
            "streamSid": STREAM,
            "callSid": CALL,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": {"token": "a.b.c"},
        },
    },
    {"event": "media", "streamSid": STREAM, "media": {"track": "inbound", "chunk": "2", "payload": "//8="}},
    {"event": "dtmf", "streamSid": STREAM, "dtmf": {"track": "inbound_track", "digit": "1"}},
    {"event": "mark", "streamSid": STREAM, "mark": {"name": "r1"}},
    {"event": "stop", "streamSid": STREAM, "stop": {"accountSid": ACCOUNT, "callSid": CALL}},
    {"event": "clear", "streamSid": STREAM},
]

# What ElevenLabs says on the conversation socket

ALIGNMENT = {"chars": ["H", "i"], "char_start_times_ms": [0, 60], "char_durations_ms": [60, 60]}
ENGINE = [
    {
        "type": "conversation_initiation_metadata",
        "conversation_initiation_metadata_event": {
            "conversation_id": "conv_1",
            "agent_output_audio_format": "ulaw_8000",
            "user_input_audio_format": "ulaw_8000",
        },
    },
    {"type": "audio", "audio_event": {"audio_base_64": "//8=", "event_id": 1, "alignment": ALIGNMENT}},
    {"type": "audio", "audio_event": {"audio_base_64": "", "event_id": "1", "is_final": True}},
    {"type": "interruption", "interruption_event": {"event_id": 2}},
    {"type": "ping", "ping_event": {"event_id": 3, "ping_ms": 10}},
    {"type": "user_transcript", "user_transcription_event": {"user_transcript": "Hello.", "event_id": 4}},
    {"type": "tentative_user_transcript", "tentative_user_transcription_event": {"user_transcript": "He"}},
    {"type": "agent_response", "agent_response_event": {"agent_response": "Hi."}},
    {
        "type": "agent_response_correction",
        "agent_response_correction_event": {"original_agent_response": "Hi.", "corrected_agent_response": "H"},
    },
    {"type": "agent_response_complete", "agent_response_complete_event": {"event_id": 5}, "event_id": 5},
    {"type": "vad_score", "vad_score_event": {"vad_score": 0.5}},
    {"type": "queue_status", "queue_status_event": {"status": "waiting"}},
    {"type": "error", "error_event": {"code": 1008, "message": "No.", "error_type": "override_error"}},
    {"type": "error", "message": "No."},
    {"type": "client_error", "error_event": {"error_name": "x", "reason": "No."}},
]


def read_engine(text: bytes) -> None:
    message = engine.decode(text)
    if isinstance(message, engine.Audio):
        engine.letters(message.audio_event)
    if isinstance(message, engine.Error):
        str(message.kind), str(message.text)
    if isinstance(message, engine.AgentResponseComplete):
        str(message.reply)


# What ElevenLabs says on the brain socket

BRAIN = [
    {"type": "init", "conversation_id": "conv_1"},
    {
        "type": "user_transcript",
        "user_transcript": [{"role": "agent", "content": "Hi."}, {"role": "user", "content": "Hello."}],
        "event_id": 1,
    },
    {"type": "user_transcript", "user_transcript": None, "event_id": "2"},
    {"type": "ping"},
    {"type": "close"},
    {"type": "error", "message": "Failed."},
]
FROM_US = [{"type": "agent_response", "content": "Hi.", "event_id": 1, "is_final": False}, {"type": "pong"}]

# What Twilio posts

FORM = {
    "CallSid": CALL,
    "AccountSid": ACCOUNT,
    "From": "+15550100001",
    "To": "+15550100002",
    "CallStatus": "ringing",
    "Direction": "inbound",
    "FromCountry": "US",
    "ToCountry": "US",
    "DialCallStatus": "completed",
    "DialBridged": "true",
    "StreamSid": STREAM,
    "StreamEvent": "stream-error",
    "StreamError": "31921 Stream - WebSocket - Close Error",
    "RecordingSid": "RE" + "4" * 32,
    "RecordingDuration": "12",
}
field_texts = st.sampled_from([*FORM.values(), *BITS]) | st.text(st.characters(), max_size=20)
forms = st.lists(st.tuples(st.sampled_from([*FORM]) | field_texts, field_texts), max_size=20).map(
    lambda pairs: MultiDict([*FORM.items(), *pairs] if len(pairs) % 2 else pairs)
)


def read_form(form: MultiDict[str]) -> None:
    kinds = (webhook.CallWebhook, webhook.DialEnded, webhook.VoicemailEnded, webhook.StreamEvent)
    for kind in kinds:
        with suppress(BrokenMessage):
            read = kind.read(form)
            if isinstance(read, webhook.StreamEvent):
                error_codes.explain(read.error)
            if isinstance(read, webhook.CallWebhook):
                str((read.is_over, read.is_ringing, webhook.is_e164(read.caller)))


TOKENS = ("current-token", "older-token")
GUARD = TwilioGuard(origin="https://bridge.test", tokens=TOKENS)
URLENCODED = "&".join(f"{name}={value.replace('+', '%2B').replace(' ', '+')}" for name, value in FORM.items())
BODIES = [URLENCODED.encode(), b"CallSid=%FF", b"a=%ED%A0%80", b"a&&=b;c", b"a=1&" * 1200, json.dumps(FORM).encode()]
CONTENT_TYPES = [
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=UTF-8",
    "application/x-www-form-urlencoded; charset=utf-16",
    "application/json",
    "multipart/form-data; boundary=x",
    *("", "/", ";", "text/xml; charset=x-no-such"),
]


def read_body(given: tuple[bytes, str, str, str]) -> None:
    """The whole way of a webhook's body, from its bytes to a form, with a signature of any kind."""
    with suppress(web.HTTPException):
        asyncio.run(_read_body(*given))


async def _read_body(body: bytes, content_type: str, signature: str, target: str) -> None:
    loop = asyncio.get_running_loop()
    stream = StreamReader(BaseProtocol(loop), 2**30, loop=loop)  # nobody is there to be told to pause
    stream.feed_data(body)
    stream.feed_eof()
    headers = {"X-Twilio-Signature": signature, "Content-Type": content_type, "Host": "bridge.test"}
    await GUARD.form(make_mocked_request("POST", target, headers=headers, payload=stream, loop=loop))


TARGETS = ["/incoming-call", "/incoming-call?a=b&bodySHA256=00", "/%2e%2e/\\?#", "//x/y", "http://elsewhere/x", "*"]
SIGNATURES = [RequestValidator(TOKENS[0]).compute_signature("https://bridge.test/incoming-call", FORM), "", "=", "é"]
headers = st.none() | meddled_text(["bridge.test", "bridge.test:443", "[::1]:80", "a.b, c.d", "x:99999999"])


def read_signature(given: tuple[Any, ...]) -> None:
    target, signature, fields, upgrade, host, forwarded = given
    signed = Signed("https://bridge.test", target, signature, fields, upgrade)
    if not check(signed, TOKENS):
        line = str(diagnose(signed, TOKENS, host=host, forwarded_host=forwarded))
        assert line.isascii()
        assert line.isprintable()


# Tokens


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


API_KEY = "sk_ours"
CLAIMS = {
    "iss": "https://api.elevenlabs.io/convai/speech-engine",
    "sub": "convai_speech_engine_upstream",
    "iat": int(NOW),
    "exp": int(NOW) + 300,
}
HEADERS = [
    {"alg": "HS256", "typ": "JWT"},
    {"alg": "none"},
    {"alg": "HS256", "crit": ["exp"], "zip": "DEF", "b64": False},
]


def signed_token(parts: tuple[bytes, bytes]) -> str:
    """A token with a genuine signature, whatever it says."""
    message = ".".join(map(b64, parts))
    return f"{message}.{b64(digest(sha256(API_KEY.encode()).digest(), message.encode(), 'sha256'))}"


GENUINE = "Bearer " + signed_token((json.dumps(HEADERS[0]).encode(), json.dumps(CLAIMS).encode()))
brain_tokens = st.tuples(messages(HEADERS), messages([CLAIMS])).map(signed_token) | meddled_text([GENUINE])

CALL_TOKENS = CallTokens(["0123456789abcdef"])
CALL_TOKEN = CALL_TOKENS.issue(CALL, ACCOUNT, now=NOW, nonce="n" * 22)  # type: ignore[arg-type]
call_tokens = meddled_text([CALL_TOKEN])


def read_call_token(token: str) -> None:
    CALL_TOKENS.redeem(token, CALL, ACCOUNT, now=NOW)  # type: ignore[arg-type]


# Sounds


def plain_wav(channels: int, width: int, rate: int) -> bytes:
    written = io.BytesIO()
    with wave.open(written, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(bytes(range(48)) * channels)
    return written.getvalue()


def tagged_wav(tag: int, bits: int, data: bytes) -> bytes:
    form = struct.pack("<HHIIHH", tag, 1, 8000, 8000 * bits // 8, bits // 8, bits)
    chunks = b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


FLOATS = [float("nan"), float("inf"), -float("inf"), 0.5, 1e30]
WAVS = [
    *(plain_wav(channels, width, rate) for channels, width, rate in [(1, 2, 8000), (2, 1, 16000), (1, 3, 44100)]),
    *(plain_wav(channels, width, rate) for channels, width, rate in [(6, 4, 4000), (1, 2, 11025)]),
    tagged_wav(3, 32, array.array("f", FLOATS).tobytes()),
    tagged_wav(3, 64, array.array("d", FLOATS).tobytes()),
    *(tagged_wav(tag, 8, bytes(range(256))) for tag in (6, 7)),
]

# Settings

ENVIRON = {
    "ELEVENLABS_API_KEY": "sk_2f1e0d9c8b7a",
    "SHARED_SECRET": "0123456789abcdef",
    "TWILIO_AUTH_TOKEN": "d41d8cd98f00b204e9800998ecf8427e",
    "OPENAI_API_KEY": "sk-proj-5f4e3d2c1b",
    "SPEECH_ENGINE_ID": "seng_4711",
    "TWILIO_ACCOUNT_SID": ACCOUNT,
    "PUBLIC_URL": "bridge.test",
}
SETTING_TEXTS = [
    *ENVIRON.values(),
    *("https://a.test/", "wss://a.test:444", "http://[::1", "http://a:b@c/d?e#f", "redis://h:6379/0", "on", "off"),
    *("+14155550123", "+1 (415) 555-0123", "sales:+14155550124,support:+14155550125", "0", "1200", "-5", "1e3"),
    *("en:seng_a,fr:seng_b", "openai:gpt", "openai@http://localhost:11434/v1:llama", "h=k,h2=k2", "DE,+49,anonymous"),
    *("Mo-Fr 09:00-17:30; Sa 10:00-14:00", "24/7", "Europe/Berlin", "../etc", "brain.py:reply", "5/minute", "json"),
]
setting_names = sorted(name.upper() for name in Settings.model_fields)
environs = st.dictionaries(st.sampled_from(setting_names), meddled_text(SETTING_TEXTS), max_size=4).map(
    lambda changes: ENVIRON | changes
)

READERS = [
    Reader("wire/twilio", twilio.decode, messages(TWILIO), (BrokenMessage,)),
    Reader("wire/engine", read_engine, messages(ENGINE), (BrokenMessage,)),
    Reader("wire/brain", brain.decode, messages(BRAIN), (BrokenMessage,)),
    Reader("wire/brain, our own", brain.decode_outgoing, messages(FROM_US), (BrokenMessage,)),
    Reader("wire/webhook", read_form, forms),
    Reader(
        "a webhook's body",
        read_body,
        st.tuples(
            meddled_bytes(BODIES) | st.binary(max_size=80),
            st.sampled_from(CONTENT_TYPES),
            meddled_text(SIGNATURES).map(lambda text: text.encode(errors="replace").decode()),
            st.sampled_from(["/incoming-call", "/incoming-call?a=b&bodySHA256=00", "/call-ended"]),
        ),
    ),
    Reader(
        "wire/signatures",
        read_signature,
        st.tuples(
            meddled_text(TARGETS),
            meddled_text(SIGNATURES),
            forms | st.text(st.characters(), max_size=40),
            st.booleans(),
            headers,
            headers,
        ),
    ),
    Reader(
        "wire/brain_token", lambda token: brain_token.verify(token, API_KEY, NOW), brain_tokens, (BrainTokenRefused,)
    ),
    Reader("calls/tokens", read_call_token, call_tokens, (TokenRefused,)),
    Reader("audio/wav", from_wav, meddled_bytes(WAVS) | st.binary(max_size=80), (WavError,)),
    Reader("audio/sound", lambda data: mulaw_of(data, "a.wav"), meddled_bytes(WAVS), (SoundError,)),
    Reader(
        "public_url", PublicUrl.parse, meddled_text(["bridge.test", "https://a.b:443/", "wss://a.b"]), (ValueError,)
    ),
    Reader("config", lambda environ: load_settings(None, environ), environs, (SettingsError,)),
]
