"""The console as a person uses it, without a browser: forms with their tokens, cookies kept."""

import re
from contextlib import contextmanager

import requests
from hub import unique


def open_console(hub) -> requests.Session:
    """A browser's cookie jar of its own."""
    session = requests.Session()
    session.trust_env = False
    return session


def form_token(hub, session: requests.Session, path: str = "/admin/login/") -> str:
    page = session.get(hub.url + path, timeout=10)
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found is not None, page.text
    return found.group(1)


def sign_in(hub, session: requests.Session, username: str, password: str) -> requests.Response:
    """Send the log-in form; the answer, not where it leads."""
    form = {"username": username, "password": password, "csrf_token": form_token(hub, session)}
    headers = {"Origin": hub.url, "Referer": f"{hub.url}/admin/login/"}
    return session.post(
        f"{hub.url}/admin/login/", data=form, headers=headers, allow_redirects=False, timeout=30
    )


def staff_of(hub, role: str) -> tuple[str, str, str]:
    """A new member of staff: id, user name, password."""
    username, password = unique(role), unique("a long password")
    record = {"username": username, "password": password, "role": role}
    return hub.api("POST", "staff/", 201, json=record)["id"], username, password


@contextmanager
def signed_in(hub, role: str):
    """A browser's cookie jar of a new member of staff with this role."""
    _, username, password = staff_of(hub, role)
    with open_console(hub) as session:
        assert sign_in(hub, session, username, password).status_code == 303
        yield session
