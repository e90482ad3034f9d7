"""A provider on loopback, and the ways to it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from notification.models import ChannelCode
from notification.transports import Message
from notification.transports.build import DIALECTS
from notification.transports.sms.http_provider import HttpProvider
from notification.transports.sms.settings import SmsSettings
from raw_mediator import RawMediator, Received, answer

NUMBER = "+255712345678"
TEXT = "Habari, umefika"


@dataclass
class Gateway:
    """What a provider's documents call the API: it answers as told."""

    server: RawMediator

    @property
    def url(self) -> str:
        return f"{self.server.url}/send"

    @property
    def calls(self) -> list[Received]:
        return list(self.server.received)

    def says(self, status: int, body: Any = b"", *headers: str) -> None:
        """From now on; `body` is JSON unless it is bytes."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.server.default = answer(content, f"{status} Said", *headers)


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    server = RawMediator()
    yield Gateway(server)
    server.close()


@pytest.fixture
def new_provider() -> Iterator[Callable[..., HttpProvider]]:
    """Provider `name` with these settings."""
    built = []

    def build(name: str, **given: Any) -> HttpProvider:
        settings = SmsSettings(name=name, **{"timeout_s": 5.0, **given})
        built.append(HttpProvider(DIALECTS[name](settings)))
        return built[-1]

    yield build
    for one in built:
        one.close()


@pytest.fixture
def message() -> Callable[..., Message]:
    """A message to one number."""

    def build(**changes: Any) -> Message:
        given = {"reference": "key-1", "to": (NUMBER,), "subject": "", "body": TEXT, **changes}
        return Message(channel=ChannelCode.SMS, **given)

    return build
