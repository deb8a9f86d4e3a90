"""What an update makes of a number: checked whole, and only then set.

https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource, "Update an IncomingPhoneNumber resource"
"""

from typing import Final

from ringbridge.emulator.twilio.account import Account, OwnNumber
from ringbridge.emulator.twilio.requests import Form, Refused
from ringbridge.emulator.twilio.webhooks import valid_public_url

__all__ = ["reconfigure"]

_URLS: Final = {
    "VoiceUrl": "voice_url",
    "VoiceFallbackUrl": "voice_fallback_url",
    "StatusCallback": "status_callback",
    "SmsUrl": "sms_url",
}
_METHODS: Final = {
    "VoiceMethod": "voice_method",
    "VoiceFallbackMethod": "voice_fallback_method",
    "StatusCallbackMethod": "status_callback_method",
    "SmsMethod": "sms_method",
}


def reconfigure(account: Account, own: OwnNumber, form: Form, now: float) -> None:
    """Set what `form` names. Raises `Refused`, and then nothing is set."""
    change: dict[str, str | bool] = {}
    for name, attribute in _URLS.items():
        if name in form:
            change[attribute] = _url(name, form[name])
    for name, attribute in _METHODS.items():
        if name in form:
            change[attribute] = _method(name, form[name])
    if change.get("voice_fallback_url") and not change.get("voice_url", own.voice_url):
        raise Refused(400, 21405, "Cannot set VoiceFallbackUrl without setting VoiceUrl")
    if "FriendlyName" in form:
        change["friendly_name"] = form["FriendlyName"]
    if "VoiceCallerIdLookup" in form:
        change["voice_caller_id_lookup"] = form["VoiceCallerIdLookup"].lower() == "true"
    change |= _elsewhere(account, form)
    for attribute, value in change.items():
        setattr(own, attribute, value)
    own.updated = now


def _url(name: str, url: str) -> str:
    if url and not valid_public_url(url):
        raise Refused(400, 21402, f"{name} is not a valid URL: {url}")
    return url


def _method(name: str, method: str) -> str:
    if method.upper() not in {"GET", "POST"}:
        raise Refused(400, 21403, f"{name} is not a valid HTTP method: {method}")
    return method.upper()


def _elsewhere(account: Account, form: Form) -> dict[str, str]:
    """Setting a trunk deletes the application, and the other way about; an empty name takes it off.

    What Twilio answers to a name that the account does not have is not told in its documents.
    """
    change: dict[str, str] = {}
    for name, attribute, other, known in (
        ("TrunkSid", "trunk_sid", "voice_application_sid", account.trunks.keys()),
        ("VoiceApplicationSid", "voice_application_sid", "trunk_sid", account.applications.keys()),
    ):
        if name not in form:
            continue
        if form[name] and form[name] not in known:
            raise Refused(400, 20001, f"Invalid {name} {form[name]}")
        change[attribute] = form[name]
        if form[name]:
            change[other] = ""
    return change
