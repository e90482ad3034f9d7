"""Mediators written with openhim-mediator-utils 0.2 and 0.4 from npm, unchanged, over TLS."""

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import local_authority
import pytest
from flask import Flask
from nginx_alone import nginx
from npm_packages import npm_packages
from one_database import on_one_database
from openhim_documents import a_mediator
from ports import unused_ports
from werkzeug.serving import make_server

HERE = Path(__file__).parent / "npm"
SERVICES = (
    "KIUNGO_ESB_RELAY",
    "KIUNGO_ESB_RELAY_GATEWAY",
    "KIUNGO_NOTIFICATION",
    "KIUNGO_POLICY_NOTIFY",
)


@pytest.fixture
def hub_port(app: Flask) -> Iterator[int]:
    """The hub on loopback."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    """The certificate that a mediator is told to trust."""
    local_authority.variables(tmp_path)
    return local_authority.certificate(tmp_path)


@pytest.fixture
def address(hub_port: int, served: Any, authority: Path, tmp_path: Path) -> Iterator[str]:
    """nginx before hub and gateway; OpenHIM's addresses at the root of a port of their own."""
    port = unused_ports(1)[0]
    made = local_authority.variables(tmp_path)
    settings = {
        "KIUNGO_OPENHIM_LISTEN": f"127.0.0.1:{port}",
        "KIUNGO_OPENHIM_TLS_CERT": made["KIUNGO_TLS_CERT"],
        "KIUNGO_OPENHIM_TLS_KEY": made["KIUNGO_TLS_KEY"],
    }
    behind = {"KIUNGO_PROXY": hub_port, "KIUNGO_PROXY_GATEWAY": served.port}
    folder = tmp_path / "nginx"
    folder.mkdir()
    with nginx(folder, {**dict.fromkeys(SERVICES, 1), **behind}, **settings):
        yield f"https://localhost:{port}"


@on_one_database()
@pytest.mark.parametrize("version", ["0.2.4", "0.4.0"])
def test_mediator_registers_fetches_its_configuration_and_gets_a_changed_one(
    api: Any,
    served: Any,
    address: str,
    authority: Path,
    version: str,
    pytestconfig: pytest.Config,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    packages = npm_packages(HERE, pytestconfig, tmp_path_factory)
    name = "root@openhim.org"
    account = api.made("clients", **api.a_client(client_id=name, scopes=["mediator:register"]))
    served.gateway.routing.refresh()
    given = a_mediator()
    script = [str(HERE / "mediator.cjs"), version, address, name]
    mediator = subprocess.Popen(
        ["node", *script, account["client_secret"], json.dumps(given)],
        cwd=packages,
        env={**os.environ, "NODE_EXTRA_CA_CERTS": str(authority), "NODE_NO_WARNINGS": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert mediator.stdout is not None
    with mediator:
        said = [json.loads(mediator.stdout.readline()) for _ in range(2)]
        assert said == [
            {"event": "registered", "value": None},
            {"event": "fetched", "value": given["config"]},
        ]
        (made,) = api.get("mediators/").get_json()["data"]
        assert (made["urn"], made["account"]) == (given["urn"], name)
        assert made["uptime"] > 0

        api.patch(f"mediators/{made['id']}/", {"config": {"url": "changed", "code": "too"}})

        changed = json.loads(mediator.stdout.readline())
        assert changed == {"event": "changed", "value": {"url": "changed", "code": "too"}}
    assert mediator.returncode == 0
