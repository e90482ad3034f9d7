"""`make faults`: what is not well is red on the dashboard within 15 s, and told once within 60 s.

The disk is a small tmpfs, which only root can mount; the broker of the embedded shape is its file,
which is moved away, and in the production shape it stands behind a link that is closed.
"""

import email
import os
import subprocess
import time
from contextlib import ExitStack, contextmanager
from email.policy import default as modern
from pathlib import Path

import pytest
from certificates import write_certificate
from console import signed_in
from hub import unique
from processes import frozen
from raw_mediator import answer
from systems import RABBITMQ
from tcp_link import tcp_link

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

RED_S, SENT_S = 15.0, 60.0
SERVICES = ["proxy", "notification", "policy-notify", "demo-mail", "demo-mediator"]
BAD, GOOD = answer(b"no", "500 Oh"), answer(b"yes")


@contextmanager
def small_disk(path: Path):
    path.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "kiungo", path]).returncode:
        pytest.skip("a file system can be mounted only by root")
    try:
        yield path
    finally:
        subprocess.run(["umount", path], check=True)


@contextmanager
def full(path: Path):
    filler = path / "filler"
    filler.write_bytes(bytes(1000 * 1024))
    yield
    filler.unlink()


@contextmanager
def moved(path: Path):
    """The file is away, and nobody can make a new one."""
    away = path.with_name("away")
    path.rename(away)
    path.mkdir()
    yield
    path.rmdir()
    away.rename(path)


@contextmanager
def replaced(path: Path, days: int):
    """A certificate that ends soon."""
    write_certificate(path, days=days)
    yield
    write_certificate(path, days=300)


class Watched:
    """A system with rules, and what was told."""

    def __init__(self, hub, page, eventually) -> None:
        self.hub, self.page, self.eventually = hub, page, eventually
        self.group = self._made(
            "contact-groups",
            name="on call",
            contacts=[
                {"kind": "sms", "address": "+255712345678"},
                {"kind": "email", "address": "on-call@example.org"},
            ],
        )

    def _made(self, noun: str, **given):
        return self.hub.api("POST", f"{noun}/", 201, json=given)

    def rule(self, measure: str, **given) -> str:
        name = f"{measure} {unique('rule')}"
        record = {"name": name, "measure": measure, "group_id": self.group["id"], **given}
        self._made("alert-rules", **record)
        return name

    def messages(self, name: str, beginning: str) -> tuple[int, int]:
        """How many SMS and e-mails said so of a rule."""
        said = f"{beginning} {name}"
        sms = [one.read_text() for one in (self.var / "sms").glob("*") if one.is_file()]
        mails = [
            email.message_from_bytes(one.read_bytes(), policy=modern)
            for one in (self.var / "mail" / "new").glob("*")
        ]
        return sum(said in one for one in sms), sum(said in one["Subject"] for one in mails)

    @property
    def var(self) -> Path:
        return self.hub.stack.installation.var_dir

    def dashboard(self) -> str:
        began = time.monotonic()
        page = self.page.get(f"{self.hub.url}/admin/", timeout=10)
        assert page.status_code == 200
        assert time.monotonic() - began < 2.0
        return page.text

    def proves(self, name: str, shown: str, fault) -> None:
        """Red, told, well again, told; each once."""
        with fault:
            began = time.monotonic()
            self.eventually(lambda: shown in self.dashboard(), RED_S)
            assert "Not healthy" in self.dashboard()
            red_s = time.monotonic() - began
            self.eventually(lambda: self.messages(name, "ALERT") == (1, 1), SENT_S)
            sent_s = time.monotonic() - began
        self.eventually(lambda: shown not in self.dashboard(), SENT_S)
        self.eventually(lambda: self.messages(name, "WELL AGAIN") == (1, 1), SENT_S)
        print(f"{shown}: red after {red_s:.1f} s, sent after {sent_s:.1f} s")


@contextmanager
def broken_mediator(hub, mediator, path: str):
    mediator.on(path, BAD)
    for _ in range(5):
        assert hub.call("GET", path).status_code == 500
    yield
    mediator.on(path, GOOD)
    for _ in range(10):
        hub.call("GET", path)


@pytest.mark.parametrize("shape", ["embedded", "production"])
def test_what_is_not_well_is_shown_and_said_once(own_hub, mediator, eventually, shape, tmp_path):
    with ExitStack() as opened:
        disk = opened.enter_context(small_disk(tmp_path / "disk"))
        certificate = write_certificate(tmp_path / "edge.pem", days=300)
        settings = {"WATCHED_PATHS": str(disk), "WATCHED_CERTIFICATES": str(certificate)}
        link = None
        if shape == "production":
            link = opened.enter_context(tcp_link(RABBITMQ))
            settings["RABBITMQ_URL"] = link.url
        hub = own_hub(shape, services=SERVICES, more=MORE_WORKERS, **settings)
        channel = hub.new_channel("/alerts/*", hub.new_mediator(mediator.url)["id"])
        page = opened.enter_context(signed_in(hub, "viewer"))
        watched = Watched(hub, page, eventually)
        eventually(lambda: hub.call("GET", "/alerts/x").status_code == 200)
        broker = hub.stack.installation.var_dir / "broker.sqlite3"
        rules = {
            "failing": watched.rule(
                "failure_share",
                about="channel",
                subject=channel["name"],
                threshold=40,
                window_s=60,
                least_calls=3,
            ),
            "still": watched.rule("process", subject="policy-notify"),
            "full": watched.rule("disk", threshold=90),
            "broker": watched.rule("broker"),
            "soon": watched.rule("certificate", threshold=14),
        }
        faults = {
            "failing": ("calls failed", broken_mediator(hub, mediator, "/alerts/x")),
            "still": ("process policy-notify", frozen(hub.stack.pids()["policy-notify"])),
            "full": (f"disk {disk}", full(disk)),
            "broker": ("broker</a>", link.closed() if link else moved(broker)),
            "soon": (f"certificate {certificate}", replaced(certificate, 5)),
        }
        for kind, name in rules.items():
            watched.proves(name, *faults[kind])
        for name in rules.values():
            assert watched.messages(name, "ALERT") == watched.messages(name, "WELL AGAIN") == (1, 1)


#: Two workers raise an alert once.
MORE_WORKERS = {
    "proxy-worker-2": f"env WORKER_HEARTBEAT_FILE={os.devnull} flask --app proxy worker"
}
