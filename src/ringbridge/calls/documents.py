"""Every TwiML document that one of our calls can get, from what the settings say."""

from collections.abc import Callable
from dataclasses import dataclass, field

from ringbridge.calls.tokens import CallTokens
from ringbridge.ids import AccountSid, CallSid
from ringbridge.phrases import Phrases
from ringbridge.plans import SendDigits, Transfer
from ringbridge.public_url import PublicUrl
from ringbridge.wire import twiml

__all__ = [
    "CALL_ENDED",
    "DIAL_ENDED",
    "MEDIA_STREAM",
    "STREAM_STATUS",
    "VOICEMAIL_ENDED",
    "WHISPER",
    "Documents",
    "Party",
]

CALL_ENDED = "/call-ended"
DIAL_ENDED = "/dial-ended"
MEDIA_STREAM = "/media-stream"
STREAM_STATUS = "/stream-status"
VOICEMAIL_ENDED = "/voicemail-ended"
WHISPER = "/whisper"


@dataclass(frozen=True, slots=True)
class Party:
    """Whose call it is. `caller` is the human and `called` ours, both as Twilio gives them."""

    call_sid: CallSid
    account_sid: AccountSid
    caller: str
    called: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """Makes them. `own_numbers` and the called one are never dialled; `clock` gives seconds since the epoch.

    `nonce` makes something that can't be guessed, for each call token anew.
    """

    tokens: CallTokens
    public_url: PublicUrl
    fallback_number: str | None = field(repr=False)
    own_numbers: tuple[str, ...] = field(repr=False)
    whisper_text: str | None = field(repr=False)
    takes_messages: bool
    clock: Callable[[], float]
    nonce: Callable[[], str]

    def connect(self, party: Party, *, keys: str = "") -> str:
        """Connect the call to a stream of ours, with a fresh token; `keys` are pressed before."""
        return twiml.connect(
            stream_url=self.public_url.wss(MEDIA_STREAM),
            action=self.public_url.https(CALL_ENDED),
            status_callback=self.public_url.https(STREAM_STATUS),
            token=self.tokens.issue(party.call_sid, party.account_sid, now=self.clock(), nonce=self.nonce()),
            keys=keys,
        )

    def redirect(self, party: Party, plan: Transfer | SendDigits) -> str:
        """What Twilio is to do instead of streaming; the stream, or /dial-ended, follows it."""
        if isinstance(plan, SendDigits):
            return self.connect(party, keys=plan.digits)
        human = twiml.Fallback(
            number=plan.number,
            caller_id=twiml.shown_number(party.caller, party.called),
            action=self.public_url.https(DIAL_ENDED),
            whisper=None if self.whisper_text is None else self.public_url.https(WHISPER),
        )
        return twiml.transfer(human)

    def sorry(self, party: Party, phrases: Phrases, *, apologised: bool = False) -> str:
        """The ladder below the conversation: sorry, unless the caller has heard it; a human; a message; goodbye."""
        return twiml.sorry(phrases, self._human(party), voicemail=self._voicemail, apologised=apologised)

    def goodbye(self, phrases: Phrases) -> str:
        """The same where no human took the call."""
        return twiml.goodbye(phrases, voicemail=self._voicemail)

    def put_through(self, party: Party) -> str | None:
        """Dial the human without a word; `None` where there is nobody."""
        human = self._human(party)
        return None if human is None else twiml.transfer(human)

    def _human(self, party: Party) -> twiml.Fallback | None:
        return twiml.fallback_for(
            self.fallback_number,
            caller=party.caller,
            called=party.called,
            own_numbers=self.own_numbers,
            action=self.public_url.https(DIAL_ENDED),
        )

    @property
    def _voicemail(self) -> str | None:
        return self.public_url.https(VOICEMAIL_ENDED) if self.takes_messages else None

    def whisper(self, phrases: Phrases) -> str:
        """What the human hears first who takes a transferred call."""
        return twiml.say(self.whisper_text, phrases) if self.whisper_text else twiml.empty()
