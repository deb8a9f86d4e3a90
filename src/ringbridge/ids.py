"""Ids as types of their own, so that one can't be passed for another."""

from typing import NewType

__all__ = ["AccountSid", "CallSid", "ConversationId", "StreamSid"]

CallSid = NewType("CallSid", str)
"""Twilio's name of a phone call (`CA…`): the name by which we know it, too."""

StreamSid = NewType("StreamSid", str)
"""Twilio's name of one media stream (`MZ…`); a call may have several, one after another."""

AccountSid = NewType("AccountSid", str)
"""Twilio's name of the account that owns a call (`AC…`)."""

ConversationId = NewType("ConversationId", str)
"""ElevenLabs' name of one conversation (`conv_…`): the join between its two sockets."""
