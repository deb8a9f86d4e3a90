"""The settings: read once, from the environment and `.env`, whole or not at all."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import ZoneInfo

from opening_hours import OpeningHours
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from ringbridge.brain.turns import Patience
from ringbridge.calls.admission import Callers, Rules
from ringbridge.calls.languages import EngineChoice
from ringbridge.errors import SettingsError
from ringbridge.setting_types import (
    MS,
    NEW_SECRET,
    AccountSidText,
    BrainName,
    CallerList,
    Delay,
    EngineId,
    Engines,
    FallbackNumber,
    Hint,
    HoursText,
    ModelKeys,
    Models,
    Numbers,
    OneOrTwo,
    OnOff,
    Origin,
    PhoneNumber,
    PublicHost,
    RedisUrl,
    Strong,
    TimeZone,
    TransferNumbers,
    Url,
    both,
)

__all__ = ["BrainSettings", "BridgeSettings", "FromEnvironment", "Row", "Settings", "describe", "load", "load_settings"]

_AnySettings = TypeVar("_AnySettings", bound="FromEnvironment")


class FromEnvironment(BaseSettings):
    """What groups of settings share: frozen, `.env` below what is passed in, blank is unset, no value in an error."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, enable_decoding=False)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment is passed in by `load`, so that a test's is never mixed with the machine's."""
        return init_settings, dotenv_settings

    @model_validator(mode="before")
    @classmethod
    def _blank_is_unset(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in values.items() if not _is_blank(name, value)}

    @field_validator("*", mode="before")
    @classmethod
    def _own_value(cls, value: object, info: ValidationInfo) -> object:
        hint = _hint(cls.model_fields[info.field_name or ""])
        if not isinstance(value, str):
            return value
        if value.strip() == hint.example != "":
            raise ValueError(f"is still the example's; {hint.mend}")
        return value.strip()


class Settings(FromEnvironment):
    """All settings, in the order of the README's table. Made by `load_settings`."""

    elevenlabs_api_key: Annotated[
        OneOrTwo, Hint("make a key in ElevenLabs under Developers, API keys", "your-elevenlabs-api-key")
    ] = Field(
        description="The ElevenLabs API key. It must be the one that made the speech engine. While it is rotated, "
        "write the new and the old, comma-separated."
    )
    elevenlabs_base_url: Origin = Field(
        default="https://api.elevenlabs.io", description="Where the ElevenLabs API is: a residency's, or a twin's."
    )
    speech_engine_id: Annotated[
        EngineId,
        Hint(
            "copy your engine's id, which begins with seng_, or let `ringbridge setup` make one",
            "seng_your-speech-engine",
        ),
    ] = Field(description="The speech engine that hears and speaks.")
    speech_engine_ids: Engines = Field(
        default=(),
        examples=["en:seng_english,fr:seng_french"],
        description="Engines for several languages, as `language:engine`. A call gets the one of the called number's "
        "country, else of the caller's, else `SPEECH_ENGINE_ID` (the first of these where that is not set).",
    )
    shared_secret: Annotated[Strong, Hint(NEW_SECRET, "at-least-16-random-characters")] = Field(
        description="At least 16 random characters; the engine sends it back as `x-api-key`. To change it, write "
        "the new and the old, comma-separated."
    )
    brain_auth: Annotated[Literal["both", "secret"], Hint("write both or secret")] = Field(
        default="both",
        description="What ElevenLabs must show at `/ws`. `both`: the shared secret and its signed token; `secret`: "
        "the secret alone.",
    )
    twilio_account_sid: Annotated[
        AccountSidText, Hint("copy the Account SID from the Twilio console", "AC" + "x" * 32)
    ] = Field(description="The Twilio account that owns the number.")
    twilio_auth_token: Annotated[
        OneOrTwo, Hint("copy the Auth Token from the Twilio console", "your-twilio-auth-token")
    ] = Field(
        description="That account's auth token, by which Twilio's requests are known. While it is rotated, write "
        "the new and the old, comma-separated."
    )
    twilio_phone_number: Annotated[PhoneNumber | None, Hint("write your Twilio number")] = Field(
        default=None,
        examples=["+14155550100"],
        description="The number that is called. It is never dialled as its own fallback.",
    )
    twilio_base_url: Origin = Field(
        default="https://api.twilio.com", description="Where the Twilio API is: a region's, or a twin's."
    )
    public_url: Annotated[
        PublicHost, Hint("write the host name that your tunnel or proxy shows to the world", "your-name.ngrok.app")
    ] = Field(description="Where the world reaches us: `host`, `https://host/` or `wss://host`.")
    host: str = Field(
        default="127.0.0.1", description="The address to listen on. In the container image it is 0.0.0.0."
    )
    port: Annotated[int, Hint("write a number from 0 (any free port) to 65535")] = Field(
        default=3001, ge=0, le=65535, description="The port to listen on."
    )
    greeting: str = Field(
        default="Hello, you are talking with an AI assistant, how can I help you?",
        description="The first words of a call; they should say that an AI speaks. Empty: the engine's own.",
    )
    fallback_number: FallbackNumber = Field(
        default=None, description="A human who is called when we can't serve a caller."
    )
    brain: Annotated[BrainName | None, Hint("", otherwise="the OpenAI one")] = Field(
        default=None,
        examples=["brain.py:reply"],
        description="Your own brain: `module:function` or `path/file.py:function`. Otherwise OpenAI finds the words.",
    )
    brain_processes: Annotated[int, Hint("write a number of processes, from 0 to 64")] = Field(
        default=0,
        ge=0,
        le=64,
        description="In how many processes of their own brains run. 0: in the bridge's, where a brain that computes or "
        "blocks, be it for 10 ms, makes the audio of all calls late. In others it delays only the words of those calls "
        "that share its process. Not on Windows.",
    )
    bridge_url: Url | None = Field(
        default=None,
        examples=["http://bridge:3001"],
        description="Where `serve --only brain` finds the bridge, past the proxy. It shows `SHARED_SECRET` there.",
    )
    llms: Models = Field(
        default=(),
        examples=["openai:gpt-5.4-mini,openai@http://localhost:11434/v1:llama3.2"],
        description="Models that stand in for each other, in this order, as `openai:MODEL` or `openai@URL:MODEL`. Wins "
        "over `OPENAI_MODEL`.",
    )
    openai_api_key: Annotated[
        SecretStr | None,
        Hint(
            "make a key in OpenAI's platform, or name a brain of your own in BRAIN",
            "your-openai-api-key",
            "needed by that brain",
        ),
    ] = Field(default=None, validate_default=True, description="For the OpenAI brain, that is where BRAIN is not set.")
    openai_base_url: Url = Field(
        default="https://api.openai.com/v1", description="Any server that speaks OpenAI's Chat Completions."
    )
    openai_model: str = Field(default="gpt-5.4-mini", description="A fast small model: a caller waits for it.")
    llm_keys: ModelKeys = Field(
        default=SecretStr(""),
        description="Keys for other hosts than `OPENAI_BASE_URL`'s, as `host=key`, comma-separated. They never get "
        "`OPENAI_API_KEY`.",
    )
    hedge_after: Delay = Field(
        default=None,
        description="After so many ms without a word of the first model, the second is asked, too; whichever speaks "
        "first is heard.",
    )
    filler_after: Annotated[Delay, Hint(MS, otherwise="off")] = Field(
        default=1200,
        description='After so many ms without a word of the brain, the caller hears something like "One moment".',
    )
    brain_deadline: Annotated[int, Hint("write a number of ms, from 1000 to 60000")] = Field(
        default=8000,
        ge=1000,
        le=60_000,
        description="After so many ms without a word of the brain, the caller hears a sorry instead of the answer.",
    )
    speculate: Annotated[OnOff, Hint("write on or off")] = Field(
        default=False,
        description="`on`: the brain is asked before the caller's words are final, and its answer used if they stay as "
        "they are. Up to four guesses a turn cost the model's tokens. Tools, and what is done on the line, wait until "
        "the words are final; other code of a brain of your own runs for wrong guesses, too, unless "
        "`await turn.confirmed()` goes before it.",
    )
    voicemail: Annotated[OnOff, Hint("write on or off")] = Field(
        default=False,
        description="`on`: a caller whom neither we nor the human of `FALLBACK_NUMBER` can serve may leave a message; "
        "Twilio keeps it.",
    )
    clips: Annotated[Path | None, Hint("", otherwise="the English ones inside")] = Field(
        default=None,
        examples=["clips"],
        description='The folder of the bridge\'s own voice ("one moment", "sorry" and so on), for when the engine '
        "can't speak. `ringbridge clips` makes it.",
    )
    max_calls: Annotated[int, Hint("write a number of calls, from 1")] = Field(
        default=500, ge=1, description="How many calls may be in progress at once, in each process."
    )
    calls_per_minute: Annotated[int | None, Hint("write a number of calls, from 1")] = Field(
        default=None, ge=1, description="How often one number may call in a minute. All who hide theirs count as one."
    )
    calls_per_day: Annotated[int | None, Hint("write a number of calls, from 1")] = Field(
        default=None, ge=1, description="How often one number may call on a day."
    )
    daily_minutes: Annotated[int | None, Hint("write a number of minutes, from 1")] = Field(
        default=None, ge=1, description="How long all calls of a day may last together."
    )
    redis_url: Annotated[RedisUrl | None, Hint("write redis://host:6379/0", otherwise="each process counts")] = Field(
        default=None, description="The Redis in which all processes count calls and minutes together."
    )
    blocked_callers: Annotated[CallerList, Hint("write numbers, beginnings like +1900*, countries like RU")] = Field(
        default=None,
        examples=["+14155550155,+1900*,RU"],
        description="Whose calls are not taken: numbers, beginnings of numbers, countries.",
    )
    allowed_callers: Annotated[CallerList, Hint("write numbers, beginnings like +1900*, countries like RU")] = Field(
        default=None, examples=["US,CA,+44*"], description="Whose calls are taken, and nobody else's."
    )
    anonymous_callers: Annotated[OnOff, Hint("write on or off")] = Field(
        default=True, description="`off`: who shows no number is not taken."
    )
    opening_hours: Annotated[HoursText | None, Hint("", otherwise="always open")] = Field(
        default=None,
        examples=["Mo-Fr 09:00-17:30; Sa 10:00-14:00"],
        description="When calls are taken, in OpenStreetMap's syntax.",
    )
    time_zone: TimeZone = Field(default="UTC", description="Whose clock the opening hours and the days go by.")
    refused_callers: Annotated[Literal["say", "dial", "busy"], Hint("write say, dial or busy")] = Field(
        default="say",
        description="What a caller gets whose call is not taken. `say`: the reason; `dial`: the human of "
        "`FALLBACK_NUMBER`; `busy`: the busy tone.",
    )
    max_call_seconds: Annotated[int, Hint("write a number of seconds, from 1 to 14400")] = Field(
        default=3600,
        ge=1,
        le=14_400,
        description="The longest that a call may last; the caller is warned before.",
    )
    drain_seconds: Annotated[int, Hint("write a number of seconds, from 0 to 14400")] = Field(
        default=120,
        ge=0,
        le=14_400,
        description="How long live calls may go on after SIGTERM. Give the container longer than that to stop.",
    )
    log_format: Annotated[Literal["auto", "json", "pretty"], Hint("write auto, json or pretty")] = Field(
        default="auto", description="`json`: one object a line; `pretty`: for a terminal; `auto`: whichever it is."
    )
    log_personal: Annotated[OnOff, Hint("write on or off")] = Field(
        default=False,
        description="`on`: the log shows numbers, words and keys of callers, which are masked otherwise.",
    )
    metrics_token: Annotated[SecretStr | None, Hint("", otherwise="not for requests through a proxy")] = Field(
        default=None, description="What `/metrics` wants as `Authorization: Bearer …`."
    )
    transfer_numbers: TransferNumbers = Field(
        default=(),
        examples=["sales:+14155550124,support:+14155550125"],
        description="Whom the brain may put callers through to, as `name:number`, comma-separated; nobody else.",
    )
    transfer_whisper: str | None = Field(
        default=None,
        examples=["A call from the phone assistant."],
        description="What the human hears first who takes a transferred call.",
    )
    allowed_numbers: Numbers = Field(
        default=(),
        examples=["+14155550126,+442079460123"],
        description="Whom `ringbridge call` may phone, comma-separated; nobody else.",
    )
    memory_file: Annotated[Path | None, Hint("", otherwise="kept until the process ends")] = Field(
        default=None,
        examples=["callers.sqlite"],
        description="The SQLite file of what the brain remembers of callers. `ringbridge forget NUMBER` forgets it.",
    )
    check_upgrade_signature: Annotated[OnOff, Hint("write on or off")] = Field(
        default=True,
        description="`off`: media streams are taken without Twilio's signature on the upgrade, on the call's token "
        "alone.",
    )

    @model_validator(mode="before")
    @classmethod
    def _first_engine_is_the_default(cls, values: dict[str, Any]) -> dict[str, Any]:
        engines = values.get("speech_engine_ids")
        if isinstance(engines, str) and engines.strip() and not values.get("speech_engine_id"):
            return {**values, "speech_engine_id": engines.split(",")[0].partition(":")[2]}
        return values

    @field_validator("brain_processes")
    @classmethod
    def _where_sockets_are_inherited(cls, processes: int) -> int:
        if processes and sys.platform == "win32":
            raise ValueError("can't be done on Windows; write 0")
        return processes

    @field_validator("fallback_number")
    @classmethod
    def _not_ourselves(cls, number: str | None, info: ValidationInfo) -> str | None:
        if number is not None and number == info.data.get("twilio_phone_number"):
            raise ValueError("is TWILIO_PHONE_NUMBER itself, so calls would go in circles; name another number")
        return number

    @field_validator("refused_callers")
    @classmethod
    def _somebody_to_dial(cls, refused: str, info: ValidationInfo) -> str:
        if refused == "dial" and info.data.get("fallback_number", "one that was refused") is None:
            raise ValueError("is dial, but FALLBACK_NUMBER names nobody; set it, or write say or busy")
        return refused

    @field_validator("openai_api_key")
    @classmethod
    def _needed_without_brain(cls, key: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        others = info.data.get("llms") or ()
        has_others = bool(others) and all(name.base_url is not None for name in others)
        if key is None and not has_others and info.data.get("brain", "one that was refused") is None:
            raise ValueError(f"is not set; {_hint(cls.model_fields['openai_api_key']).mend}")
        return key

    @property
    def default_engine(self) -> EngineChoice:
        """The engine of whoever has no other: English, unless SPEECH_ENGINE_IDS has it as another language's."""
        listed = (engine for engine in self.speech_engine_ids if engine.engine_id == self.speech_engine_id)
        return next(listed, EngineChoice("en", self.speech_engine_id))

    @property
    def rules(self) -> Rules:
        """Which calls are taken."""
        hours = self.opening_hours
        return Rules(
            max_calls=self.max_calls,
            per_minute=self.calls_per_minute,
            per_day=self.calls_per_day,
            daily_seconds=None if self.daily_minutes is None else self.daily_minutes * 60,
            blocked=self.blocked_callers or Callers(),
            allowed=self.allowed_callers,
            takes_anonymous=self.anonymous_callers,
            is_open=None if hours is None else _by_the_clock(hours),
        )

    @property
    def zone(self) -> ZoneInfo:
        """The time zone by whose clock we are open."""
        return ZoneInfo(self.time_zone)

    @property
    def patience(self) -> Patience:
        """How long a brain may be silent."""
        return Patience(None if self.filler_after is None else self.filler_after / 1000, self.brain_deadline / 1000)

    @property
    def elevenlabs_api_keys(self) -> tuple[str, ...]:
        """The key with which we ask and, during a rotation, the one before it, with which the engine may sign."""
        return both(self.elevenlabs_api_key)

    @property
    def twilio_auth_tokens(self) -> tuple[str, ...]:
        """The token in use and, during a rotation, the one before it."""
        return both(self.twilio_auth_token)

    @property
    def shared_secrets(self) -> tuple[str, ...]:
        """The secret in use, with which we sign, and during a rotation the one before it, which still holds."""
        return both(self.shared_secret)


class BridgeSettings(Settings):
    """Of a bridge whose brains are a service of their own: no model's key is needed."""

    @field_validator("openai_api_key")
    @classmethod
    def _needed_without_brain(cls, key: SecretStr | None, _info: ValidationInfo) -> SecretStr | None:
        return key


class BrainSettings(Settings):
    """Of brains that are a service of their own: nothing of Twilio's is needed, and no engine, but the bridge is."""

    speech_engine_id: EngineId = Field(default="", validate_default=False)
    twilio_account_sid: AccountSidText = Field(default="", validate_default=False)
    twilio_auth_token: OneOrTwo = Field(default=SecretStr(""), validate_default=False)
    bridge_url: Annotated[Url, Hint("write where the bridge is, like http://bridge:3001")]


@dataclass(frozen=True, slots=True)
class Row:
    """One setting as the README and `.env.example` show it.

    `default` is the text to write for it; where there is none, it is empty and `otherwise` says what then. `example`
    may be empty, too.
    """

    name: str
    help: str
    needed: bool
    default: str
    otherwise: str
    example: str


def load_settings(env_file: Path | None = Path(".env"), environ: Mapping[str, str] | None = None) -> Settings:
    """Read all settings from `environ` (the process's own by default) and, below it, from `env_file` if it is there.

    Raises SettingsError with every problem at once, in the table's order. What an option says goes into `environ`:
    `load_settings(environ={**os.environ, "BRAIN": brain})`.
    """
    return load(Settings, env_file, environ)


def load(kind: type[_AnySettings], env_file: Path | None, environ: Mapping[str, str] | None = None) -> _AnySettings:
    """The same for any group of settings: the names in the environment are the fields' in capitals."""
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {name: _readable(environ.get(name.upper())) for name in kind.model_fields}
    values = {name: value for name, value in values.items() if not _is_blank(name, value)}
    values["_env_file"] = env_file
    try:
        return kind(**values)
    except ValidationError as error:
        problems = list(_problems(kind, error))
    except (OSError, UnicodeDecodeError):
        problems = [f"{env_file}: can't be read; make it a text file in UTF-8 that you may read"]
    # Raised out here, so that no exception with a value in it is chained to this one.
    raise SettingsError(problems)


def describe() -> list[Row]:
    """Every setting in the table's order."""
    return [_row(name, field) for name, field in Settings.model_fields.items()]


def _row(name: str, field: FieldInfo) -> Row:
    hint = _hint(field)
    needed = field.is_required()
    default = "" if needed or field.default in (None, ()) else str(field.default)
    return Row(
        name=name.upper(),
        help=field.description or "",
        needed=needed,
        default={"True": "on", "False": "off"}.get(default, default),
        otherwise="needed" if needed else hint.otherwise,
        example=hint.example or next(iter(field.examples or ()), ""),
    )


def _problems(kind: type[FromEnvironment], error: ValidationError) -> Iterator[str]:
    for problem in error.errors(include_url=False, include_input=False):
        name = str(problem["loc"][0])
        match problem["type"]:
            case "missing":
                text = f"is not set; {_hint(kind.model_fields[name]).mend}"
            case "value_error":
                text = str(problem["ctx"]["error"])
            case _:
                text = f"is not understood; {_hint(kind.model_fields[name]).mend}"
        yield f"{name.upper()}: {text}"


def _by_the_clock(hours: str) -> Callable[[datetime], bool]:
    opening = OpeningHours(hours)
    # The library knows not every zone that Python knows, so it is given what the clock on the wall shows.
    return lambda now: opening.is_open(now.replace(tzinfo=None))


def _hint(field: FieldInfo) -> Hint:
    return next((extra for extra in field.metadata if isinstance(extra, Hint)), Hint(mend=""))


def _readable(text: str | None) -> str | None:
    """Without the bytes that are no UTF-8: they could not even be told of."""
    return None if text is None else text.encode(errors="replace").decode()


def _is_blank(name: str, value: object) -> bool:
    # An empty greeting says something: leave it to the engine.
    return value is None or (isinstance(value, str) and not value.strip() and name != "greeting")
