"""The client's first message: what it may set, and what the engine needs of it.

https://elevenlabs.io/docs/agents-platform/customization/personalization/overrides
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from ringbridge.emulator.elevenlabs.engine import Engine
from ringbridge.emulator.elevenlabs.messages import Message

__all__ = ["TYPE", "Initiation", "InitiationRefused", "Variable", "read"]

TYPE = "conversation_initiation_client_data"

Variable: TypeAlias = str | int | float | bool | list[Any] | None


class InitiationRefused(Exception):
    """The conversation can't begin like this: closed with 1008 after an error of this `error_type`."""

    def __init__(self, error_type: str, text: str) -> None:
        self.error_type = error_type
        super().__init__(text)


@dataclass(frozen=True, slots=True)
class Initiation:
    """What the client asked for: `greeting` is `None` without an override; `headers` are the brain's."""

    greeting: str | None
    headers: dict[str, str]


def read(message: Message, engine: Engine, secrets: Mapping[str, str]) -> Initiation:
    """Raises `InitiationRefused` for a broken message, an override that is not allowed, a missing variable.

    `secrets` are the workspace's, by their ids. One that is missing has no words of the vendor's that are known.
    """
    override = _object(message, "conversation_config_override")
    variables = _object(message, "dynamic_variables")
    for name, value in variables.items():
        if isinstance(value, dict):
            raise InitiationRefused("value_error", f"Invalid value of dynamic variable: {name}")
    return Initiation(_greeting(override, engine), _headers(engine, variables, secrets))


def _greeting(override: Message, engine: Engine) -> str | None:
    # A speech engine can allow this one override only; agents proper know more.
    asked = {(group, name) for group in override for name in _object(override, group)}
    first_message = ("agent", "first_message")
    allowed = {first_message} if engine.allow_first_message else set()
    for group, name in sorted(asked - allowed):
        raise InitiationRefused("override_error", f"Override for field '{name}' in '{group}' is not allowed by config.")
    if first_message not in asked:
        return None
    greeting = override["agent"]["first_message"]
    if greeting is not None and not isinstance(greeting, str):
        raise InitiationRefused("value_error", "first_message: Input should be a valid string")
    return greeting


def _headers(engine: Engine, variables: dict[str, Variable], secrets: Mapping[str, str]) -> dict[str, str]:
    headers = {}
    for header, value in engine.request_headers.items():
        if isinstance(value, str):
            headers[header] = value
            continue
        if "secret_id" in value:
            if value["secret_id"] not in secrets:
                raise InitiationRefused("unknown", f"Secret not found: {value['secret_id']}")
            headers[header] = secrets[value["secret_id"]]
            continue
        name = value["variable_name"]
        if name not in variables:
            raise InitiationRefused("missing_dynamic_variable", f"Missing required dynamic variables: {{'{name}'}}")
        headers[header] = str(variables[name])
    return headers


def _object(message: Message, name: str) -> dict[str, Any]:
    value = message.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InitiationRefused("value_error", f"{name}: Input should be a valid dictionary")
    return value
