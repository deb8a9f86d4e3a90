"""Which language model a brain asks that is tried out here: the one of the settings, or one that is made of rules."""

import os
from pathlib import Path

from dotenv import dotenv_values

__all__ = ["NO_MODEL", "model_settings"]

_NAMES = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL", "LLMS", "LLM_KEYS", "HEDGE_AFTER")

NO_MODEL = (
    "Neither OPENAI_API_KEY nor LLMS is set, so a booking desk made of rules answers in place of a model."
    " A brain that asks no model does not notice."
)


def model_settings(env_file: Path = Path(".env")) -> dict[str, str]:
    """The settings of models, from the environment and below it from `.env`; empty where they name none."""
    given = {**dotenv_values(env_file), **os.environ}
    settings = {name: value for name in _NAMES if (value := given.get(name))}
    return settings if "OPENAI_API_KEY" in settings or "LLMS" in settings else {}
