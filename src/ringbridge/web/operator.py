"""What an operator asks of either service: whether it lives, whether it takes calls, its numbers."""

from aiohttp import web

from ringbridge.config import Settings
from ringbridge.telemetry.base import Metrics
from ringbridge.web.health import HEALTH, Calls, HealthDesk
from ringbridge.web.metrics import METRICS, MetricsDesk

__all__ = ["operator_routes"]


def operator_routes(settings: Settings, metrics: Metrics, calls: Calls) -> list[web.RouteDef]:
    """Their routes; `calls` are those in progress."""
    health = HealthDesk(calls)
    token = settings.metrics_token
    desk = MetricsDesk(metrics.page, token.get_secret_value() if token else None, public_host=settings.public_url.host)
    return [
        web.get(HEALTH, health.healthz),
        web.get("/readyz", health.readyz),
        web.get(METRICS, desk.handle),
    ]
