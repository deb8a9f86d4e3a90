"""What the vendor refuses of a request: <https://platform.openai.com/docs/api-reference/chat/create>.

The words, `param` and `code` are those of refusals as people have reported them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["Problem", "problem"]

MAX_TOOLS: Final = 128
MAX_ID_LETTERS: Final = 40
MAX_DESCRIPTION_LETTERS: Final = 1024

_ROLES: Final = ("system", "developer", "user", "assistant", "tool")
_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a request is invalid. `param` is the place in it."""

    message: str
    param: str | None = None
    code: str | None = None


class _Invalid(Exception):
    def __init__(self, message: str, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.problem = Problem(message, param, code)


def problem(body: object) -> Problem | None:
    """Why this request, as read from JSON, is invalid; `None` when it is not."""
    try:
        _check(body)
    except _Invalid as invalid:
        return invalid.problem
    return None


def _check(body: object) -> None:
    if not isinstance(body, dict):
        raise _Invalid("We could not parse the JSON body of your request. (HINT: is it a JSON object?)")
    if not isinstance(body.get("model"), str):
        raise _Invalid("you must provide a model parameter")
    messages = body.get("messages")
    if messages is None:
        raise _Invalid("Missing required parameter: 'messages'.", "messages", "missing_required_parameter")
    _check_messages(_full_list(messages, "messages"))
    _check_tools(body)
    if body.get("stream_options") is not None and not body.get("stream"):
        raise _Invalid("The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options")


def _full_list(value: object, param: str) -> list[Any]:
    if not isinstance(value, list):
        raise _Invalid(f"Invalid type for '{param}': expected an array of objects.", param, "invalid_type")
    if not value:
        raise _Invalid(
            f"Invalid '{param}': empty array. Expected an array with minimum length 1.", param, "empty_array"
        )
    return value


def _check_messages(messages: list[Any]) -> None:
    unanswered: list[str] = []
    asked_at = 0
    for number, message in enumerate(messages):
        role = _role(message, number)
        if role == "tool":
            if message.get("tool_call_id") not in unanswered:
                raise _Invalid(
                    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with"
                    " 'tool_calls'.",
                    f"messages.[{number}].role",
                )
            unanswered.remove(message["tool_call_id"])
        elif unanswered:
            break
        calls = _calls(message, number)
        _check_content(message, number, may_be_empty=bool(calls))
        if calls:
            unanswered, asked_at = calls, number
    if unanswered:
        raise _Invalid(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each"
            " 'tool_call_id'. The following tool_call_ids did not have response messages: " + ", ".join(unanswered),
            f"messages.[{asked_at + 1}].role",
        )


def _role(message: object, number: int) -> str:
    param = f"messages[{number}]"
    if not isinstance(message, dict):
        raise _Invalid(f"Invalid type for '{param}': expected an object.", param, "invalid_type")
    if "role" not in message:
        raise _Invalid(f"Missing required parameter: '{param}.role'.", f"{param}.role", "missing_required_parameter")
    role = message["role"]
    if role not in _ROLES:
        raise _Invalid(
            f"Invalid value: '{role}'. Supported values are: {', '.join(map(repr, _ROLES))}.",
            f"{param}.role",
            "invalid_value",
        )
    return str(role)


def _check_content(message: dict[str, Any], number: int, *, may_be_empty: bool) -> None:
    content = message.get("content")
    is_parts = isinstance(content, list) and bool(content) and all(map(_is_text_part, content))
    if isinstance(content, str) or is_parts or (content is None and may_be_empty):
        return
    what = "null" if content is None else type(content).__name__
    param = f"messages.[{number}].content"
    raise _Invalid(f"Invalid value for 'content': expected a string, got {what}.", param)


def _is_text_part(part: object) -> bool:
    return isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str)


def _calls(message: dict[str, Any], number: int) -> list[str]:
    """The ids of the tool calls in this message."""
    if message.get("tool_calls") is None:
        return []
    param = f"messages[{number}].tool_calls"
    if message["role"] != "assistant":
        raise _Invalid(f"Unknown parameter: '{param}'.", param, "unknown_parameter")
    return [_call_id(call, f"{param}[{place}]") for place, call in enumerate(_full_list(message["tool_calls"], param))]


def _call_id(call: object, param: str) -> str:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(call, dict) or not isinstance(function, dict) or call.get("type") != "function":
        raise _Invalid(f"Invalid type for '{param}': expected a function call.", param, "invalid_type")
    _check_name(function.get("name"), f"{param}.function.name")
    if not isinstance(function.get("arguments"), str):
        place = f"{param}.function.arguments"
        raise _Invalid(f"Invalid type for '{place}': expected a string.", place, "invalid_type")
    if not isinstance(call.get("id"), str):
        raise _Invalid(f"Missing required parameter: '{param}.id'.", f"{param}.id", "missing_required_parameter")
    _check_length(call["id"], MAX_ID_LETTERS, f"{param}.id")
    return str(call["id"])


def _check_tools(body: dict[str, Any]) -> None:
    if body.get("tools") is None:
        if body.get("tool_choice") is not None:
            raise _Invalid("Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.")
        return
    tools = _full_list(body["tools"], "tools")
    if len(tools) > MAX_TOOLS:
        text = f"Invalid 'tools': array too long. Expected an array with maximum length {MAX_TOOLS}."
        raise _Invalid(text, "tools", "array_above_max_length")
    for number, tool in enumerate(tools):
        function = tool.get("function") if isinstance(tool, dict) else None
        param = f"tools[{number}]"
        if not isinstance(function, dict) or tool.get("type") != "function":
            raise _Invalid(f"Missing required parameter: '{param}.function'.", param, "missing_required_parameter")
        _check_name(function.get("name"), f"{param}.function.name")
        _check_length(function.get("description") or "", MAX_DESCRIPTION_LETTERS, f"{param}.function.description")
        if wrong := _wrong_schema(function.get("parameters", {"type": "object", "properties": {}})):
            text = f"Invalid schema for function '{function['name']}': {wrong}"
            raise _Invalid(text, f"{param}.function.parameters", "invalid_function_parameters")


def _check_name(name: object, param: str) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        text = f"Invalid '{param}': string does not match pattern. Expected a string that matches the pattern"
        raise _Invalid(f"{text} '^[a-zA-Z0-9_-]+$'.", param, "invalid_value")


def _check_length(text: str, most: int, param: str) -> None:
    if len(text) > most:
        message = f"Invalid '{param}': string too long. Expected a string with maximum length {most}, but instead got"
        raise _Invalid(f"{message} a string with length {len(text)} instead.", param, "string_above_max_length")


def _wrong_schema(schema: object) -> str:
    if not isinstance(schema, dict) or schema.get("type") != "object":
        kind = schema.get("type") if isinstance(schema, dict) else schema
        return f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{kind}\"'."
    if "properties" not in schema:
        return "In context=(), object schema missing properties."
    return next(_wrong_parts(schema, ()), "")


def _wrong_parts(schema: object, context: tuple[str, ...]) -> Iterator[str]:
    if isinstance(schema, bool):
        return
    if not isinstance(schema, dict):
        yield f"In context={context}, {schema!r} is not of type 'object', 'boolean'."
        return
    if schema.get("type") == "array" and "items" not in schema:
        yield f"In context={context}, array schema missing items."
    for key in ("properties", "$defs"):
        parts = schema.get(key, {})
        if not isinstance(parts, dict):
            yield f"In context={context}, {parts!r} is not of type 'object'."
            return
        for name, part in parts.items():
            yield from _wrong_parts(part, (*context, key, name))
    if isinstance(schema.get("items"), dict):
        yield from _wrong_parts(schema["items"], (*context, "items"))
    for place, part in enumerate(schema.get("anyOf", ())):
        yield from _wrong_parts(part, (*context, "anyOf", str(place)))
