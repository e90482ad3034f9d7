"""The command line: what is kept and how, what is printed, and with which code it ends."""

import json
import stat

import pytest
from click.testing import CliRunner
from kiungo_client.cli import account
from kiungo_client.cli.main import main

PAGE = {"ok": True, "count": 1, "next_cursor": None, "data": [{"name": "Lab\x1b[2J", "id": "7"}]}
VARIABLES = (account.URL, account.TOKEN, account.TOKEN_FILE, account.CLIENT_ID, account.SECRET)


@pytest.fixture
def kiungo(hub, tmp_path, monkeypatch):
    """Runs a command; nobody is logged in."""
    monkeypatch.setenv("KIUNGO_CONFIG_DIR", str(tmp_path / "kept"))
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    hub.will("GET /api/proxy/channels/", (200, PAGE))
    return lambda *words, **more: CliRunner().invoke(main, words, **more)


@pytest.fixture
def logged_in(hub, kiungo):
    done = kiungo("login", hub.url, "--client-id", "ops", "--secret-file", "-", input="a secret\n")
    assert done.exit_code == 0, done.output
    return kiungo


def test_login_keeps_the_secret_for_this_user_only(logged_in):
    kept = account.path()
    assert json.loads(kept.read_text())["client_secret"] == "a secret"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    assert "a secret" not in logged_in("whoami", "--json").output
    logged_in("logout")
    assert not kept.exists()


def test_a_login_that_the_hub_rejects_is_not_kept(hub, kiungo):
    hub.will("GET /api/proxy/channels/", (401, {"detail": "Unknown client"}))
    words = ("login", hub.url, "--client-id", "x", "--secret-file", "-")
    assert kiungo(*words, input="y").exit_code == 5
    assert not account.path().exists()


def test_a_secret_is_not_taken_from_arguments(kiungo):
    assert kiungo("login", "http://x", "--client-id", "x", "--secret", "y").exit_code == 2


def test_who_has_not_logged_in_is_told_how(kiungo):
    done = kiungo("channels", "list")
    assert done.exit_code == 5
    assert "kiungo login" in done.output


def test_a_token_of_a_file_will_do(hub, kiungo, tmp_path, monkeypatch):
    file = tmp_path / "token"
    file.write_text("abc\n")
    monkeypatch.setenv(account.URL, hub.url)
    monkeypatch.setenv(account.TOKEN_FILE, str(file))
    assert kiungo("channels", "list").exit_code == 0
    assert hub.asked[-1]["headers"]["Authorization"] == "Bearer abc"


def test_a_table_moves_no_cursor_and_json_is_whole(logged_in):
    assert "\x1b" not in logged_in("channels", "list").output
    assert json.loads(logged_in("channels", "list", "--json").output) == PAGE["data"]


def test_errors_have_their_correlation_id_and_code(hub, logged_in):
    hub.will("GET /api/proxy/channels/", (409, {"detail": "No", "errors": {"name": ["Taken."]}}))
    done = logged_in("channels", "list")
    assert done.exit_code == 1
    assert "Error 409: No" in done.output
    assert 'name: ["Taken."]' in done.output
    assert "correlation id: c-1" in done.output
    hub.will("GET /api/proxy/channels/", None)
    assert logged_in("channels", "list").exit_code == 4
    assert logged_in("channels", "list", env={account.URL: "http://127.0.0.1:1"}).exit_code == 3


def test_reruns_want_ids_or_a_filter_and_wait_for_their_end(hub, logged_in):
    assert logged_in("rerun").exit_code == 2
    counts = dict.fromkeys(("total", "waiting", "in_hand", "done", "unknown", "left_out"), 0)
    task = {"id": "t", "status": "running", "finished_at": None, "failed": 0, **counts}
    hub.will("POST /api/proxy/tasks/", (201, {"data": task}))
    hub.will("GET /api/proxy/tasks/t/", (200, {"data": {**task, "finished_at": "x", "failed": 1}}))
    assert logged_in("rerun", "--status", "failed", "--wait").exit_code == 1
    sent = next(one for one in hub.asked if one["method"] == "POST" and "tasks" in one["path"])
    assert json.loads(sent["body"]) == {"include_repeated": False, "filter": {"status": "failed"}}


def test_the_tail_shows_each_call_once_when_it_has_ended(hub, logged_in):
    def call(number, is_over):
        return {"correlation_id": str(number), "completed_at": "now" if is_over else None}

    pages = ([call(1, True)], [call(2, False), call(1, True)], [call(2, True), call(1, True)])
    hub.will("GET /api/proxy/transactions/", *((200, {"data": page}) for page in pages))
    done = logged_in("calls", "tail", "--json", "--count", "1")
    assert [json.loads(line)["correlation_id"] for line in done.output.splitlines()] == ["2"]


def test_channels_are_exported_with_their_mediators_and_applied(hub, logged_in, tmp_path):
    whole = {"kiungo_metadata": 1, "mediators": [], "channels": [{"name": "Lab"}], "staff": [{}]}
    hub.will("GET /api/proxy/metadata/", (200, whole))
    file = tmp_path / "channels.json"
    assert logged_in("channels", "export", "--out", str(file)).exit_code == 0
    del whole["staff"]
    assert json.loads(file.read_text()) == whole
    finding = {"kind": "channel", "name": "Lab", "outcome": "new", "changes": []}
    hub.will("POST /api/proxy/metadata/", (200, {"data": [finding], "applied": False}))
    done = logged_in("channels", "apply", str(file), "--dry-run")
    assert "new" in done.output
    assert hub.asked[-1]["query"] == "dry_run=true"


def test_open_alerts_are_listed_completed_and_acknowledged(hub, logged_in):
    alert = {"id": "a-1", "rule_name": "Laboratory is silent", "subject": "Lab", "detail": "x"}
    hub.will("GET /api/proxy/alerts/", (200, {"data": [alert], "next_cursor": None}))
    listed = logged_in("alerts", "list", "--state", "open", "--json")
    assert json.loads(listed.output) == [alert]
    assert "state=open" in hub.asked[-1]["query"]
    typed = {"_KIUNGO_COMPLETE": "bash_complete", "COMP_CWORD": "3"}
    words = {**typed, "COMP_WORDS": "kiungo alerts acknowledge a"}
    assert "a-1" in logged_in(prog_name="kiungo", env=words).output
    hub.will("POST /api/proxy/alerts/a-1/acknowledge/", (200, {"data": alert}))
    assert "Laboratory is silent" in logged_in("alerts", "acknowledge", "a-1").output
    assert hub.asked[-1]["path"] == "/api/proxy/alerts/a-1/acknowledge/"
    hub.will("POST /api/proxy/alerts/a-1/acknowledge/", (404, {"detail": "There is none"}))
    assert logged_in("alerts", "acknowledge", "a-1").exit_code == 1
    assert logged_in("alerts", "acknowledge").exit_code == 2


def test_completion_is_printed_for_each_shell(kiungo):
    for shell in ("bash", "zsh", "fish"):
        assert "_KIUNGO_COMPLETE" in kiungo("completion", shell).output
