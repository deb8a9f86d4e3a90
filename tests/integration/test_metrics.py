"""`GET /metrics`: who is let in, and what they get."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from ringbridge.facts import CallRefused
from ringbridge.telemetry.prometheus import PrometheusMetrics
from ringbridge.web.metrics import METRICS, MetricsDesk

TOKEN = "a-token-for-metrics"
LOCAL = {"Host": "127.0.0.1:3001"}


@pytest.fixture
async def open_desk():
    clients = []

    async def opened(token=None):
        metrics = PrometheusMetrics(lambda: 0.0)
        metrics("CA1", CallRefused("blocked"))
        app = web.Application()
        app.router.add_get(METRICS, MetricsDesk(metrics.page, token, "bridge.test:8443").handle)
        clients.append(TestClient(TestServer(app)))
        await clients[-1].start_server()
        return clients[-1]

    yield opened
    for client in clients:
        await client.close()


async def test_who_comes_straight_gets_the_numbers(open_desk):
    client = await open_desk()
    async with client.get(METRICS, headers=LOCAL) as response:
        assert response.status == 200
        assert response.headers["Content-Type"].startswith("text/plain; version=")
        assert 'ringbridge_calls_refused_total{why="blocked"} 1.0' in await response.text()


async def test_open_metrics_where_it_is_preferred(open_desk):
    client = await open_desk()
    headers = {**LOCAL, "Accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"}
    async with client.get(METRICS, headers=headers) as response:
        assert response.headers["Content-Type"].startswith("application/openmetrics-text")
        assert (await response.text()).endswith("# EOF\n")


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "198.51.100.7"},
        {"x-forwarded-proto": "https"},
        {"X-Forwarded-Host": "bridge.test"},
        {"X-Forwarded-Server": "proxy"},
        {"Forwarded": "for=198.51.100.7"},
        {"Via": "1.1 proxy"},
        {"X-Real-IP": "198.51.100.7"},
        {"X-Forwarded-For": ""},
        {"Host": "bridge.test"},
        {"Host": "bridge.test:8443"},
        {"Host": "BRIDGE.test."},
        {"Host": ""},
    ],
)
async def test_the_world_finds_nothing_where_there_is_no_token(open_desk, headers):
    client = await open_desk()
    async with client.get(METRICS, headers={**LOCAL, **headers}) as response:
        assert response.status == 404
        assert await response.read() == b""


async def test_with_a_token_it_is_asked_of_everybody(open_desk):
    client = await open_desk(TOKEN)
    for headers in (LOCAL, {"Host": "bridge.test", "X-Forwarded-For": "198.51.100.7"}):
        authorization = {"Authorization": f"Bearer {TOKEN}"}
        async with client.get(METRICS, headers={**headers, **authorization}) as response:
            assert response.status == 200


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer \xff"],
)
async def test_a_wrong_token_is_refused(open_desk, authorization):
    client = await open_desk(TOKEN)
    headers = LOCAL if authorization is None else {**LOCAL, "Authorization": authorization}
    async with client.get(METRICS, headers=headers) as response:
        assert response.status == 401
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert await response.read() == b""
