"""The life of a process of brains, from the bridge's first word to the end of the pipe."""

import asyncio
import logging
import socket
import sys

from ringbridge.brains.load import load_brain
from ringbridge.elsewhere.desk import Desk
from ringbridge.elsewhere.messages import Hello, NotFound, Ready
from ringbridge.elsewhere.pipe import Pipe, open_pipe
from ringbridge.errors import BrainNotFound
from ringbridge.live.tasks import Tasks
from ringbridge.telemetry.loop import watched_loop
from ringbridge.turn import Brain

__all__ = ["serve"]

_BLOCKED = "a brain blocks its process, and every other call's words in it"


async def serve(connection: socket.socket) -> None:
    """Load the brain that the bridge names, and answer its turns until it closes the other end of `connection`."""
    first: asyncio.Future[Hello] = asyncio.get_running_loop().create_future()
    pipe = await open_pipe(connection, first.set_result)
    async with Tasks() as tasks:
        gone = tasks.start(pipe.ended(), name="watch the bridge")
        await asyncio.wait((first, gone), return_when=asyncio.FIRST_COMPLETED)
        try:
            if first.done():
                await _serve(pipe, first.result(), tasks)
        finally:
            pipe.close()  # before the turns are cancelled: they have not said all, and must not seem to


async def _serve(pipe: Pipe, hello: Hello, tasks: Tasks) -> None:
    sys.path[:] = hello.path
    _set_up_log(hello)
    try:
        brain = _load(hello.brain)
    except BrainNotFound as error:
        pipe.send(NotFound(str(error)))
        await pipe.ended()
        return
    async with hello.open_models() as models, watched_loop(_not_counted, blocked=_BLOCKED):
        if _is_agent(brain):
            models.warm()
        pipe.receive = Desk(pipe, brain, models, tasks).receive
        pipe.send(Ready())
        await pipe.ended()


def _set_up_log(hello: Hello) -> None:
    if hello.set_up_log is None:
        logging.getLogger().addHandler(logging.NullHandler())
    else:
        hello.set_up_log()


def _load(name: str | None) -> Brain:
    if name is not None:
        return load_brain(name)
    from ringbridge.brains.agent import Agent  # noqa: PLC0415 - heavy, and not every brain is one

    return Agent()


def _is_agent(brain: Brain) -> bool:
    """Whether it will ask models. Where nobody has imported the class, it is not one."""
    module = sys.modules.get("ringbridge.brains.agent")
    return module is not None and isinstance(brain, module.Agent)


def _not_counted(_lag: float) -> None:
    """The metrics are about the bridge's own loop."""
