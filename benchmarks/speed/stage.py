"""One contender between both players: started, loaded, measured, taken down."""

import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.speed.contenders import Contender
from benchmarks.speed.machine import Cores, cpu_seconds, own_memory
from benchmarks.speed.players.process import Player

__all__ = ["SETTLE_SECONDS", "Greeted", "Load", "NotServing", "Stage", "on_stage"]

PUBLIC_HOST = "bench.example"
SETTINGS = {
    "PUBLIC_URL": f"https://{PUBLIC_HOST}",
    "TWILIO_ACCOUNT_SID": "AC" + "7" * 32,
    "TWILIO_AUTH_TOKEN": "a-token-of-the-benchmark-only",
    "ELEVENLABS_API_KEY": "sk_benchmark_0123456789abcdef",
    "SPEECH_ENGINE_ID": "seng_benchmark",
    "SHARED_SECRET": "a-secret-of-the-benchmark-only",
}

READY_SECONDS = 30.0
AT_ONCE = 8
"""Callers who dial at the same time, until all are up."""

STREAM_SECONDS = 0.4
"""What Twilio takes from the webhook's answer to the stream."""

STAY_SECONDS = 0.3
"""How long the callers of short calls stay once they were spoken to. Meanwhile the engine has reached the brain."""

SETTLE_SECONDS: Final = 1.0
"""Between the last dialling and the first count."""

DRAIN_SECONDS = 0.3
"""After the last frame was sent, before it is asked what has come through."""


class NotServing(Exception):
    """A contender does not do what it has to."""


@dataclass(frozen=True, slots=True)
class Load:
    """What was seen of a contender under load, for some seconds. Sides are `up` (to the engine) and `down`."""

    calls: int
    seconds: float
    cpu_seconds: float
    frames: int
    lost: int
    wrong: int
    """Frames that came twice, broken, or to another's call."""
    latency_ms: dict[str, dict[str, float]]
    late_ms: dict[str, dict[str, float]]
    """How late the players were."""
    players_busy: float
    """The share of their cores that the players took."""
    bytes_per_call: float
    """What the contender's memory has grown by since `begin_memory`."""
    brain_ms: dict[str, float]
    """From a transcript to the first words of its answer, where there are brains."""
    gone: int
    """Calls that have ended by themselves."""

    @property
    def carried_all(self) -> bool:
        """Whether each frame came whole, in order, once, at the right call."""
        return not (self.lost or self.wrong or self.gone)

    @property
    def us_per_frame(self) -> float:
        """CPU of the contender."""
        return self.cpu_seconds / self.frames * 1e6 if self.frames else float("nan")


@dataclass(frozen=True, slots=True)
class Greeted:
    """What short calls took."""

    wait_ms: dict[str, float]
    """From `start` to the caller's first sample."""
    cpu_seconds: float
    """Of the contender, for each call."""


@dataclass(slots=True)
class Stage:
    """A contender that runs, and both players."""

    contender: Contender
    process: subprocess.Popen[bytes]
    port: int
    callers: Player
    engine: Player
    calls: int = 0
    _bytes: int = 0
    _calls: int = 0

    def dial(self, calls: int) -> None:
        """Add so many calls. Raises `NotServing`."""
        answer = self.callers.ask("dial", calls=calls, at_once=min(AT_ONCE, calls), **self._line)
        self.calls += calls
        if answer["up"] < self.calls:
            raise NotServing(f"{answer['up']} of {self.calls} calls are up: {'; '.join(answer['problems'])}")

    def begin_memory(self) -> None:
        """Count the memory of the calls that come from now on: the first ones pay for what is made once."""
        time.sleep(SETTLE_SECONDS)
        self._bytes, self._calls = own_memory(self.process.pid), self.calls

    def use_brains(self, **manners: Any) -> None:
        """Have the engine dial the brain of each conversation, if there is one; `manners` are the player's others."""
        door = {
            "port": self.port,
            "host": PUBLIC_HOST,
            "secret": SETTINGS["SHARED_SECRET"],
            "api_key": SETTINGS["ELEVENLABS_API_KEY"],
        }
        self.engine.ask("manners", brain=door if self.contender.has_brain else None, **manners)

    def greet(self, calls: int, *, at_once: int) -> Greeted:
        """Place so many short calls, each over soon after it was spoken to. Raises `NotServing`."""
        before, reached = cpu_seconds(self.process.pid), self._brains_reached()
        answer = self.callers.ask(
            "greet", calls=calls, at_once=at_once, pause=STREAM_SECONDS, stay=STAY_SECONDS, **self._line
        )
        time.sleep(SETTLE_SECONDS)
        cpu = cpu_seconds(self.process.pid) - before
        if answer["calls"] < calls:
            raise NotServing(f"{answer['calls']} of {calls} calls were greeted: {'; '.join(answer['problems'])}")
        if self.contender.has_brain and self._brains_reached() < reached + calls:
            raise NotServing(f"brains refuse: {'; '.join(self.engine.ask('brains')['problems'])}")
        return Greeted(answer["wait_ms"], cpu / calls)

    def _brains_reached(self) -> int:
        reached: int = self.engine.ask("brains")["reached"]
        return reached

    def pause(self) -> None:
        """Have both sides fall silent; the calls stay up."""
        self._both("quiet")

    def resume(self) -> None:
        """Have both sides speak again."""
        self._both("speak")

    def measure(self, seconds: float, *, settle: float = SETTLE_SECONDS) -> Load:
        """Watch the calls for so long, once they have gone on for `settle` seconds."""
        time.sleep(settle)
        self._both("begin")
        began, before = time.monotonic(), cpu_seconds(self.process.pid)
        busy = cpu_seconds(self.callers.pid) + cpu_seconds(self.engine.pid)
        time.sleep(seconds)
        cpu, lasted = cpu_seconds(self.process.pid) - before, time.monotonic() - began
        busy = cpu_seconds(self.callers.pid) + cpu_seconds(self.engine.pid) - busy
        down, up = self._both("end")
        return Load(
            calls=self.calls,
            seconds=lasted,
            cpu_seconds=cpu,
            frames=down["frames"] + up["frames"],
            lost=down["lost"] + up["lost"],
            wrong=sum(side[kind] for side in (up, down) for kind in ("repeated", "strayed", "broken")),
            latency_ms={"up": up["latency_ms"], "down": down["latency_ms"]},
            late_ms={"callers": down["late_ms"], "engine": up["late_ms"]},
            players_busy=busy / lasted,
            bytes_per_call=(own_memory(self.process.pid) - self._bytes) / max(1, self.calls - self._calls),
            brain_ms=up["brain_ms"],
            gone=self.calls - down["up"],
        )

    def hang_up(self) -> int:
        """End all calls; gives how many frames had not come through by then."""
        sent_up, sent_down = (answer["sent"] for answer in self._both("quiet"))
        time.sleep(DRAIN_SECONDS)
        heard_down, heard_up = (answer["heard"] for answer in self._both("heard"))
        self.callers.ask("hang_up")
        self.calls = 0
        return sum(
            max(0, sent - 1 - heard.get(call, -1))
            for sents, heard in ((sent_up, heard_up), (sent_down, heard_down))
            for call, sent in sents.items()
        )

    @property
    def _line(self) -> dict[str, Any]:
        return {
            "port": self.port,
            "host": PUBLIC_HOST,
            "account_sid": SETTINGS["TWILIO_ACCOUNT_SID"],
            "auth_token": SETTINGS["TWILIO_AUTH_TOKEN"],
        }

    def _both(self, do: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Have the callers and the engine do something at the same time."""
        self.callers.tell(do)
        self.engine.tell(do)
        return self.callers.answer(), self.engine.answer()


@contextmanager
def on_stage(
    contender: Contender,
    callers: Player,
    engine: Player,
    *,
    core: Cores,
    base_url: str,
    certificate: Path | None = None,
) -> Iterator[Stage]:
    """A contender, up and idle, with its players. Raises `NotServing` where it does not come up."""
    port = _free_port()
    settings = SETTINGS | {"PORT": str(port), "ELEVENLABS_BASE_URL": base_url}
    if certificate is not None:
        settings |= {"SSL_CERT_FILE": str(certificate), "NODE_EXTRA_CA_CERTS": str(certificate)}
    with tempfile.TemporaryFile() as output:
        with core:
            process = subprocess.Popen(  # noqa: S603
                contender.command(port), env=contender.environ(settings), stdout=output, stderr=subprocess.STDOUT
            )
        try:
            stage = Stage(contender, process, port, callers, engine)
            _await_port(stage)
            yield stage
        except NotServing as problem:
            output.seek(0)
            tail = output.read()[-2000:].decode(errors="replace")
            raise NotServing(f"{problem}; its last words: {tail}") from None
        finally:
            process.kill()
            process.wait()


def _await_port(stage: Stage) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while stage.process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", stage.port)) == 0:
                return
        time.sleep(0.05)
    raise NotServing(f"{stage.contender.name} does not come up")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
