"""A workspace at ElevenLabs: what its key may do, what it has left, and the telephone numbers brought into it."""

import secrets
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

__all__ = [
    "PERMISSIONS",
    "ImportedNumber",
    "Permission",
    "Workspace",
    "number_json",
    "subscription_json",
    "user_json",
]

Permission: TypeAlias = Literal["convai_read", "convai_write", "models_read", "text_to_speech", "user_read"]
"""What an API key may be restricted to. Which of them each request needs is told by its refusal only."""

PERMISSIONS: Final[frozenset[Permission]] = frozenset(
    {"convai_read", "convai_write", "models_read", "text_to_speech", "user_read"}
)


@dataclass(slots=True)
class ImportedNumber:
    """A telephone number that was brought into the workspace, and the agent that answers it, if any."""

    phone_number: str
    agent_id: str | None = None
    agent_name: str = "Agent"
    label: str = "Desk"
    provider: Literal["twilio", "sip_trunk"] = "twilio"
    id: str = field(default_factory=lambda: f"phnum_{secrets.token_hex(14)}")


@dataclass(slots=True)
class Workspace:
    """To be changed at any time. Whoever has used up `credits` is refused, as ElevenLabs does."""

    permissions: set[Permission] = field(default_factory=lambda: set(PERMISSIONS))
    tier: str = "creator"
    status: str = "active"
    used: int = 1_200
    """Credits that are spent in this period."""
    credits: int = 100_000
    may_exceed: bool = False
    """Whether more than `credits` can be used, and billed."""
    resets_at: int = 1_900_000_000
    concurrency: int = 10
    """Requests at once, for text to speech."""
    convai_concurrency: int = 10_000
    """Conversations at once, over all engines."""
    numbers: list[ImportedNumber] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)
    """What a `{"secret_id": …}` in an engine's headers stands for."""

    @property
    def spent(self) -> bool:
        """Whether nothing is left."""
        return self.used >= self.credits and not self.may_exceed


def user_json(workspace: Workspace) -> dict[str, Any]:
    """`GET /v1/user`. How many conversations there may be is in `subscription_extras`, as older SDKs knew it."""
    subscription = subscription_json(workspace)
    for more in ("open_invoices", "has_open_invoices", "next_invoice"):
        del subscription[more]
    return {
        "user_id": "user_twin",
        "workspace_id": "workspace_twin",
        "subscription": subscription,
        "subscription_extras": {
            "concurrency": workspace.concurrency,
            "convai_concurrency": workspace.convai_concurrency,
            "force_logging_disabled": False,
            "can_request_manual_pro_voice_verification": False,
            "can_bypass_voice_captcha": False,
        },
        "is_new_user": False,
        "can_use_delayed_payment_methods": False,
        "is_onboarding_completed": True,
        "is_onboarding_checklist_completed": True,
        "first_name": "Ada",
        "is_api_key_hashed": True,
        "xi_api_key": None,
        "created_at": 1_700_000_000,
        "seat_type": "workspace_admin",
    }


def subscription_json(workspace: Workspace) -> dict[str, Any]:
    """`GET /v1/user/subscription`: https://elevenlabs.io/docs/api-reference/user/subscription/get."""
    return {
        "tier": workspace.tier,
        "status": workspace.status,
        "character_count": workspace.used,
        "character_limit": workspace.credits,
        "max_character_limit_extension": None,
        "max_credit_limit_extension": "unlimited" if workspace.may_exceed else 0,
        "can_extend_character_limit": workspace.may_exceed,
        "allowed_to_extend_character_limit": workspace.may_exceed,
        "next_character_count_reset_unix": workspace.resets_at,
        "voice_slots_used": 1,
        "professional_voice_slots_used": 0,
        "professional_voice_slots_used_in_workspace": 0,
        "voice_limit": 30,
        "max_voice_add_edits": 95,
        "voice_add_edit_counter": 0,
        "professional_voice_limit": 1,
        "can_extend_voice_limit": False,
        "can_use_instant_voice_cloning": True,
        "can_use_professional_voice_cloning": True,
        "currency": "usd",
        "current_overage": {"amount": "0", "currency": "usd"},
        "billing_period": "monthly_period",
        "character_refresh_period": "monthly_period",
        "next_invoice": None,
        "open_invoices": [],
        "has_open_invoices": False,
    }


def number_json(number: ImportedNumber) -> dict[str, Any]:
    """One of `GET /v1/convai/phone-numbers`: https://elevenlabs.io/docs/api-reference/phone-numbers/list."""
    agent = None if number.agent_id is None else {"agent_id": number.agent_id, "agent_name": number.agent_name}
    shown: dict[str, Any] = {
        "phone_number": number.phone_number,
        "label": number.label,
        "supports_inbound": True,
        "supports_outbound": True,
        "phone_number_id": number.id,
        "assigned_agent": agent,
        "provider": number.provider,
    }
    if number.provider == "sip_trunk":
        shown |= {"provider_config": None, "outbound_trunk": None, "inbound_trunk": None, "livekit_stack": "standard"}
    return shown
