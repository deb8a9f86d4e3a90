"""`ringbridge up` as a process of its own, whose public name leads to the twins' tunnel in another one."""

import asyncio
import json
import socket
import ssl
import sys
from pathlib import Path

from aiohttp.abc import AbstractResolver

from ringbridge.cli.choosing import choose_number
from ringbridge.doctor.outside import Outside
from ringbridge.screen.calls import CallScreen
from ringbridge.screen.paper import Paper
from ringbridge.screen.steps import StepScreen
from ringbridge.up.plan import Request, Surroundings
from ringbridge.up.run import up


class Here(AbstractResolver):
    """Resolves every name to one port of this machine."""

    def __init__(self, port):
        self._port = port

    async def resolve(self, host, port=0, family=socket.AF_INET):
        return [{"hostname": host, "host": "127.0.0.1", "port": self._port, "family": family, "proto": 0, "flags": 0}]

    async def close(self):
        pass


async def echo(turn):
    yield f"You said: {turn.text}."


def main(told):
    tls = ssl.create_default_context(cadata=told["pem"])
    outside = Outside(tls, lambda: Here(told["tls_port"]))
    around = Surroundings(choose=choose_number, environ={}, outside=outside, agent_url=told["agent_url"], brain=echo)
    request = Request(
        env_file=Path(told["folder"]) / ".env", settings=told["settings"], domain=told["domain"], tunnel=told["tunnel"]
    )
    console = Paper(width=90)
    return asyncio.run(up(request, around, StepScreen(console), CallScreen(console)))


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
