"""The console's pages over a large record, for `bench_transactions.py`: each as staff open it."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from bench_times import Times
from common.console.rights import StaffRole
from flask import Flask
from flask.testing import FlaskClient
from proxy.access.staff import create_staff, with_hashed_password

#: Each list, search and chart, as the menu and their own links lead to them.
PAGES = [
    *("/admin/?span=hour", "/admin/?span=day", "/admin/?span=week"),
    "/admin/mediator/transactions/",
    "/admin/mediator/transactions/?status=failed",
    "/admin/mediator/transactions/?channel=Channel+0",
    "/admin/mediator/transactions/?q=nowhere",
    "/admin/mediator/transactions/?mediator=urn:often",
    "/admin/mediator/transactions/?min_duration_ms=1000&channel=Channel+3",
    "/admin/mediator/transactions/?when=last_week&status=failed",
    "/admin/mediator/report/",
    *(f"/admin/mediator/report/?by={by}" for by in ("channel", "client", "mediator", "status")),
    "/admin/mediator/report/?by=client&order=failures",
    "/admin/mediator/report/?by=mediator&order=slowest",
    "/admin/mediator/report/errors/",
    *("/admin/mediator/channels/", "/admin/mediator/clients/", "/admin/mediator/mediators/"),
    *("/admin/mediator/rejections/", "/admin/mediator/tasks/", "/admin/mediator/checks/"),
    *("/admin/mediator/alerts/", "/admin/mediator/shadow-differences/"),
]
_MEMBER = {"username": "bench", "password": "a password for the bench", "email": "bench@localhost"}
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


@dataclass(frozen=True)
class Console:
    """An administrator who is signed in, and the name of the database."""

    client: FlaskClient
    name: str
    rounds: int
    goal_ms: float

    def opens(self, path: str) -> bool:
        """Open a page a few times, print the median; whether it reached the goal."""
        return self._measured(path, lambda: self.client.get(path).status_code)

    def finds(self, term: str) -> bool:
        """The same of the search box."""
        form = {"csrf_token": _token(self.client, "/admin/mediator/checks/"), "term": term}
        return self._measured(
            f"find {term}", lambda: self.client.post("/admin/find/", data=form).status_code
        )

    def _measured(self, said: str, ask: Callable[[], int]) -> bool:
        statuses = set()
        times = Times.of(lambda: statuses.add(ask()), self.rounds)
        answered = statuses == {200}
        print(
            f"{self.name}: page {times}  {said}"
            + ("" if answered else f"  answered {sorted(statuses)}")
        )
        return answered and times.median_ms <= self.goal_ms


def sign_in(app: Flask, name: str, rounds: int, goal_ms: float) -> Console:
    """A new administrator in a browser."""
    with app.extensions["proxy"].database.writing() as session:
        create_staff(session, with_hashed_password({**_MEMBER, "role": StaffRole.ADMIN}))
    client = app.test_client()
    form = {**_MEMBER, "csrf_token": _token(client, "/admin/login/")}
    client.post("/admin/login/", data=form)
    return Console(client, name, rounds, goal_ms)


def _token(client: FlaskClient, path: str) -> str:
    found = _TOKEN.search(client.get(path).text)
    return found.group(1) if found else ""
