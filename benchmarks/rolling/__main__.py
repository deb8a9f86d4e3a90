"""Restarts two processes of the bridge, one after the other, while people phone.

    python -m benchmarks.rolling

Both twins and a small proxy are in this process; the bridges are `ringbridge serve`, as anybody runs it. Each is sent
SIGTERM under live calls while new ones arrive, and started again when it has left. Writes rolling.md; exits with 1 when
a live call was lost or a process did not leave well.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from benchmarks.rolling.callers import CALL_SID_HEADER, GREETINGS, Callers
from benchmarks.rolling.process import BridgeProcess, free_port
from benchmarks.rolling.proxy import Backend, Proxy
from benchmarks.rolling.report import DIALLINGS, Dialling, Rolled, Switch, markdown

from ringbridge.emulator.addresses import AddressBook
from ringbridge.emulator.elevenlabs.twin import ElevenLabsTwin
from ringbridge.emulator.faults import Faults
from ringbridge.emulator.speech.exact import ExactEars, ExactVoice
from ringbridge.emulator.twilio.phone import PhoneCall
from ringbridge.emulator.twilio.twin import TwilioTwin
from ringbridge.emulator.world import ACCOUNT_SID, ENGINE_ID, OWN_NUMBER, PUBLIC_HOST, SECRETS
from ringbridge.loops import loop_factory

READY_SECONDS = 30.0
LEAVE_SECONDS = 60.0
RAMP_SECONDS = 11.0
"""By then the first callers have hung up and called again: all places are taken, at every stage of a call."""

BETWEEN_SECONDS = 2.0


class Town:
    """Both twins, the proxy, the two processes behind it, and the people who phone."""

    def __init__(self, proxy: Proxy, bridges: dict[str, tuple[Backend, BridgeProcess]], callers: Callers) -> None:
        self.proxy = proxy
        self.bridges = bridges
        self.callers = callers

    async def switch(self, name: str) -> Switch:
        """Have a process leave under live calls, and start it again."""
        backend, bridge = self.bridges[name]
        live, before, began = self.callers.live, set(self.callers.fates), time.monotonic()
        bridge.terminate()
        async with asyncio.timeout(LEAVE_SECONDS):
            code = await bridge.ended()
        seconds = time.monotonic() - began
        await bridge.start()
        await self.ready(backend)
        meanwhile = self.callers.under_way
        async with asyncio.timeout(LEAVE_SECONDS):
            while self.callers.under_way & (live | meanwhile):
                await asyncio.sleep(0.1)
        fates = self.callers.fates
        return Switch(
            process=name,
            live_fates=Counter(fates[sid] for sid in live),
            new_fates=Counter(fate for sid, fate in fates.items() if sid not in before | live),
            seconds=seconds,
            exit_code=code,
        )

    async def ready(self, backend: Backend) -> None:
        """Wait until a process takes calls."""
        async with asyncio.timeout(READY_SECONDS):
            await self.proxy.until(backend, ready=True)


@asynccontextmanager
async def town(at_once: int, dialling: Dialling, logs: Path) -> AsyncIterator[Town]:
    """Everything but the callers, up and ready."""
    addresses, voice = AddressBook(), ExactVoice()
    common: dict[str, Any] = {"addresses": addresses, "clock": time.time, "faults": Faults(), "voice": voice}
    async with (
        ElevenLabsTwin(api_key=SECRETS["ELEVENLABS_API_KEY"], ears=ExactEars(), **common) as elevenlabs,
        TwilioTwin(account_sid=ACCOUNT_SID, auth_token=SECRETS["TWILIO_AUTH_TOKEN"], **common) as twilio,
    ):
        backends = [Backend(name, free_port()) for name in GREETINGS.values()]
        settings = _settings(elevenlabs.base_url, twilio.rest_url)
        bridges = {
            backend.name: (
                backend,
                BridgeProcess(backend.port, {**settings, "GREETING": greeting}, logs / f"{backend.name}.log"),
            )
            for backend, greeting in zip(backends, GREETINGS, strict=True)
        }
        async with Proxy(backends) as proxy:
            addresses.add(PUBLIC_HOST, f"http://127.0.0.1:{proxy.port}")
            elevenlabs.add_engine(
                ENGINE_ID,
                ws_url=f"wss://{PUBLIC_HOST}/ws",
                request_headers={
                    "x-api-key": SECRETS["SHARED_SECRET"],
                    CALL_SID_HEADER: {"variable_name": "call_sid"},
                },
                allow_first_message=True,
                dial_brain=dialling,
            )

            async def dial() -> PhoneCall:
                return await twilio.dial(
                    f"https://{PUBLIC_HOST}/incoming-call",
                    to=OWN_NUMBER,
                    fallback_url=f"https://{PUBLIC_HOST}/fallback",
                    status_callback=f"https://{PUBLIC_HOST}/stream-status",
                )

            callers = Callers(dial, at_once=at_once)
            elevenlabs.on_event.append(callers.watch)
            proxy.on_head.append(callers.arrived)
            place = Town(proxy, bridges, callers)
            try:
                for backend, bridge in bridges.values():
                    await bridge.start()
                    await place.ready(backend)
                yield place
            finally:
                for _, bridge in bridges.values():
                    bridge.kill()


def _settings(elevenlabs_url: str, twilio_url: str) -> dict[str, str]:
    return {
        **SECRETS,
        "ELEVENLABS_BASE_URL": elevenlabs_url,
        "SPEECH_ENGINE_ID": ENGINE_ID,
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
        "TWILIO_PHONE_NUMBER": OWN_NUMBER,
        "TWILIO_BASE_URL": twilio_url,
        "PUBLIC_URL": f"https://{PUBLIC_HOST}",
        "DRAIN_SECONDS": "45",
        "LOG_FORMAT": "json",
        "PATH": os.environ.get("PATH", ""),
    }


async def roll(at_once: int, dialling: Dialling, logs: Path) -> Rolled:
    """Restart both under live calls; gives each switch, and the fates of all calls."""
    async with town(at_once, dialling, logs) as place, asyncio.TaskGroup() as tasks:
        tasks.create_task(place.callers.run(), name="callers")
        await asyncio.sleep(RAMP_SECONDS)
        switches = []
        for name in place.bridges:
            switches.append(await place.switch(name))
            print(f"{dialling}: {switches[-1]}", file=sys.stderr)
            await asyncio.sleep(BETWEEN_SECONDS)
        place.callers.stop()
    return Rolled(switches, Counter(place.callers.fates.values()))


def main() -> int:
    """Roll twice, report, judge."""
    parser = argparse.ArgumentParser(description="Restarts two processes of the bridge while people phone.")
    parser.add_argument("--at-once", type=int, default=50)
    parser.add_argument("--into", type=Path, default=Path("docs"), help="the folder of the report  [default: docs]")
    options = parser.parse_args()
    rolled: dict[Dialling, Rolled] = {}
    with tempfile.TemporaryDirectory() as logs:
        for dialling in DIALLINGS:
            with asyncio.Runner(loop_factory=loop_factory()) as runner:
                rolled[dialling] = runner.run(roll(options.at_once, dialling, Path(logs)))
    options.into.mkdir(parents=True, exist_ok=True)
    (options.into / "rolling.md").write_text(markdown(options.at_once, rolled), encoding="utf-8")
    failed = any(switch.failed for one in rolled.values() for switch in one.switches)
    print("a live call was lost, or a process did not leave well" if failed else "no live call was lost")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
