"""Settings: read once, frozen, and at fault by the variable's name, never by its value."""

import dataclasses
import logging
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from common.settings import (
    Environment,
    SettingError,
    comma_list,
    flag,
    networks,
    one_of,
    positive,
    process_environment,
    setting,
)

SECRET = "hunter2-s3cret"


@dataclass(frozen=True, kw_only=True)
class Settings(Environment):
    """One field of each kind."""

    address: str = setting("ADDRESS")
    limit: int = setting("LIMIT", positive(int), default=5)
    wait_s: float = setting("WAIT", positive(float), default=1.5)
    mode: str = setting("MODE", one_of("strict", "merged"), default="strict")
    is_on: bool = setting("IS_ON", flag, default=False)
    peers: tuple[object, ...] = setting("PEERS", networks, default=())
    names: tuple[str, ...] = setting("NAMES", comma_list, default=())
    key: str = setting("KEY", default="", secret=True)


def read(**environ: str) -> Settings:
    return Settings.read({"ADDRESS": "here", **environ})


def test_variable_without_default_must_be_set() -> None:
    with pytest.raises(SettingError, match=r"^ADDRESS is not set"):
        Settings.read({})


def test_blank_variable_counts_as_not_set() -> None:
    assert read(LIMIT="  ").limit == 5


@pytest.mark.parametrize(
    ("variable", "text", "field", "value"),
    [
        ("LIMIT", " 7 ", "limit", 7),
        ("WAIT", "0.25", "wait_s", 0.25),
        ("MODE", "merged", "mode", "merged"),
        ("IS_ON", "Yes", "is_on", True),
        ("IS_ON", "0", "is_on", False),
        ("NAMES", " a, ,b ,", "names", ("a", "b")),
        ("LOG_LEVEL", "debug", "log_level", "DEBUG"),
        ("POSTGRES_PORT", "6543", "postgres_port", 6543),
    ],
)
def test_variable_becomes_a_value(variable: str, text: str, field: str, value: object) -> None:
    assert getattr(read(**{variable: text}), field) == value


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("LIMIT", SECRET),
        ("LIMIT", "0"),
        ("LIMIT", "1.5"),
        ("WAIT", "-1"),
        ("WAIT", "nan"),
        ("WAIT", "inf"),
        ("MODE", SECRET),
        ("IS_ON", SECRET),
        ("PEERS", SECRET),
        ("PEERS", f"10.0.0.0/8,{SECRET}"),
        ("PEERS", f"{SECRET}/33, ::1"),
        ("DB_ENGINE", SECRET),
        ("LOG_LEVEL", SECRET),
        ("POSTGRES_PORT", SECRET),
    ],
)
def test_bad_value_is_refused_by_its_name_without_being_quoted(variable: str, text: str) -> None:
    with pytest.raises(SettingError, match=rf"^{variable} cannot be read: ") as caught:
        read(**{variable: text})
    assert SECRET not in str(caught.value)


def test_process_that_stops_at_a_misplaced_secret_does_not_print_it() -> None:
    code = "import os; from common.settings import Environment; Environment.read(os.environ)"
    library = Path(__file__).parents[1]

    ended = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(library), "POSTGRES_PORT": SECRET},
        capture_output=True,
        text=True,
    )

    assert "POSTGRES_PORT" in ended.stderr
    assert SECRET not in ended.stderr


def test_repr_shows_no_secret() -> None:
    shown = repr(read(KEY=SECRET, POSTGRES_PASSWORD=SECRET, DATABASE_URL=SECRET))
    assert "address='here'" in shown
    assert SECRET not in shown


def test_settings_do_not_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        read().limit = 6  # type: ignore[misc]


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (networks, "10.1.2.3/8, ::1", ["10.0.0.0/8", "::1/128"]),
        (networks, "::ffff:10.0.0.1, ::ffff:0a00:0/104", ["10.0.0.1/32", "10.0.0.0/8"]),
        (networks, "", []),
    ],
)
def test_networks_may_have_host_bits(
    parse: Callable[[str], tuple[object, ...]], text: str, value: list[str]
) -> None:
    assert [str(network) for network in parse(text)] == value


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    path = tmp_path / ".env.local"
    path.write_text(
        "# a comment=1\n\nADDRESS = 'from the file'\nKEY=a=b\nKIUNGO_BOTH=file\nnonsense\n"
    )
    return path


def test_file_is_read_line_by_line(env_file: Path) -> None:
    found = process_environment(env_file)
    assert (found["ADDRESS"], found["KEY"]) == ("from the file", "a=b")
    assert not [name for name in found if name.startswith(("#", "nonsense"))]


def test_environment_goes_before_the_file(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIUNGO_BOTH", "environment")
    assert process_environment(env_file)["KIUNGO_BOTH"] == "environment"


def test_secrets_may_be_files_named_as_their_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "PASSWORD").write_text(f"{SECRET}\n")
    (tmp_path / "BOTH").write_text("file")
    (tmp_path / "..data").mkdir()
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("BOTH", "environment")
    found = process_environment(tmp_path / "none")
    assert (found["PASSWORD"], found["BOTH"]) == (SECRET, "environment")


def test_missing_file_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADDRESS", "here")
    assert process_environment(tmp_path / "none")["ADDRESS"] == "here"


FORMER = [
    ("DJANGO_SUPERUSER_USERNAME", "ADMIN_USERNAME"),
    ("DJANGO_SUPERUSER_EMAIL", "ADMIN_EMAIL"),
    ("DJANGO_SUPERUSER_PASSWORD", "ADMIN_PASSWORD"),
    ("DJANGO_CSRF_TRUSTED_ORIGINS", "TRUSTED_ORIGINS"),
]


@pytest.mark.parametrize(("former", "name"), FORMER)
def test_former_name_is_read_with_a_warning_that_names_the_new_one(
    former: str,
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)  # an app of another test may have set another
    monkeypatch.setenv(former, SECRET)
    monkeypatch.delenv(name, raising=False)

    assert process_environment(tmp_path / "none")[name] == SECRET

    warning = caplog.messages[-1]
    assert former in warning
    assert name in warning
    assert SECRET not in warning


@pytest.mark.parametrize(("new", "wins"), [("new", "new"), ("", "former")])
def test_former_name_counts_only_where_the_new_one_is_not_set(
    new: str, wins: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "former")
    monkeypatch.setenv("ADMIN_PASSWORD", new)
    assert process_environment(tmp_path / "none")["ADMIN_PASSWORD"] == wins


def test_lines_of_the_settings_file_are_read_as_a_shell_reads_them(tmp_path: Path) -> None:
    file = tmp_path / ".env.local"
    file.write_bytes(
        b'# a comment\nexport PLAIN=here # and why\nQUOTED="a # b"\nURL=amqp://h//#x\n'
        b"EMPTY=\nLATIN=caf\xe9\n"
    )
    found = process_environment(file)
    assert (found["PLAIN"], found["QUOTED"]) == ("here", "a # b")
    assert (found["URL"], found["EMPTY"]) == ("amqp://h//#x", "")
    assert found["LATIN"].startswith("caf")


def test_a_wrong_setting_ends_a_command_in_one_line() -> None:
    code = (
        "import os, click; from common.settings import Environment\n"
        "click.command()(lambda: Environment.read(os.environ))()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(Path(__file__).parents[1]), "POSTGRES_PORT": "x"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr == (
        "Error: POSTGRES_PORT cannot be read: invalid literal for int() with base 10: the value\n"
    )
