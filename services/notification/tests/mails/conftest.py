"""A real mail server, and an installation whose e-mails go there."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from flask import Flask
from notification.config import Settings
from notification.container import Container
from notification.models import ChannelCode
from notification.outbox.engine import Outbox
from notification.transports.smtp import SmtpTransport
from ports import unused_ports

SECRET = "a secret that nobody can guess at all"


@dataclass
class MailServer:
    """Takes everything; `taken` are the envelopes in their order."""

    port: int
    taken: list[Any] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        with self._lock:
            self.taken.append(envelope)
        return "250 OK"


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    handler = MailServer(unused_ports(1)[0])
    controller = Controller(
        handler, hostname="127.0.0.1", port=handler.port, data_size_limit=50_000_000
    )
    controller.start()
    yield handler
    controller.stop(no_assert=True)


@pytest.fixture
def office(client: Any) -> Any:
    """Writes rules and templates, emits events, reads what came of them."""
    return client


@dataclass
class House:
    """An installation with mail settings; `send` does what its worker does."""

    container: Container

    def send(self, limit: int = 500) -> list[Any]:
        return self.container.outbox.process([ChannelCode.EMAIL], limit)


@pytest.fixture
def house(
    app: Flask, container: Container, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., House]:
    """An installation with these settings beside those of its mail server and bounces."""

    def build(**changes: Any) -> House:
        given: dict[str, Any] = {
            "smtp_host": "127.0.0.1",
            "smtp_port": mail_server.port,
            "smtp_use_tls": False,
            "from_email": "Wizara ya Afya <taarifa@example.org>",
            "bounce_domain": "bounce.example.org",
            "bounce_secret": SECRET,
        }
        settings: Settings = replace(container.settings, **{**given, **changes})
        transports = {ChannelCode.EMAIL: SmtpTransport.of(settings)}
        outbox = Outbox(container.database, transports, settings.lease_s)
        built = replace(container, settings=settings, transports=transports, outbox=outbox)
        monkeypatch.setitem(app.extensions, "notification", built)
        return House(built)

    return build
