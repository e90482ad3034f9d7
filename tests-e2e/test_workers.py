"""Web workers as they are, past nginx: none of them stands still."""

from concurrent.futures import ThreadPoolExecutor

import requests

LISTS = {"PROXY_PORT": "/api/proxy/clients/", "ESB_RELAY_PORT": "/api/esb/exchanges/"}
AT_ONCE = 40


def test_fresh_workers_serve_many_new_connections_at_once(own_hub):
    # What a process prepares with its first request, it prepares in the midst of many.
    hub = own_hub("embedded", services=["proxy", "esb-relay", "demo-govesb"])
    authorization = {"Authorization": f"Bearer {hub.token}"}

    def ask_twice(url: str) -> list[int]:
        with requests.Session() as session:
            session.trust_env = False
            asked = [session.get(url, headers=authorization, timeout=20) for _ in range(2)]
            return [answer.status_code for answer in asked]

    for port, path in LISTS.items():
        url = f"http://127.0.0.1:{hub.stack.installation.ports[port]}{path}"
        with ThreadPoolExecutor(AT_ONCE) as callers:
            assert list(callers.map(ask_twice, [url] * AT_ONCE)) == [[200, 200]] * AT_ONCE
