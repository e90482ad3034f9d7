"""Processes that tests fork are what their commands say, and leave nothing behind."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from forked_process import ForkedProcess, ForkServer
from waiting import eventually

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="only Linux has it")

ENVIRON = {"PATH": os.environ["PATH"], "PLACE": "here"}


@pytest.fixture(scope="module")
def forks() -> Iterator[ForkServer]:
    with ForkServer(modules=["json"]) as started:
        yield started


def script(folder: Path, text: str) -> str:
    (folder / "script.py").write_text(text)
    return f"python {folder / 'script.py'}"


def said(process: ForkedProcess) -> str:
    with process.stdout as lines:
        return lines.read().decode()


def test_a_process_has_its_environment_place_words_and_modules(forks, tmp_path):
    command = script(
        tmp_path,
        "import os, sys, threading\n"
        "print(sorted(os.environ), os.getcwd(), sys.argv[1:], os.getsid(0) == os.getpid())\n"
        "print('json' in sys.modules, threading.active_count(), __name__, sys.stdin.read() == '')\n"
        "print('to standard error', file=sys.stderr)\n",
    )
    process = forks.start(f"env MORE='a b' {command} $PLACE '(x)'", ENVIRON, tmp_path)
    names = "['MORE', 'PATH', 'PLACE']"
    # Which of the two outputs comes first is a matter of buffers.
    assert set(said(process).splitlines()) == {
        f"{names} {tmp_path} ['here', '(x)'] True",
        "True 1 __main__ True",
        "to standard error",
    }
    assert process.wait() == 0


@pytest.mark.parametrize(
    ("text", "code"),
    [("import sys\nsys.exit(3)", 3), ("raise SystemExit", 0), ("1 / 0", 1)],
)
def test_the_exit_code_is_reported(forks, tmp_path, text, code):
    process = forks.start(script(tmp_path, text), ENVIRON, tmp_path)
    said(process)
    assert process.wait() == code


def test_what_is_registered_for_the_end_is_done(forks, tmp_path):
    text = "import atexit\natexit.register(print, 'the end')"
    done = forks.run(script(tmp_path, text).split(), ENVIRON, tmp_path)
    assert (done.returncode, done.stdout) == (0, "the end\n")


def test_other_programs_take_the_place_of_the_process(forks, tmp_path):
    process = forks.start("sleep 60", ENVIRON, tmp_path)
    eventually(lambda: psutil.Process(process.pid).name() == "sleep")
    process.send_signal(signal.SIGKILL)
    assert process.wait() == process.poll() == -signal.SIGKILL
    process.terminate()  # nothing, any more
    process.stdout.close()


def test_another_path_of_modules_is_not_the_one_that_was_loaded(forks, tmp_path):
    command = script(tmp_path, "import sys\nprint('json' in sys.modules)")
    process = forks.start(f"env PYTHONPATH={tmp_path} {command}", ENVIRON, tmp_path)
    assert said(process) == "False\n"
    assert process.wait() == 0


def test_all_end_with_who_started_them(tmp_path):
    with ForkServer(modules=[]) as server:
        process = server.start("sleep 60", ENVIRON, tmp_path)
        assert psutil.pid_exists(process.pid)
    assert process.wait() == -signal.SIGTERM
    eventually(lambda: not psutil.pid_exists(process.pid))
    process.stdout.close()


def test_nothing_is_loaded_before_that_reads_the_environment_or_begins_a_thread(tmp_path):
    text = (
        "import sys, threading\n"
        "print([name for name in ('gunicorn', 'prometheus_client') if name in sys.modules])\n"
        "print('sqlalchemy.orm' in sys.modules, threading.active_count())\n"
    )
    with ForkServer() as server:
        done = server.run(script(tmp_path, text).split(), ENVIRON, tmp_path)
    assert done.stdout == "[]\nTrue 1\n"
