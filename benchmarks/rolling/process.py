"""One process of the bridge: the real command, in an environment of its own."""

import asyncio
import signal
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping
from pathlib import Path

__all__ = ["BridgeProcess", "free_port"]

BRAIN = Path(__file__).with_name("brain.py")


class BridgeProcess:
    """`ringbridge serve` on a port. What it writes is added to `log`."""

    def __init__(self, port: int, settings: Mapping[str, str], log: Path) -> None:
        self._port = port
        self._settings = dict(settings)
        self._log = log
        self._process: Process | None = None

    async def start(self) -> None:
        """Begin; it is ready when /readyz says so."""
        arguments = [
            "--brain",
            f"{BRAIN}:reply",
            "--port",
            str(self._port),
            "--env-file",
            str(self._log.with_suffix("")),
        ]
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "ringbridge", "serve", *arguments), env=self._settings, stderr=log, stdout=log
            )

    def terminate(self) -> None:
        """Send SIGTERM."""
        self._running.send_signal(signal.SIGTERM)

    async def ended(self) -> int:
        """Wait for the end; gives the exit code."""
        return await self._running.wait()

    def kill(self) -> None:
        """Send SIGKILL, if it still runs."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    @property
    def _running(self) -> Process:
        assert self._process is not None
        return self._process


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
