"""The JSON of what an account holds, as its SDK reads it.

https://www.twilio.com/docs/iam/api/account and …/phone-numbers/api/incomingphonenumber-resource
"""

from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from ringbridge.emulator.twilio.account import Account, Application, OwnNumber, Reception, Trunk
from ringbridge.emulator.twilio.countries import Country

__all__ = [
    "account_json",
    "application_json",
    "balance_json",
    "country_json",
    "number_json",
    "trunk_json",
    "trunk_number_json",
]

API_VERSION = "2010-04-01"


def account_json(account: Account) -> dict[str, Any]:
    """The account itself; Twilio shows the auth token to whoever has it."""
    uri = f"/{API_VERSION}/Accounts/{account.sid}"
    parts = ("balance", "calls", "incoming_phone_numbers", "applications")
    return {
        "sid": account.sid,
        "owner_account_sid": account.sid,
        "auth_token": account.auth_token,
        "friendly_name": account.friendly_name,
        "status": account.status,
        "type": account.kind,
        "date_created": _rfc2822(0),
        "date_updated": _rfc2822(0),
        "subresource_uris": {part: f"{uri}/{part.title().replace('_', '')}.json" for part in parts},
        "uri": f"{uri}.json",
    }


def balance_json(account: Account) -> dict[str, Any]:
    """What is left to spend."""
    return {"account_sid": account.sid, "balance": account.balance, "currency": account.currency}


def number_json(account: Account, own: OwnNumber) -> dict[str, Any]:
    """A number, on api.twilio.com."""
    return {
        **_number(account, own),
        "date_created": _rfc2822(own.created),
        "date_updated": _rfc2822(own.updated),
        "address_sid": None,
        "bundle_sid": None,
        "emergency_address_sid": None,
        "emergency_address_status": "unregistered",
        "emergency_status": "Inactive",
        "identity_sid": None,
        "origin": "twilio",
        "status": "in-use",
        "type": "local",
        "voice_receive_mode": "voice",
        "subresource_uris": {},
        "uri": f"/{API_VERSION}/Accounts/{account.sid}/IncomingPhoneNumbers/{own.sid}.json",
    }


def trunk_number_json(account: Account, own: OwnNumber, origin: str) -> dict[str, Any]:
    """The same number, as its trunk shows it on trunking.twilio.com; `origin` is the host that was asked."""
    return {
        **_number(account, own),
        "date_created": _iso8601(own.created),
        "date_updated": _iso8601(own.updated),
        "links": {"phone_number": f"{origin}/{API_VERSION}/Accounts/{account.sid}/IncomingPhoneNumbers/{own.sid}.json"},
        "url": f"{origin}/v1/Trunks/{own.trunk_sid}/PhoneNumbers/{own.sid}",
    }


def application_json(account: Account, made: Application) -> dict[str, Any]:
    """A TwiML app."""
    return {
        **_reception(made),
        "sid": made.sid,
        "account_sid": account.sid,
        "api_version": API_VERSION,
        "date_created": _rfc2822(made.created),
        "date_updated": _rfc2822(made.updated),
        "message_status_callback": None,
        "sms_status_callback": None,
        "public_application_connect_enabled": False,
        "uri": f"/{API_VERSION}/Accounts/{account.sid}/Applications/{made.sid}.json",
    }


def trunk_json(account: Account, trunk: Trunk, origin: str) -> dict[str, Any]:
    """A SIP trunk: https://www.twilio.com/docs/sip-trunking/api/trunk-resource."""
    url = f"{origin}/v1/Trunks/{trunk.sid}"
    return {
        "sid": trunk.sid,
        "account_sid": account.sid,
        "friendly_name": trunk.friendly_name,
        "domain_name": trunk.domain_name,
        "disaster_recovery_method": "POST",
        "disaster_recovery_url": None,
        "secure": False,
        "recording": {"mode": "do-not-record", "trim": "do-not-trim"},
        "transfer_mode": "disable-all",
        "transfer_caller_id": "from-transferee",
        "cnam_lookup_enabled": False,
        "auth_type": "",
        "auth_type_set": [],
        "symmetric_rtp_enabled": False,
        "date_created": _iso8601(trunk.created),
        "date_updated": _iso8601(trunk.updated),
        "links": {"phone_numbers": f"{url}/PhoneNumbers"},
        "url": url,
    }


def country_json(account: Account, country: Country, origin: str) -> dict[str, Any]:
    """Whether a country may be called: https://www.twilio.com/docs/voice/api/dialingpermissions-country-resource."""
    url = f"{origin}/v1/DialingPermissions/Countries/{country.iso_code}"
    return {
        "iso_code": country.iso_code,
        "name": country.name,
        "continent": country.continent,
        "country_codes": list(country.country_codes),
        "low_risk_numbers_enabled": country.iso_code in account.permitted,
        "high_risk_special_numbers_enabled": False,
        "high_risk_tollfraud_numbers_enabled": False,
        "url": url,
        "links": {"highrisk_special_prefixes": f"{url}/HighRiskSpecialPrefixes"},
    }


def _number(account: Account, own: OwnNumber) -> dict[str, Any]:
    return {
        **_reception(own),
        "sid": own.sid,
        "account_sid": account.sid,
        "phone_number": own.phone_number,
        "address_requirements": "none",
        "api_version": API_VERSION,
        "beta": False,
        "capabilities": {"voice": own.voice, "sms": own.sms, "mms": own.sms, "fax": False},
        "trunk_sid": own.trunk_sid or None,
        "voice_application_sid": own.voice_application_sid,
        "sms_application_sid": "",
    }


def _reception(who: Reception) -> dict[str, Any]:
    return {
        "friendly_name": who.friendly_name,
        "voice_url": who.voice_url,
        "voice_method": who.voice_method,
        "voice_fallback_url": who.voice_fallback_url,
        "voice_fallback_method": who.voice_fallback_method,
        "voice_caller_id_lookup": who.voice_caller_id_lookup,
        "status_callback": who.status_callback,
        "status_callback_method": who.status_callback_method,
        "sms_url": who.sms_url,
        "sms_method": who.sms_method,
        "sms_fallback_url": "",
        "sms_fallback_method": "POST",
    }


def _rfc2822(seconds: float) -> str:
    return format_datetime(datetime.fromtimestamp(seconds, UTC))


def _iso8601(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
