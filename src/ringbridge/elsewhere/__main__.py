"""A process of brains: `python -m ringbridge.elsewhere FD`, where FD is one socket of a pair. The bridge starts it."""

import asyncio
import os
import select
import signal
import socket
import sys
import threading
import time
from typing import Final

from ringbridge.elsewhere.inside import serve
from ringbridge.loops import loop_factory

__all__ = ["main"]

EXIT_SECONDS: Final = 3.0
"""After the bridge is gone, brains may take so long to let go of what they do; then the process ends all the same."""


def main() -> None:
    """Serve until the bridge closes its end, or is gone."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _left_to_the_bridge)
    connection = socket.socket(fileno=int(sys.argv[1]))
    connection.set_inheritable(False)
    threading.Thread(target=_outlive_nobody, args=(connection.dup(),), name="watch the bridge", daemon=True).start()
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(serve(connection))


def _left_to_the_bridge(_number: int, _frame: object) -> None:
    """A terminal and a service's supervisor tell all processes at once, but calls go on while the bridge drains."""


def _outlive_nobody(connection: socket.socket) -> None:
    """End the process soon after the bridge is gone, even if a brain blocks the loop for ever."""
    poll = select.poll()
    poll.register(connection, 0)  # tells of a hang-up alone
    poll.poll()
    time.sleep(EXIT_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    main()
