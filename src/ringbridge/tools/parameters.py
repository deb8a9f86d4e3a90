"""What a model may pass to a tool, read from the function's own hints and docstring, and checked before it runs."""

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, get_type_hints

import docstring_parser
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic.errors import PydanticUndefinedAnnotation, PydanticUserError
from pydantic.json_schema import GenerateJsonSchema

from ringbridge.turn import Call, Turn

__all__ = ["Arguments", "Described", "Parameters", "Refusal", "describe", "read_parameters"]

MAX_PROBLEMS = 5
"""Of refused arguments, a model is told so many problems at once."""

MAX_SHOWN = 60
"""Of a refused argument, a model is shown so many characters."""

Given: TypeAlias = type[Call] | type[Turn]


@dataclass(frozen=True, slots=True)
class Arguments:
    """Arguments that passed: the values for the function, and the one JSON text that equal calls have in common."""

    values: dict[str, Any]
    text: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why arguments did not pass, in words by which a model can mend them."""

    text: str


@dataclass(frozen=True, slots=True)
class Described:
    """What a docstring says: of the function, and of each parameter."""

    summary: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Parameters:
    """`given` are the parameters that we fill in and no model knows of; `schema` is the JSON Schema of the others."""

    given: Mapping[str, Given]
    schema: dict[str, Any]
    _model: type[BaseModel]

    @property
    def names(self) -> frozenset[str]:
        """Those that a model passes."""
        return frozenset(self.schema["properties"])

    def check(self, text: str) -> Arguments | Refusal:
        """Check the JSON text that a model wrote. Nothing at all counts as no arguments."""
        try:
            checked = self._model.model_validate_json(text.strip() or "{}")
        except ValidationError as error:
            return Refusal(_in_words(error))
        values = {named.alias or "": getattr(checked, own) for own, named in self._model.model_fields.items()}
        plain = checked.model_dump(mode="json", by_alias=True, warnings=False)
        return Arguments(values, json.dumps(plain, sort_keys=True, ensure_ascii=False))

    def fill(self, turn: Turn) -> dict[str, Any]:
        """What the function gets from us."""
        return {name: turn if kind is Turn else turn.call for name, kind in self.given.items()}


def describe(function: Callable[..., Any]) -> Described:
    """Read a docstring in Google's, NumPy's, Sphinx's or Epydoc's style."""
    text = inspect.getdoc(function) or ""
    try:
        parsed = docstring_parser.parse(text)
    except docstring_parser.ParseError:
        return Described(" ".join(text.partition("\n\n")[0].split()))
    described = {each.arg_name: " ".join(each.description.split()) for each in parsed.params if each.description}
    return Described(" ".join((parsed.short_description or "").split()), described)


def read_parameters(function: Callable[..., Any], described: Mapping[str, str]) -> Parameters:
    """Read a function's parameters. Raises `TypeError` for one that no model could pass, and says which."""
    signature = inspect.signature(function)
    try:
        hints = get_type_hints(function, include_extras=True)
    except NameError as error:
        raise TypeError(f"its hints can't be read: {error}; import the name where the function is defined") from None
    given: dict[str, Given] = {}
    fields: dict[str, Any] = {}
    for name, parameter in signature.parameters.items():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise TypeError(f"its parameter {name} can't be passed by name, as a model does")
        if name not in hints:
            raise TypeError(f"its parameter {name} has no type hint: write one, such as {name}: str")
        if hints[name] in (Call, Turn):
            given[name] = hints[name]
            continue
        default = ... if parameter.default is parameter.empty else parameter.default
        # Prefixed, as a field of pydantic's can't be called "copy", "_id" or "model_config".
        says: dict[str, Any] = {"description": described[name]} if name in described else {}
        fields[f"of_{name}"] = (hints[name], Field(default, alias=name, **says))
    return _parameters(given, fields)


def _parameters(given: Mapping[str, Given], fields: dict[str, Any]) -> Parameters:
    try:
        model: type[BaseModel] = create_model("Arguments", __config__=ConfigDict(extra="forbid"), **fields)
        schema = model.model_json_schema(schema_generator=_WithoutTitles)
    except (PydanticUserError, PydanticUndefinedAnnotation) as error:
        raise TypeError(f"a parameter's type can't be told to a model: {error.message}") from None
    schema.pop("title", None)
    return Parameters(given, {"properties": {}, **schema}, model)


class _WithoutTitles(GenerateJsonSchema):
    """A parameter's title is its name once more: tokens for nothing."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _in_words(error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_context=False)
    words = [_problem(problem) for problem in problems[:MAX_PROBLEMS]]
    rest = len(problems) - len(words)
    return "; ".join([*words, *([f"and {rest} more"] if rest else [])])


def _problem(problem: Any) -> str:
    where = ".".join(map(str, problem["loc"])) or "arguments"
    match problem["type"]:
        case "json_invalid":
            return "the arguments are not valid JSON: write them anew"
        case "missing":
            return f"{where}: is missing"
        case "extra_forbidden":
            return f"{where}: is not a parameter of this tool"
        case _:
            says = problem["msg"].replace("Input should", "must", 1).replace("Value error, ", "", 1)
            return f"{where}: {says}, got {_shown(problem['input'])}"


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"
