"""The JSON of an answer, whole and in chunks, and of an error.

<https://platform.openai.com/docs/api-reference/chat/object>,
<https://platform.openai.com/docs/api-reference/chat-streaming>.
"""

from dataclasses import dataclass, field
from typing import Any

from ringbridge.emulator.openai.making import Delta, Finish
from ringbridge.emulator.openai.script import Fail

__all__ = ["Head", "Message", "Usage", "error"]


def error(fail: Fail, *, param: str | None = None) -> dict[str, Any]:
    """What a refusal's body is, and an error's in a stream."""
    kind = "server_error" if fail.status >= 500 else "requests" if fail.status == 429 else "invalid_request_error"
    return {"error": {"message": fail.message, "type": kind, "param": param, "code": fail.code or None}}


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, roughly: letters by four of the request, pieces of the answer."""

    asked: int
    made: int

    def json(self) -> dict[str, int]:
        """As the vendor counts."""
        return {
            "prompt_tokens": self.asked,
            "completion_tokens": self.made,
            "total_tokens": self.asked + self.made,
        }


@dataclass(slots=True)
class Message:
    """What the pieces come to, for those who do not stream."""

    text: str = ""
    calls: list[dict[str, Any]] = field(default_factory=list)

    def add(self, delta: Delta) -> None:
        """Put the next piece to it."""
        self.text += delta.get("content", "")
        for part in delta.get("tool_calls", ()):
            if "id" in part:
                self.calls.append({"id": part["id"], "type": "function", "function": {**part["function"]}})
            else:
                self.calls[-1]["function"]["arguments"] += part["function"]["arguments"]

    def json(self) -> dict[str, Any]:
        """As the vendor has it."""
        calls = {"tool_calls": self.calls} if self.calls else {}
        return {"role": "assistant", "content": self.text or None, "refusal": None, "annotations": [], **calls}


@dataclass(frozen=True, slots=True)
class Head:
    """What all chunks of an answer have in common. `created` is in seconds since the epoch."""

    id: str
    model: str
    created: int
    counts: bool
    """Whether the last chunk tells the usage, as `stream_options` may ask."""

    def opening(self, *, speaks: bool) -> dict[str, Any]:
        """The first chunk, without any words yet; `speaks` if there will be some."""
        return self.chunk({"role": "assistant", "content": "" if speaks else None, "refusal": None})

    def chunk(self, delta: Delta | Finish) -> dict[str, Any]:
        """One piece, or the end."""
        ends = isinstance(delta, Finish)
        choice = {
            "index": 0,
            "delta": {} if ends else delta,
            "logprobs": None,
            "finish_reason": delta.reason if isinstance(delta, Finish) else None,
        }
        return {
            **self._fields("chat.completion.chunk"),
            "choices": [choice],
            **({"usage": None} if self.counts else {}),
        }

    def last(self, usage: Usage) -> dict[str, Any]:
        """The chunk that tells the usage."""
        return {**self._fields("chat.completion.chunk"), "choices": [], "usage": usage.json()}

    def whole(self, message: Message, finish: Finish, usage: Usage) -> dict[str, Any]:
        """The answer in one."""
        choice = {"index": 0, "message": message.json(), "logprobs": None, "finish_reason": finish.reason}
        return {**self._fields("chat.completion"), "choices": [choice], "usage": usage.json()}

    def _fields(self, kind: str) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "service_tier": "default",
            "system_fingerprint": None,
        }
