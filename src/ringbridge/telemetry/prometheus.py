"""Numbers for Prometheus. Each is described in docs/metrics.md, and no label has a caller, a call or words in it."""

from collections.abc import Callable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import choose_encoder

from ringbridge import facts
from ringbridge.facts import Fact
from ringbridge.ids import CallSid
from ringbridge.telemetry.base import Page
from ringbridge.telemetry.lines import outcome_name
from ringbridge.telemetry.tally import COUNTED, Tallies, Tally, fault_kind
from ringbridge.waterfall import Waterfall

__all__ = ["PrometheusMetrics"]

WAIT_BUCKETS: Final = (0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
"""A caller notices from half a second on, and gives up after a few."""

PART_BUCKETS: Final = (
    *(0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05),
    *(0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0),
)
"""What is ours takes a part of a millisecond; a model or a voice, tenths of a second."""

LAG_BUCKETS: Final = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
"""A frame of audio is 0.02 s."""


class PrometheusMetrics:
    """Implements `telemetry.base.Metrics` on a registry of its own: several bridges may be in a process."""

    hears: Final = COUNTED | {
        facts.CallRefused,
        facts.Parting,
        facts.Speculated,
        facts.ToolEnded,
        facts.Unsent,
        facts.VoicemailLeft,
    }

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` gives monotonic seconds."""
        self.registry = registry = CollectorRegistry()
        self._tallies = Tallies(clock)
        ProcessCollector(registry=registry)

        def counter(name: str, meaning: str, *labels: str) -> Counter:
            return Counter(f"ringbridge_{name}", meaning, labels, registry=registry)

        def gauge(name: str, meaning: str) -> Gauge:
            return Gauge(f"ringbridge_{name}", meaning, registry=registry)

        def histogram(name: str, meaning: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            return Histogram(f"ringbridge_{name}", meaning, labels, buckets=buckets, registry=registry)

        self._calls = counter("calls", "Calls that have ended.", "outcome")
        self._refused = counter("calls_refused", "Calls that were not taken.", "why")
        gauge("calls_in_progress", "Calls at this moment.").set_function(lambda: len(self._tallies))
        self._turns = counter("turns", "What callers said that has its answer.", "by")
        self._barge_ins = counter("barge_ins", "Replies that were cut short.")
        self._waits = histogram("wait_seconds", "What callers waited for an answer.", WAIT_BUCKETS)
        self._parts = histogram("wait_part_seconds", "What such a wait was made of.", PART_BUCKETS, "part")
        self._faults = counter("faults", "Whatever went wrong on calls.", "kind")
        self._brain_failures = counter("brain_failures", "Answers that the brain failed in.", "when")
        self._speculations = counter("speculations", "Guesses at what a caller was saying.", "outcome")
        self._tools = counter("tools", "Tools that have ended.", "how")
        self._clips = counter("clips", "Clips of the bridge's own voice that were played.", "clip")
        self._redials = counter("redials", "Conversations that were dialled again on a call.")
        self._partings = counter("partings", "Calls that the bridge itself ended.", "why")
        self._voicemails = counter("voicemails", "Messages that callers left.")
        self._stream = counter("stream_seconds", "Time for which Twilio's streams were open, of calls that have ended.")
        self._conversation = counter(
            "conversation_seconds", "Time for which conversations were open, of calls that have ended."
        )
        self._dropped = counter("dropped_audio", "Times that audio began to be dropped for a slow peer.", "peer")
        self._lag = histogram("loop_lag_seconds", "How late a timer of the event loop fires.", LAG_BUCKETS)
        self._buffers = gauge("unsent_bytes", "Bytes that wait in sockets for slow peers.")

    def __call__(self, sid: CallSid, fact: Fact) -> None:
        """Count a fact."""
        tally, _ = self._tallies.note(sid, fact)
        if (kind := fault_kind(fact)) is not None:
            self._faults.labels(kind).inc()
        match fact:
            case facts.CallRefused(why=why):
                self._refused.labels(why).inc()
            case facts.TurnAnswered(by=by):
                self._turns.labels(by).inc()
            case facts.TurnFailed(after_words=after_words):
                self._brain_failures.labels("after_words" if after_words else "before_words").inc()
            case facts.Speculated(outcome=outcome):
                self._speculations.labels(outcome).inc()
            case facts.ToolEnded(how=how):
                self._tools.labels(how).inc()
            case facts.Interrupted():
                self._barge_ins.inc()
            case facts.CallerWaited(waterfall=waterfall) if waterfall.is_answer:
                self._add_wait(waterfall)
            case facts.ClipPlayed(clip=clip):
                self._clips.labels(clip).inc()
            case facts.ConversationRedialled():
                self._redials.inc()
            case facts.Parting(why=why):
                self._partings.labels(why).inc()
            case facts.VoicemailLeft():
                self._voicemails.inc()
            case facts.Unsent(peer=peer):
                self._dropped.labels(peer).inc()
            case facts.CallEnded():
                self._calls.labels(outcome_name(fact)).inc()
                self._add_seconds(tally)
            case _:
                pass

    def loop_lagged(self, seconds: float) -> None:
        """A timer of the event loop fired so much too late."""
        self._lag.observe(seconds)

    def watch_buffers(self, read: Callable[[], float]) -> None:
        """Have `read` asked, at each look, for the bytes that wait in sockets for slow peers."""
        self._buffers.set_function(read)

    def page(self, accept: str) -> Page:
        """All numbers now: Prometheus' text format, or OpenMetrics where `accept` prefers it."""
        encode, content_type = choose_encoder(accept)
        return Page(encode(self.registry), content_type)

    def _add_wait(self, waterfall: Waterfall) -> None:
        self._waits.observe(waterfall.total / 1000)
        for part, ms in waterfall.parts.items():
            if ms is not None:
                self._parts.labels(part).observe(ms / 1000)

    def _add_seconds(self, tally: Tally | None) -> None:
        if tally is not None:
            self._stream.inc(tally.stream.seconds)
            self._conversation.inc(tally.conversation.seconds)
