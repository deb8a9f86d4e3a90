"""What the bridge is handed from outside: the seams whose implementations `wiring` picks."""

from collections.abc import Callable
from dataclasses import dataclass

from ringbridge.apis.base import EngineAPI, PhoneAPI
from ringbridge.callers.base import CallerMemory
from ringbridge.facts import Observer
from ringbridge.llm.base import Model
from ringbridge.relay.clips import Clips
from ringbridge.shared.base import Usage
from ringbridge.telemetry.base import Metrics
from ringbridge.turn import Brain

__all__ = ["BrainParts", "Parts"]


@dataclass(frozen=True, slots=True)
class Parts:
    """`clock` gives seconds since the epoch: tokens and signed tokens are judged by it. `observers` hear every fact."""

    engine: EngineAPI
    phone: PhoneAPI
    brain: Brain | None
    """`None` where brains are a service of their own."""
    models: Model | None
    """Likewise."""
    memory: CallerMemory
    usage: Usage
    clips: Callable[[str], Clips]
    """The bridge's own voice in a language, named by its code."""
    clock: Callable[[], float]
    metrics: Metrics
    observers: tuple[Observer, ...]


@dataclass(frozen=True, slots=True)
class BrainParts:
    """What brains in a service of their own are handed. `observers` hear when a call has ended."""

    brain: Brain
    models: Model
    clock: Callable[[], float]
    metrics: Metrics
    observers: tuple[Observer, ...]
