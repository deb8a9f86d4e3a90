"""Finds a brain by its name: `module:function` or `path/file.py:function`."""

import importlib
import importlib.util
import inspect
import sys
from pathlib import Path
from traceback import extract_tb
from types import ModuleType
from typing import cast

from ringbridge.errors import BrainNotFound
from ringbridge.turn import Brain

__all__ = ["load_brain"]

_OURS = {__file__, importlib.__file__}
_EXTRAS = {
    "anthropic": "anthropic",
    "langchain_core": "langgraph",
    "langchain_openai": "langgraph",
    "langgraph": "langgraph",
}
"""What of ours brings a module along."""

_EXAMPLE = 'async def {name}(turn): yield "Hello."'


def load_brain(spec: str) -> Brain:
    """Import and return the brain that `spec` names, relative to the current folder.

    The file's folder (for a module: the current folder) goes first on the import path, as when Python runs a file, so
    that a brain can import its neighbours. Raises `BrainNotFound`, whose text says what to write instead.
    """
    place, colon, name = spec.strip().rpartition(":")
    if not colon or not place or not name.isidentifier():
        file = spec.strip().rstrip(":") or "brain.py"
        raise BrainNotFound(f'"{spec}" does not name a function: write file.py:function, such as "{file}:reply"')
    module = _from_file(Path(place)) if place.endswith(".py") else _from_module(place)
    return _function(module, name, place)


def _from_file(path: Path) -> ModuleType:
    path = path.expanduser().absolute()
    if not path.is_file():
        raise BrainNotFound(f"there is no file {path}: check the path, it is relative to {Path.cwd()}")
    _importable(path.parent)
    name = path.stem if path.stem not in sys.modules else f"{path.stem} of {path.parent}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise BrainNotFound(_import_failure(str(path), error)) from error
    return module


def _from_module(name: str) -> ModuleType:
    _importable(Path.cwd())
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise BrainNotFound(_import_failure(name, error)) from error
        raise BrainNotFound(
            f"there is no module {error.name}: install it, or name a file, such as {name.replace('.', '/')}.py:reply"
        ) from error
    except Exception as error:
        raise BrainNotFound(_import_failure(name, error)) from error


def _importable(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def _import_failure(place: str, error: Exception) -> str:
    """Where and how an import failed. The error's own text stays out, as it may quote anything, such as a key."""
    if isinstance(error, SyntaxError):
        return f"{place} can't be imported: {type(error).__name__} in line {error.lineno}"
    if isinstance(error, ModuleNotFoundError):
        extra = _EXTRAS.get((error.name or "").partition(".")[0])
        mend = f": pip install 'ringbridge[{extra}]'" if extra else ""
        return f"{place} can't be imported: it needs the module {error.name}, which is not installed{mend}"
    frames = [frame for frame in extract_tb(error.__traceback__) if frame.filename not in _OURS]
    where = [f"{frame.filename}:{frame.lineno}" for frame in frames if not frame.filename.startswith("<frozen")][:1]
    return f"{place} can't be imported: {' at '.join([type(error).__name__, *where])}"


def _function(module: ModuleType, name: str, place: str) -> Brain:
    found = getattr(module, name, None)
    if found is None:
        others = [f'"{place}:{other}"' for other, value in vars(module).items() if _is_brain(value)]
        instead = f"it has {' and '.join(others)}" if others else f"write there: {_EXAMPLE.format(name=name)}"
        raise BrainNotFound(f'{place} has no function "{name}": {instead}')
    if not _is_brain(found):
        raise BrainNotFound(
            f"{place}:{name} is {_kind(found)}, and a brain is an async generator: {_EXAMPLE.format(name=name)}"
        )
    try:
        inspect.signature(found).bind(None)
    except TypeError:
        raise BrainNotFound(f"{place}:{name} must take one argument, the turn: {_EXAMPLE.format(name=name)}") from None
    return cast("Brain", found)


def _is_brain(value: object) -> bool:
    """Whether it is an async generator function (maybe decorated), or an object that is called like one."""
    if not callable(value):
        return False
    return any(map(inspect.isasyncgenfunction, (value, inspect.unwrap(value), type(value).__call__)))


def _kind(value: object) -> str:
    if inspect.iscoroutinefunction(value):
        return "a coroutine that returns"
    if inspect.isgeneratorfunction(value):
        return "a generator without async"
    if inspect.isfunction(value):
        return "a plain function"
    return f"of type {type(value).__name__}"
