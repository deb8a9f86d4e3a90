import re
from pathlib import Path

import pytest

from ringbridge import facts
from ringbridge.facts import Outcome
from ringbridge.telemetry.prometheus import PrometheusMetrics
from ringbridge.waterfall import Waterfall

DOCUMENT = (Path(__file__).parents[3] / "docs" / "metrics.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(ringbridge_\w+)` \| (\w+) \| (.*?) \| (.+?) \|$", re.MULTILINE)


class Metrics:
    def __init__(self):
        self.now = 0.0
        self.of = PrometheusMetrics(lambda: self.now)

    def tell(self, *story, sid="CA1"):
        for step in story:
            if isinstance(step, int | float):
                self.now += step
            else:
                self.of(sid, step)

    def value(self, name, **labels):
        return self.of.registry.get_sample_value(f"ringbridge_{name}", labels)


@pytest.fixture
def metrics():
    return Metrics()


BEGAN = facts.CallBegan("+15550100001", "+15550100002", "en")


def test_the_document_lists_what_is_counted_and_nothing_else(metrics):
    counted = {}
    for family in metrics.of.registry.collect():
        if family.name.startswith("ringbridge_"):
            name = family.name + ("_total" if family.type == "counter" else "")
            counted[name] = (family.type, family.documentation)
    documented = {name: (kind, meaning) for name, kind, _, meaning in ROW.findall(DOCUMENT)}
    assert documented == counted


def test_the_document_lists_every_label(metrics):
    counted = {
        made._name + ("_total" if made._type == "counter" else ""): set(made._labelnames)
        for made in metrics.of.registry._collector_to_names
        if hasattr(made, "_labelnames")
    }
    documented = {name: set(re.findall(r"`(\w+)`", column)) for name, _, column, _ in ROW.findall(DOCUMENT)}
    assert documented == counted


def test_a_call_from_its_beginning_to_its_end(metrics):
    metrics.tell(BEGAN, facts.ConversationOpened("conv_1"), 1, facts.StreamAttached("MZ1", again=False), 2)
    metrics.tell(facts.CallerWaited(1, Waterfall("brain", "heard", None, 0.25, 699, 0.5, 0.25, 0, 0)))
    metrics.tell(0.7, facts.TurnAnswered(1, "brain"), facts.CallerWaited(2, Waterfall(None, "superseded", asking=99)))
    metrics.tell(facts.Interrupted(2, 100), facts.ClipPlayed("sorry"), facts.ToolEnded("book", "done", 5, "ok"))
    metrics.tell(facts.Speculated("used"))
    assert metrics.value("calls_in_progress") == 1
    metrics.tell(4.3, facts.CallEnded(Outcome.CALLER_GONE))
    assert metrics.value("calls_in_progress") == 0
    assert metrics.value("calls_total", outcome="caller_gone") == 1
    assert metrics.value("conversation_seconds_total") == 8
    assert metrics.value("stream_seconds_total") == 7
    assert metrics.value("turns_total", by="brain") == 1
    assert metrics.value("barge_ins_total") == 1
    assert metrics.value("clips_total", clip="sorry") == 1
    assert metrics.value("tools_total", how="done") == 1
    assert metrics.value("speculations_total", outcome="used") == 1
    assert metrics.value("wait_seconds_count") == 1
    assert metrics.value("wait_seconds_sum") == pytest.approx(0.7)
    assert metrics.value("wait_seconds_bucket", le="0.5") == 0
    assert metrics.value("wait_seconds_bucket", le="0.75") == 1
    assert metrics.value("wait_part_seconds_sum", part="model") == pytest.approx(0.699)
    assert metrics.value("wait_part_seconds_bucket", part="asking", le="0.0002") == 0
    assert metrics.value("wait_part_seconds_bucket", part="asking", le="0.0005") == 1
    assert metrics.value("wait_part_seconds_count", part="hearing") is None


@pytest.mark.parametrize(
    ("fact", "name", "labels"),
    [
        (facts.CallRefused("blocked"), "calls_refused_total", {"why": "blocked"}),
        (facts.TurnFailed(1, "x", after_words=True), "brain_failures_total", {"when": "after_words"}),
        (facts.TurnFailed(1, "x", after_words=False), "faults_total", {"kind": "brain_failed"}),
        (facts.Broken("twilio", "x"), "faults_total", {"kind": "broken_message_of_twilio"}),
        (facts.ConversationRedialled("x"), "redials_total", {}),
        (facts.Parting("time is up"), "partings_total", {"why": "time is up"}),
        (facts.VoicemailLeft("RE1", 5), "voicemails_total", {}),
        (facts.Unsent("engine"), "dropped_audio_total", {"peer": "engine"}),
        (facts.CallEnded(None), "calls_total", {"outcome": "given_back"}),
    ],
)
def test_facts_are_counted(metrics, fact, name, labels):
    metrics.tell(fact)
    assert metrics.value(name, **labels) == 1


def test_the_loop_and_the_buffers_are_fed_from_outside(metrics):
    waiting = [0]
    metrics.of.watch_buffers(lambda: waiting[0])
    waiting[0] = 4096
    metrics.of.loop_lagged(0.03)
    assert metrics.value("unsent_bytes") == 4096
    assert metrics.value("loop_lag_seconds_sum") == 0.03


def test_two_bridges_count_for_themselves():
    one, other = Metrics(), Metrics()
    one.tell(facts.CallRefused("blocked"))
    assert other.value("calls_refused_total", why="blocked") is None


def test_a_page_is_in_the_format_that_is_asked_for(metrics):
    plain, open_metrics = metrics.of.page(""), metrics.of.page("application/openmetrics-text; version=1.0.0")
    assert plain.content_type.startswith("text/plain")
    assert open_metrics.content_type.startswith("application/openmetrics-text")
    assert open_metrics.body.endswith(b"# EOF\n")
    assert b"# TYPE ringbridge_calls_in_progress gauge" in plain.body
