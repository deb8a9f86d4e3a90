"""Everything that Ringbridge raises on purpose.

RingbridgeError
├── SettingsError          what is set does not do; lists every problem with its mend
├── BrainNotFound          `--brain` names nothing that can reply
├── BrokenMessage          a peer's message lacks what its kind needs; names the field
├── TokenRefused           a call token is forged, stale, spent or another call's
├── BrainTokenRefused      the engine's signed token is not valid for our API key
├── NotProvided            engine or number can't be made as they should be (provision/failures.py)
├── VendorError            a vendor's REST API did not do as asked
├── NotAllowed             a brain asked for something that the call's rules do not give it
├── NoLine                 a brain asked for something on a call that was made up
├── ModelFailed            a language model did not answer (llm/base.py)
└── FailedElsewhere        a brain in another process failed, or its process did (elsewhere/messages.py)
"""

__all__ = [
    "BrainNotFound",
    "BrainTokenRefused",
    "BrokenMessage",
    "NoLine",
    "NotAllowed",
    "RingbridgeError",
    "SettingsError",
    "TokenRefused",
    "VendorError",
]


class RingbridgeError(Exception):
    """Base of all of them. Its text never holds a secret, a signed URL or a caller's words."""


class SettingsError(RingbridgeError):
    """What is set does not do.

    `problems` has one line for each, in the table's order, ready to be shown: name, what is wrong, the mend.
    """

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class BrainNotFound(RingbridgeError):
    """`--brain` names nothing that can reply."""


class BrokenMessage(RingbridgeError):
    """A peer's message lacks what its kind needs. The text names the field, never its content."""


class TokenRefused(RingbridgeError):
    """A call token is forged, stale, spent or another call's. The text says which."""


class BrainTokenRefused(RingbridgeError):
    """The engine's signed token is not valid for our API key. The text says why and how to mend it."""


class VendorError(RingbridgeError):
    """A vendor's REST API did not do as asked: refused, unreachable or too slow.

    `status` is the HTTP status where there was one; `code` is the vendor's own error code, such as Twilio's 21220.
    """

    def __init__(self, text: str, *, status: int | None = None, code: int | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.code = code


class NotAllowed(RingbridgeError):
    """A brain asked for something that the call's rules do not give it. The text says what would be allowed."""


class NoLine(RingbridgeError):
    """A brain asked for something on a call that was made up, as in a test."""
