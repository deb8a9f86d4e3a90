"""What Twilio does with TwiML: one verb after another, one document after another.

https://www.twilio.com/docs/voice/twiml
"""

import asyncio
from dataclasses import asdict, replace
from typing import Literal, TypeAlias, assert_never
from urllib.parse import urljoin

from ringbridge.emulator.twilio.dialling import HumanLeg
from ringbridge.emulator.twilio.leg import Dialled, Document, Leg, Source
from ringbridge.emulator.twilio.recording import Recorder, Recording
from ringbridge.emulator.twilio.sounds import APOLOGY, play, press, say
from ringbridge.emulator.twilio.stream import MediaStream
from ringbridge.emulator.twilio.twiml import (
    Connect,
    Dial,
    Hangup,
    Pause,
    Play,
    Record,
    Redirect,
    Reject,
    Say,
    Stream,
    TwimlError,
    Verb,
    read_document,
)
from ringbridge.emulator.twilio.webhooks import NoAnswer

__all__ = ["Script"]

Step: TypeAlias = Source | Document | Literal["end"] | None
"""What follows a verb: another document, the end of the call, or (None) the next verb."""


class Script:
    """Runs the TwiML of one call."""

    def __init__(self, leg: Leg) -> None:
        self._leg = leg
        self._base: str | None = None

    async def run(self, first: Source | Document) -> None:
        """Run documents until one ends the call. Cancelled when something else takes over."""
        step: Step = first
        while isinstance(step, Source | Document):
            step = await self._follow(step)

    async def _follow(self, step: Source | Document) -> Step:
        try:
            return await self._perform(await self._read(step))
        except (NoAnswer, TwimlError) as failure:
            return await self._recover(step, failure)

    async def _read(self, step: Source | Document) -> list[Verb]:
        if isinstance(step, Document):
            self._base = None
            return read_document(step.twiml.encode(), "text/xml")
        self._base = step.url
        fields = self._leg.fields(step.fields)
        reply = await self._leg.webhooks.ask(step.url, fields, method=step.method, faulty=True)
        return read_document(reply.body, reply.content_type)

    async def _recover(self, step: Source | Document, failure: NoAnswer | TwimlError) -> Step:
        """Twilio asks the fallback URL; without one, or when that fails, it says so and hangs up."""
        self._leg.journal.error(failure.code, str(failure))
        fallback = self._leg.hooks.fallback
        url = step.url if isinstance(step, Source) else None
        if fallback is not None and url != fallback.url:
            more = {"ErrorCode": str(failure.code)} | ({"ErrorUrl": url} if url else {})
            return Source(fallback.url, fallback.method, more)
        self._leg.answer()
        await say(self._leg, APOLOGY)
        return "end"

    async def _perform(self, verbs: list[Verb]) -> Step:
        for verb in verbs:
            self._leg.journal.note("verb", name=type(verb).__name__, attributes=asdict(verb))
            if not isinstance(verb, Pause | Reject):  # these two, when first, leave the call unanswered
                self._leg.answer()
            step = await self._one(verb)
            if step is not None:
                return step
        self._leg.answer()
        return "end"

    async def _one(self, verb: Verb) -> Step:
        match verb:
            case Say():
                await say(self._leg, verb.text, verb.loop)
            case Play():
                await press(self._leg, verb.digits)
                if verb.url:
                    await play(self._leg, self._absolute(verb.url), verb.loop)
            case Pause():
                await asyncio.sleep(verb.seconds)
            case Connect():
                return await self._connect(verb)
            case Dial():
                return await self._dial(verb)
            case Redirect():
                return Source(self._absolute(verb.url), verb.method)
            case Record():
                return await self._record(verb)
            case Reject():
                return self._reject(verb)
            case Hangup():
                return "end"
            case _:
                assert_never(verb)
        return None

    def _absolute(self, url: str) -> str:
        return urljoin(self._base, url) if self._base else url

    def _reject(self, verb: Reject) -> Step:
        if self._leg.answered_at is None:
            self._leg.set_status("busy" if verb.reason == "busy" else "no-answer")
        return "end"

    async def _record(self, verb: Record) -> Step:
        leg = self._leg
        leg.recorder = recorder = Recorder(leg, verb)
        leg.journal.note("recording_started", sid=recorder.recording.sid)
        self._tell_recording(verb, recorder.recording, "in-progress")
        try:
            await recorder.run()
        finally:
            leg.recorder = None
            # Whoever hangs up now has left a message all the same.
            leg.pending_action = action = self._recorded(verb, recorder.recording)
        leg.pending_action = None
        return action

    def _recorded(self, verb: Record, recording: Recording) -> Source | None:
        """The recording is over: what is asked then. Without a sound, nobody is, and the next verb follows."""
        leg = self._leg
        leg.journal.note("recording_ended", sid=recording.sid, seconds=recording.seconds, digits=recording.digits)
        self._tell_recording(verb, recording, "absent" if recording.is_empty else "completed")
        if recording.is_empty:
            return None
        leg.recordings.append(recording)
        fields = {**recording.fields(leg.exchange.account_sid), "Digits": recording.digits}
        url = self._absolute(verb.action) if verb.action else self._base
        return Source(url, verb.method, fields) if url else None

    def _tell_recording(self, verb: Record, recording: Recording, status: str) -> None:
        """https://www.twilio.com/docs/voice/twiml/record, "recordingStatusCallback"."""
        leg = self._leg
        if verb.status_callback is None or status not in verb.status_callback_events:
            return
        fields = {
            **recording.fields(leg.exchange.account_sid),
            "AccountSid": leg.exchange.account_sid,
            "CallSid": leg.sid,
            "RecordingStatus": status,
            "RecordingChannels": "1",
            "RecordingSource": "RecordVerb",
            "RecordingStartTime": recording.started,
        }
        leg.recording_courier.post(self._absolute(verb.status_callback), fields, verb.status_callback_method)

    async def _connect(self, verb: Connect) -> Step:
        leg = self._leg
        action = Source(self._absolute(verb.action), verb.method) if verb.action else None
        stream = MediaStream(
            leg.exchange,
            leg.sid,
            leg.handset,
            leg.journal,
            lambda event, error: self._tell(stream.sid, verb.stream, event, error),
        )
        leg.stream, leg.pending_action = stream, action
        try:
            await stream.run(verb.stream, self._base)
        finally:
            leg.stream = None
        leg.pending_action = None
        return action

    def _tell(self, stream_sid: str, verb: Stream, event: str, error: str | None) -> None:
        """https://www.twilio.com/docs/voice/twiml/stream, "statusCallback": its URL must be absolute."""
        leg = self._leg
        leg.changed()
        if verb.status_callback is None:
            return
        fields = {
            "AccountSid": leg.exchange.account_sid,
            "CallSid": leg.sid,
            "StreamSid": stream_sid,
            "StreamName": verb.name or stream_sid,
            "StreamEvent": event,
            "Timestamp": leg.exchange.iso8601(),
        }
        if error is not None:
            fields["StreamError"] = error
        leg.stream_courier.post(verb.status_callback, fields, verb.status_callback_method)

    async def _dial(self, verb: Dial) -> Step:
        leg = self._leg
        dialled = Dialled(verb.callee.number, verb.attributes)
        leg.dialled.append(dialled)
        action = Source(self._absolute(verb.action), verb.method) if verb.action else None
        try:
            await HumanLeg(leg, verb, dialled, self._absolute).run()
        finally:
            # Whoever hangs up now has `action` told how far it has come.
            action = action and replace(action, fields=dialled.fields())
            leg.pending_action = action
        leg.pending_action = None
        return action
