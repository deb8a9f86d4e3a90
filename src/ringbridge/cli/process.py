"""What a process that carries calls asks of its system, and of Python."""

import gc
import sys

from ringbridge.cli.large_pages import use_large_pages

__all__ = ["keep_what_is_there", "take_descriptors"]

DESCRIPTORS = 65_536
"""What we take of the file descriptors that the system would give us. A call has three sockets."""


YOUNG_OBJECTS = 10_000
"""So many new objects (net) make Python look for cycles among them, which takes half a millisecond. By default it is
700: a call that is answered has as many, and nearly all of them are gone by themselves when it is over."""

YOUNGER_LOOKS = 3
"""So many looks among the young make one among those that have stayed, and so many of these one among all: after 90,000
new objects, as by default after 70,000. What a long call leaves in cycles must not wait for a million."""


def keep_what_is_there() -> None:
    """What was made by now lasts: a full collection need not look at it, for 50 ms in which no call's audio passes.

    And it lies in large pages from now on.
    """
    gc.collect()
    gc.freeze()
    use_large_pages()
    gc.set_threshold(YOUNG_OBJECTS, YOUNGER_LOOKS, YOUNGER_LOOKS)


def take_descriptors() -> None:
    """Many systems give a process 1024 unless it asks for more."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 - Unix alone has it

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
