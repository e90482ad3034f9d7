"""The console as a person uses it, without a browser: forms with their tokens, cookies kept."""

import re

import requests


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
