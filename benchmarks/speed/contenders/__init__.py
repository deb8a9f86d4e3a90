"""The bridges that are compared, each a program of its own. What is measured of them is in `benchmarks.speed`."""

from benchmarks.speed.contenders.contender import Contender, PythonProgram
from benchmarks.speed.contenders.floor import Floor
from benchmarks.speed.contenders.node import NodeProgram
from benchmarks.speed.contenders.ours import Ours
from benchmarks.speed.contenders.pipecat import Pipecat

__all__ = ["CONTENDERS", "Contender"]

FASTAPI = ("fastapi", "httpx", "python_multipart", "uvicorn", "websockets")

CONTENDERS: tuple[Contender, ...] = (
    Ours("ours", "Ringbridge"),
    PythonProgram("guide", "the guide's sample", "guide.py"),
    PythonProgram("guide-uvloop", "the guide's sample on uvloop", "guide.py", ("uvloop",), ("--uvloop",)),
    PythonProgram("fastapi", "FastAPI with websockets", "fastapi_websockets.py", FASTAPI),
    NodeProgram("node", "Node with fastify and ws"),
    Pipecat("pipecat", "Pipecat's Twilio transport", has_brain=False),
    Floor("floor", "a copy of the bytes in C", speaks_tls=False, has_brain=False),
)
"""All of them, ours first."""
