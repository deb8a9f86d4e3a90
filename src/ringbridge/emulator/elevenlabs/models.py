"""The models that ElevenLabs speaks with: ElevenLabs, "Models"."""

from dataclasses import dataclass
from typing import Any, Final

__all__ = ["CONVERSATIONAL", "MODELS", "Model", "model_json"]

_MANY: Final = {
    "ar": "Arabic",
    "de": "German",
    "en": "English",
    "es": "Spanish",
    "fr": "French",
    "hi": "Hindi",
    "it": "Italian",
    "ja": "Japanese",
    "nl": "Dutch",
    "pl": "Polish",
    "pt": "Portuguese",
    "zh": "Chinese",
}
"""Some of the languages that a multilingual model speaks."""

_ENGLISH: Final = {"en": "English"}


@dataclass(frozen=True, slots=True)
class Model:
    """One model: `most_characters` in one request, `cost` of a character in credits."""

    id: str
    name: str
    languages: dict[str, str]
    most_characters: int
    cost: float = 1.0


MODELS: Final = {
    model.id: model
    for model in (
        Model("eleven_v3", "Eleven v3", _MANY, 5_000),
        Model("eleven_multilingual_v2", "Eleven Multilingual v2", _MANY, 10_000),
        Model("eleven_flash_v2_5", "Eleven Flash v2.5", _MANY, 40_000, 0.5),
        Model("eleven_turbo_v2_5", "Eleven Turbo v2.5", _MANY, 40_000, 0.5),
        Model("eleven_flash_v2", "Eleven Flash v2", _ENGLISH, 30_000, 0.5),
        Model("eleven_turbo_v2", "Eleven Turbo v2", _ENGLISH, 30_000, 0.5),
    )
}

CONVERSATIONAL: Final = frozenset(
    {
        "eleven_turbo_v2",
        "eleven_turbo_v2_5",
        "eleven_flash_v2",
        "eleven_flash_v2_5",
        "eleven_multilingual_v2",
        "eleven_v3_conversational",
        "eleven_v4",
        "eleven_v4_turbo",
    }
)
"""What an engine may be set to (`TtsConversationalModel` of the SDK 2.78)."""


def model_json(model: Model) -> dict[str, Any]:
    """As `GET /v1/models` shows it."""
    return {
        "model_id": model.id,
        "name": model.name,
        "description": "",
        "can_be_finetuned": False,
        "can_do_text_to_speech": True,
        "can_do_voice_conversion": False,
        "can_use_style": False,
        "can_use_speaker_boost": False,
        "serves_pro_voices": False,
        "requires_alpha_access": False,
        "token_cost_factor": model.cost,
        "max_characters_request_free_user": 2_500,
        "max_characters_request_subscribed_user": 5_000,
        "maximum_text_length_per_request": model.most_characters,
        "languages": [{"language_id": code, "name": name} for code, name in model.languages.items()],
        "model_rates": {"character_cost_multiplier": model.cost},
        "concurrency_group": "standard",
    }
