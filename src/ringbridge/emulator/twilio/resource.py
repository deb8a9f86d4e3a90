"""The JSON of calls in Twilio's REST API.

https://www.twilio.com/docs/voice/api/call-resource
"""

from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from ringbridge.emulator.twilio.leg import API_VERSION, Leg

__all__ = ["call_json", "calls_json"]

_PARTS = ("notifications", "recordings", "payments", "events", "siprec", "streams", "transcriptions")


def call_json(call: Leg) -> dict[str, Any]:
    """One call."""
    account = f"/{API_VERSION}/Accounts/{call.exchange.account_sid}"
    return {
        "sid": call.sid,
        "account_sid": call.exchange.account_sid,
        "parent_call_sid": None,
        "phone_number_sid": None,
        "to": call.to,
        "to_formatted": call.to,
        "from": call.from_,
        "from_formatted": call.from_,
        "caller_name": None,
        "forwarded_from": None,
        "status": call.status,
        "direction": call.direction,
        "answered_by": None,
        "annotation": None,
        "start_time": _date(call.answered_at),
        "end_time": _date(call.ended_at),
        "duration": str(call.seconds) if call.over else None,
        "date_created": format_datetime(call.created),
        "date_updated": format_datetime(call.exchange.now()),
        "price": None,
        "price_unit": "USD",
        "group_sid": None,
        "trunk_sid": None,
        "queue_time": str(call.queue_ms),
        "api_version": API_VERSION,
        "uri": f"{account}/Calls/{call.sid}.json",
        "subresource_uris": {part: f"{account}/Calls/{call.sid}/{part.title()}.json" for part in _PARTS},
    }


def calls_json(calls: list[Leg], account_sid: str) -> dict[str, Any]:
    """All calls, on one page."""
    uri = f"/{API_VERSION}/Accounts/{account_sid}/Calls.json"
    return {
        "calls": [call_json(call) for call in calls],
        "page": 0,
        "page_size": max(50, len(calls)),
        "start": 0,
        "end": max(0, len(calls) - 1),
        "uri": uri,
        "first_page_uri": uri,
        "next_page_uri": None,
        "previous_page_uri": None,
    }


def _date(seconds: float | None) -> str | None:
    return None if seconds is None else format_datetime(datetime.fromtimestamp(seconds, UTC))
