"""Asking which of the account's numbers it is to be."""

import sys
from collections.abc import Sequence

import click

from ringbridge.apis.twilio_numbers import AccountNumber
from ringbridge.provision.failures import NotProvided

__all__ = ["choose_number"]


def choose_number(numbers: Sequence[AccountNumber]) -> AccountNumber:
    """Ask for one of the numbers; without a terminal, raises `NotProvided`, which lists them."""
    if not sys.stdin.isatty():
        listed = ", ".join(number.phone_number for number in numbers)
        raise NotProvided(f"the Twilio account has several numbers: {listed}", "set TWILIO_PHONE_NUMBER to one of them")
    for place, number in enumerate(numbers, start=1):
        name = "" if number.friendly_name == number.phone_number else f"  {number.friendly_name}"
        click.echo(f"{place:3}  {number.phone_number}{name}", err=True)
    place = click.prompt("Which number is it to be?", type=click.IntRange(1, len(numbers)), err=True)
    return numbers[place - 1]
