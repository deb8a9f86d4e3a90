"""Faults of a request for a signed URL, carried out."""

import asyncio

from aiohttp import web

from ringbridge.emulator.elevenlabs.answers import detail
from ringbridge.emulator.faults import Fault
from ringbridge.emulator.unanswered import outlast

__all__ = ["strike"]


async def strike(fault: Fault, request: web.Request) -> web.Response | None:
    """Carry a fault out. A response when it puts one in place of the true one."""
    match fault.kind:
        case "delay":
            await asyncio.sleep(fault.ms / 1000)
        case "refuse" if fault.text.startswith(("{", "<")):
            kind = "application/json" if fault.text.startswith("{") else "text/html"
            return web.Response(status=fault.status, text=fault.text, content_type=kind)
        case "refuse":
            return detail(fault.status, fault.text)
        case "quota":
            return detail(401, "quota_exceeded", "This request exceeds your quota.")
        case "garble":
            return web.Response(text=fault.text or '{"signed_url": ', content_type="application/json")
        case "drop" if request.transport is not None:
            request.transport.abort()
        case "half_open" | "hang":
            await outlast(request)
    return None
