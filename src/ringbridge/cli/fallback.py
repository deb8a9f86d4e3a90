"""`ringbridge fallback-twiml`: what Twilio says where it can't reach us at all."""

from pathlib import Path

import click

from ringbridge.config import FromEnvironment, load
from ringbridge.phrases import ENGLISH
from ringbridge.setting_types import FallbackNumber
from ringbridge.wire.twiml import static_fallback

__all__ = ["command"]


class _Fallback(FromEnvironment):
    """The one setting that the document needs, so that it can be printed before the others are known."""

    fallback_number: FallbackNumber = None


@click.command("fallback-twiml")
def command() -> None:
    """Print the TwiML that a caller gets when this server can't be reached.

    Paste it into a TwiML Bin in the Twilio console, and give the Bin as the number's fallback ("Primary handler
    fails"). It apologises, then dials FALLBACK_NUMBER where that is set.
    """
    click.echo(static_fallback(ENGLISH, load(_Fallback, Path(".env")).fallback_number))
