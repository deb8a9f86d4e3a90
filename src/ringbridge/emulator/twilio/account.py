"""An account at Twilio: what belongs to it, and how that is set up.

All that REST shows or changes, beside the calls themselves, is kept here and nowhere else.
"""

import json
import uuid
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal, TypeAlias

__all__ = ["Account", "Application", "Method", "OwnNumber", "Reception", "Trunk", "new_sid"]

Method: TypeAlias = Literal["GET", "POST"]

_CHANGING: Final = frozenset({"auth_token", "created", "updated"})


def new_sid(prefix: str) -> str:
    """A name as Twilio makes them: two letters and 32 hexadecimal digits."""
    return prefix + uuid.uuid4().hex


@dataclass(slots=True, kw_only=True)
class Reception:
    """Who is asked and told about a call that comes in; an empty URL is none.

    https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource
    """

    friendly_name: str = ""
    voice_url: str = ""
    voice_method: Method = "POST"
    voice_fallback_url: str = ""
    voice_fallback_method: Method = "POST"
    voice_caller_id_lookup: bool = False
    status_callback: str = ""
    status_callback_method: Method = "POST"
    sms_url: str = ""
    sms_method: Method = "POST"
    created: float = 0.0
    updated: float = 0.0
    """Seconds since the epoch, as its twin's clock tells them."""


@dataclass(slots=True, kw_only=True)
class OwnNumber(Reception):
    """A number of the account. On a trunk, or with an application, what it says of voice itself is ignored."""

    phone_number: str
    sid: str = field(default_factory=lambda: new_sid("PN"))
    trunk_sid: str = ""
    voice_application_sid: str = ""
    voice: bool = True
    """Whether it can be called at all."""
    sms: bool = True


@dataclass(slots=True, kw_only=True)
class Application(Reception):
    """A TwiML app: https://www.twilio.com/docs/usage/api/applications."""

    sid: str = field(default_factory=lambda: new_sid("AP"))


@dataclass(slots=True, kw_only=True)
class Trunk:
    """An Elastic SIP trunk: https://www.twilio.com/docs/sip-trunking/api/trunk-resource."""

    sid: str = field(default_factory=lambda: new_sid("TK"))
    friendly_name: str = ""
    domain_name: str = "desk.pstn.twilio.com"
    created: float = 0.0
    updated: float = 0.0


@dataclass(slots=True)
class Account:
    """One account. Its fields may be set at any time; a trial account calls `verified` numbers only.

    `permitted` are the countries (ISO codes) whose ordinary numbers may be called; a new account's are these two.
    """

    sid: str
    auth_token: str = field(repr=False)
    kind: Literal["Trial", "Full"] = "Full"
    status: Literal["active", "suspended", "closed"] = "active"
    friendly_name: str = "Desk"
    balance: str = "20.00"
    currency: str = "USD"
    verified: set[str] = field(default_factory=set)
    permitted: set[str] = field(default_factory=lambda: {"CA", "US"})
    numbers: dict[str, OwnNumber] = field(default_factory=dict)
    """By their E.164 form."""
    applications: dict[str, Application] = field(default_factory=dict)
    trunks: dict[str, Trunk] = field(default_factory=dict)

    def add_number(self, phone_number: str, **settings: Any) -> OwnNumber:
        """A number more, or anew; `settings` are fields of `OwnNumber`."""
        own = OwnNumber(phone_number=phone_number, **{"friendly_name": phone_number, **settings})
        self.numbers[phone_number] = own
        return own

    def add_application(self, **settings: Any) -> Application:
        """A TwiML app more; `settings` are fields of `Application`."""
        made = Application(**settings)
        self.applications[made.sid] = made
        return made

    def add_trunk(self, **settings: Any) -> Trunk:
        """A SIP trunk more; `settings` are fields of `Trunk`."""
        made = Trunk(**settings)
        self.trunks[made.sid] = made
        return made

    def number(self, sid: str) -> OwnNumber | None:
        """The number of that name."""
        return next((own for own in self.numbers.values() if own.sid == sid), None)

    def reception(self, phone_number: str) -> Reception | None:
        """Whose webhooks a call to a number asks; None where nobody's does: it is on a trunk, or Twilio takes no calls.

        Raises `KeyError` for a number that is not the account's.
        """
        own = self.numbers[phone_number]
        if own.trunk_sid or not own.voice or self.status != "active":
            return None
        return self.applications[own.voice_application_sid] if own.voice_application_sid else own

    def snapshot(self) -> bytes:
        """All of it but the dates, always the same bytes for the same state: to be compared, before and after."""
        whole = {name: value for name, value in asdict(self).items() if name not in _CHANGING}
        whole["verified"], whole["permitted"] = sorted(self.verified), sorted(self.permitted)
        for kind in ("numbers", "applications", "trunks"):
            whole[kind] = {
                key: {name: value for name, value in one.items() if name not in _CHANGING}
                for key, one in whole[kind].items()
            }
        return json.dumps(whole, indent=1, sort_keys=True).encode() + b"\n"
