"""Accounts that ask at OpenHIM's addresses."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from common.clock import utc_now
from flask import Flask
from flask.testing import FlaskClient
from openhim_documents import a_mediator
from werkzeug.test import TestResponse

ACCOUNT = "root@openhim.org"
URN = a_mediator()["urn"]


def sha512(text: str) -> str:
    return hashlib.sha512(text.encode()).hexdigest()


@dataclass
class Account:
    """OpenHIM's addresses, asked with the secret of an account."""

    client: FlaskClient
    name: str
    secret: str

    def ask(self, method: str, path: str, json: Any = None, **options: Any) -> TestResponse:
        if "headers" not in options:
            options["auth"] = (self.name, self.secret)
        return self.client.open(f"/api/openhim/{path}", method=method, json=json, **options)

    def salt(self) -> str:
        answer = self.client.get(f"/api/openhim/authenticate/{self.name}")
        found: str = answer.get_json()["salt"]
        return found

    def log_in(self, **changes: str) -> dict[str, str]:
        """The headers of a log-in by token."""
        salt, moment = self.salt(), utc_now().isoformat()
        given = {"salt": salt, "moment": moment, "secret": self.secret, **changes}
        digest = sha512(salt + given["secret"])
        return {
            "auth-username": self.name,
            "auth-ts": given["moment"],
            "auth-salt": given["salt"],
            "auth-token": sha512(digest + given["salt"] + given["moment"]),
        }

    def beat(self, **given: Any) -> TestResponse:
        return self.ask("POST", f"mediators/{URN}/heartbeat", {"uptime": 3.5, **given})


MakeAccount = Callable[..., Account]


@pytest.fixture
def make_account(app: Flask, api: Any) -> MakeAccount:
    """Makes an account with these scopes."""

    def make(name: str, *scopes: str, **more: Any) -> Account:
        made = api.made("clients", **api.a_client(client_id=name, scopes=scopes, **more))
        return Account(app.test_client(), name, made["client_secret"])

    return make


@pytest.fixture
def machine(make_account: MakeAccount) -> Account:
    """A machine account."""
    return make_account(ACCOUNT, "mediator:register")


@pytest.fixture
def installer(make_account: MakeAccount) -> Account:
    """An account that may all."""
    return make_account("installer", "proxy:read", "proxy:admin")
