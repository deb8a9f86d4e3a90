"""The hunt for an input at which a reader raises something that is not our own."""

import time

from hypothesis import HealthCheck, given, settings

from .readers import Reader


class Foreign(Exception):
    """A reader raised what is none of its own errors."""


def judge(reader: Reader, given_input: object) -> None:
    """Let it read; raises `Foreign`."""
    try:
        reader.read(given_input)
    except reader.own as error:
        if isinstance(error, UnicodeError):  # a ValueError, too, but never one of ours
            raise Foreign(f"{type(error).__name__} in {reader.name}") from error
    except Exception as error:
        raise Foreign(f"{type(error).__name__} in {reader.name}") from error


def hunt(reader: Reader, *, seconds: float) -> int:
    """Try inputs for so long; gives how many.

    Raises `Foreign`, or a group of them, whose notes hold the smallest input that was found.
    """
    tried = 0
    ends_at = time.monotonic() + seconds

    def count_and_judge(given_input: object) -> None:
        nonlocal tried
        tried += 1
        judge(reader, given_input)

    profile = settings(max_examples=500, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    while time.monotonic() < ends_at:
        profile(given(reader.inputs)(count_and_judge))()
    return tried
