"""Where contenders are measured: whose cores are whose, and what the machine was like meanwhile."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.speed.contenders import Contender
from benchmarks.speed.machine import Cores, split_cores
from benchmarks.speed.noise import Noise, Watch, spin_seconds
from benchmarks.speed.players.process import Player
from benchmarks.speed.results import REFERENCE, Measured, Results
from benchmarks.speed.stage import SETTLE_SECONDS, Load, Stage, on_stage

__all__ = ["Hall"]


@dataclass(slots=True)
class Hall:
    """One run of the benchmark. `certificate` is the PEM file with which the engine's player speaks TLS."""

    certificate: Path
    results: Results = field(default_factory=Results)
    core: Cores = field(init=False)
    others: Cores = field(init=False)
    _spin: float = 1.0
    _best_spin: float = float("inf")

    def __post_init__(self) -> None:
        self.core, self.others = split_cores()

    @contextmanager
    def stage(self, contender: Contender, *, scheme: str = "ws") -> Iterator[Stage]:
        """A contender that is up, with players of its own. Raises `NotServing`."""
        self._spin = spin_seconds(self.core)
        self._best_spin = min(self._best_spin, self._spin)
        with ExitStack() as stack:
            callers = stack.enter_context(Player("callers", self.others))
            engine = stack.enter_context(Player("engine", self.others, str(self.certificate)))
            base_url = engine.ask("where")[scheme]
            certificate = self.certificate if scheme == "wss" else None
            yield stack.enter_context(
                on_stage(contender, callers, engine, core=self.core, base_url=base_url, certificate=certificate)
            )

    def watch(self, *stages: Stage) -> Callable[[], Noise]:
        """Watch the machine from now on; what is given says how noisy it was since, but for these stages."""
        core = Watch(self.core, *(one.process.pid for one in stages))
        others = Watch(self.others, *(player.pid for one in stages for player in (one.callers, one.engine)))

        def noise() -> Noise:
            (stolen, strange), (_, beside) = core.shares(), others.shares()
            return Noise(self._spin / self._best_spin, stolen, strange, beside)

        return noise

    def watched(self, stage: Stage, seconds: float, *, settle: float = SETTLE_SECONDS) -> tuple[Load, Noise]:
        """Measure, and say how quiet it was."""
        noise = self.watch(stage)
        load = stage.measure(seconds, settle=settle)
        late = max(late.get("p99", 0.0) for late in load.late_ms.values())
        return load, replace(noise(), late_ms=late)

    def tell(self, what: str) -> None:
        """Say what is done now."""
        print(what, file=sys.stderr, flush=True)

    def note(
        self, what: str, contender: Contender, number: int, value: float, *, spoilt: str = "", at_least: bool = False
    ) -> None:
        """Keep a value."""
        self.results.values.append(Measured(what, contender.name, number, value, spoilt, at_least))

    def note_pair(
        self, what: str, contender: Contender, number: int, value: float, beside: float, *, spoilt: str = ""
    ) -> None:
        """Keep a value, and the reference's that was measured beside it."""
        self.results.values += (
            Measured(what, contender.name, number, value, spoilt, beside=beside),
            Measured(what, REFERENCE, number, beside, spoilt),
        )
