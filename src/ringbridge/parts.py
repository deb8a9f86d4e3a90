"""What the bridge is handed from outside: the seams whose implementations `wiring` picks."""

from collections.abc import Callable
from dataclasses import dataclass

from ringbridge.apis.base import EngineAPI, PhoneAPI
from ringbridge.callers.base import CallerMemory
from ringbridge.facts import Observer
from ringbridge.llm.base import Model
from ringbridge.turn import Brain

__all__ = ["Parts"]


@dataclass(frozen=True, slots=True)
class Parts:
    """`clock` gives seconds since the epoch: tokens and signed tokens are judged by it. `observers` hear every fact."""

    engine: EngineAPI
    phone: PhoneAPI
    brain: Brain
    models: Model
    memory: CallerMemory
    clock: Callable[[], float]
    observers: tuple[Observer, ...] = ()
