"""Web workers as they are, past nginx: none of them stands still."""

import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

LISTS = {
    "proxy": ("PROXY_PORT", "/api/proxy/clients/"),
    "esb-relay": ("ESB_RELAY_PORT", "/api/esb/exchanges/"),
}
AT_ONCE = 40


@pytest.mark.parametrize("hub", ["embedded"], indirect=True)
def test_fresh_workers_serve_many_new_connections_at_once(hub, eventually):
    # What a process prepares with its first request, it prepares in the midst of many.
    authorization = {"Authorization": f"Bearer {hub.token}"}

    def ask_twice(url: str) -> list[int]:
        with requests.Session() as session:
            session.trust_env = False
            asked = [session.get(url, headers=authorization, timeout=60) for _ in range(2)]
            return [answer.status_code for answer in asked]

    for name, (port, path) in LISTS.items():
        hub.stack.stop_process(name)
        hub.stack.start_process(name)
        address = ("127.0.0.1", hub.stack.installation.ports[port])
        eventually(lambda address=address: listens(address))
        url = f"http://{address[0]}:{address[1]}{path}"
        with ThreadPoolExecutor(AT_ONCE) as callers:
            assert list(callers.map(ask_twice, [url] * AT_ONCE)) == [[200, 200]] * AT_ONCE


def listens(address: tuple[str, int]) -> bool:
    """Whether a connection is taken; nothing is asked over it."""
    with socket.socket() as client:
        return client.connect_ex(address) == 0
