"""What keeps a step from being done."""

from ringbridge.errors import RingbridgeError

__all__ = ["NotProvided"]


class NotProvided(RingbridgeError):
    """A step could not be done, for a reason that is not a vendor's refusal. The text ends with the mend."""

    def __init__(self, text: str, mend: str) -> None:
        self.mend = mend
        super().__init__(f"{text}; {mend}")
