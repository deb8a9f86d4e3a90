"""The ElevenLabs key: whether it is one, what it may do, what is left to it."""

from http import HTTPStatus
from typing import Final

from ringbridge.apis.elevenlabs_workspace import ElevenLabsWorkspace, Plan, open_elevenlabs_workspace
from ringbridge.doctor.verdict import Verdict, failure, of_error, ok, warning
from ringbridge.errors import VendorError

__all__ = ["check_elevenlabs"]

KEY: Final = "ElevenLabs key"
PERMISSIONS: Final = "ElevenLabs permissions"
QUOTA: Final = "ElevenLabs quota"
CONCURRENCY: Final = "ElevenLabs concurrency"

LOW: Final = 0.1
"""The part of the credits below which a warning is due."""

_PAYS: Final = frozenset({"active", "trialing", "free"})
_REFUSED: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


async def check_elevenlabs(*, api_key: str, base_url: str, max_calls: int) -> list[Verdict]:
    """Ask the vendor. Raises `VendorError` when nobody answers."""
    async with open_elevenlabs_workspace(api_key=api_key, base_url=base_url) as workspace:
        try:
            plan = await workspace.plan()
        except VendorError as error:
            if error.status not in _REFUSED:
                raise
            return await _without_plan(workspace, error)
        return [ok(KEY, f"accepted, plan {plan.tier}"), *await _permissions(workspace), *_plan(plan, max_calls)]


async def _without_plan(workspace: ElevenLabsWorkspace, error: VendorError) -> list[Verdict]:
    """A key that may not ask for its user may still do for calls; one that is wrong does for nothing."""
    if "user_read" not in str(error):
        return [of_error(KEY, error)]
    unseen = "the key may not tell: it lacks the permission user_read"
    return [
        ok(KEY, "accepted"),
        *await _permissions(workspace),
        warning(QUOTA, unseen, "give the key that permission, or look at the plan in ElevenLabs' dashboard"),
    ]


async def _permissions(workspace: ElevenLabsWorkspace) -> list[Verdict]:
    if await workspace.may_change_engines():
        return [ok(PERMISSIONS, "the key may change speech engines")]
    return [
        warning(
            PERMISSIONS,
            "the key may not change speech engines: calls can do without, `up` and `setup` can't",
            "give the API key the permission convai_write, in ElevenLabs under Developers, API keys",
        )
    ]


def _plan(plan: Plan, max_calls: int) -> list[Verdict]:
    return [_quota(plan), _concurrency(plan, max_calls)]


def _quota(plan: Plan) -> Verdict:
    left = plan.credits - plan.used
    found = f"{max(left, 0)} of {plan.credits} credits are left"
    if plan.status not in _PAYS:
        return warning(QUOTA, f"the subscription is {plan.status}; {found}", "see to the invoices in the dashboard")
    if left <= 0 and not plan.may_exceed:
        return failure(QUOTA, found, "buy credits, or allow usage-based billing")
    if left < plan.credits * LOW and not plan.may_exceed:
        return warning(QUOTA, found, "buy credits, or allow usage-based billing, before they are gone")
    return ok(QUOTA, found)


def _concurrency(plan: Plan, max_calls: int) -> Verdict:
    if plan.conversations is None:
        return ok(CONCURRENCY, "the vendor does not tell how many conversations there may be at once")
    found = f"{plan.conversations} conversations at once"
    if plan.conversations < max_calls:
        more = f"{found}, and MAX_CALLS is {max_calls}: those beyond hear that nobody is there"
        return warning(CONCURRENCY, more, f"set MAX_CALLS={plan.conversations}, or take a larger plan")
    return ok(CONCURRENCY, found)
