"""The Django mediator's `.env.local` as it is: each setting is used, or a line says why not."""

import os
from pathlib import Path

import pytest
from common.settings import SettingError
from flask_commands import main
from former_settings import remarks
from installation import Installation
from ports import free_ports
from procfile import Program

#: Its documented settings, with what an institution has changed in them.
SETTINGS = {
    "DJANGO_DEBUG": "true",
    "DJANGO_ALLOWED_HOSTS": "localhost,127.0.0.1,openhim.local",
    "DJANGO_CSRF_TRUSTED_ORIGINS": "http://localhost:8000,http://openhim.local:8080",
    "DJANGO_SUPERUSER_USERNAME": "admin",
    "DJANGO_SUPERUSER_EMAIL": "admin@ttpb.local",
    "DJANGO_SUPERUSER_PASSWORD": "a secret of the admin",
    "DJANGO_LOG": "x",
    "POSTGRES_CONN_MAX_AGE": "60",
    "RABBITMQ_DEFAULT_USER": "guest",
    "RABBITMQ_DEFAULT_PASS": "guest's secret",
    "RABBITMQ_PORT": "5673",
    "RABBITMQ_MANAGEMENT_PORT": "15673",
    "GOVESB_ENGINE_URL": "",
    "ESB_CLIENT_ID": "",
    "CLIENT_PRIVATE_KEY": "esb_utils/signatures/privateKey.pem",
    "CLIENT_PUBLIC_KEY": "esb_utils/signatures/publicKey.pem",
    "GOV_ESB_PUBLIC_KEY": "esb_utils/signatures/publicKey.pem",
    "MEDIATOR_MODE": "hybrid",
}
USED_AS_THEY_ARE = {"GOVESB_ENGINE_URL", "ESB_CLIENT_ID", "MEDIATOR_MODE"}
KEYS = {"CLIENT_PRIVATE_KEY", "CLIENT_PUBLIC_KEY", "GOV_ESB_PUBLIC_KEY"}


def test_each_setting_of_the_mediator_has_a_line(tmp_path: Path) -> None:
    lines = remarks(SETTINGS, tmp_path)
    assert {line.partition(":")[0] for line in lines} == set(SETTINGS) - USED_AS_THEY_ARE
    assert len(lines) == len(SETTINGS) - len(USED_AS_THEY_ARE)
    assert all(" used " in line or "needed because" in line for line in lines), lines
    assert "secret" not in " ".join(lines)
    assert "DJANGO_SUPERUSER_PASSWORD: used as ADMIN_PASSWORD, its new name" in lines


def test_a_key_that_is_not_there_is_named_once_and_found_beside_the_settings(
    tmp_path: Path,
) -> None:
    environ = {"CLIENT_PRIVATE_KEY": "keys/own.pem", "GOVESB_ENGINE_URL": "https://bus"}
    assert remarks(environ, tmp_path) == [
        "CLIENT_PRIVATE_KEY: keys/own.pem is not there:"
        " calls that need this key are refused until it is"
    ]
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "own.pem").touch()
    assert remarks(environ, tmp_path) == []
    assert remarks({**environ, "CLIENT_PRIVATE_KEY": "MHQCAQEEIG/abc+=="}, tmp_path) == []


def test_the_simulated_bus_keeps_its_keys_where_files_are_not_there(tmp_path: Path) -> None:
    simulator = [Program("demo-govesb", "sleep 1")]
    ports = {name: int(port) for name, port in free_ports().items()}
    installed = Installation(tmp_path, SETTINGS, programs=simulator, ports=ports, cwd=tmp_path)
    environ = installed.environ
    assert environ["CLIENT_PRIVATE_KEY"] == str(tmp_path / "keys" / "esb" / "client.pem")
    assert environ["GOV_ESB_PUBLIC_KEY"].startswith(str(tmp_path))
    assert environ["ESB_CLIENT_ID"] == "kiungo-demo"
    assert environ["CLIENT_PUBLIC_KEY"] == environ["DJANGO_SUPERUSER_PASSWORD"] == ""


@pytest.mark.parametrize("app", ["proxy", "notification", "esb_relay", "policy_notify"])
def test_a_wrong_setting_is_one_line_of_the_preparation(
    app: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(os.environ, "POSTGRES_PORT", "x")
    with pytest.raises(SystemExit) as ended:
        main([[app, "db", "upgrade"]])
    assert "POSTGRES_PORT cannot be read" in str(ended.value)
    assert "\n" not in str(ended.value)
    assert issubclass(SettingError, Exception)
