"""How clients are bound to certificates, and whose word about one counts."""

from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from certificates import ClientAuthority, fingerprint
from proxy.access.certificates import binding, vouched_for

LOOPBACK = (ip_network("127.0.0.0/8"),)
DIGITS = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (DIGITS, f"sha256:{DIGITS}"),
        (f"SHA256:{DIGITS.upper()}", f"sha256:{DIGITS}"),
        (":".join(DIGITS[i : i + 2] for i in range(0, 64, 2)).upper(), f"sha256:{DIGITS}"),
        ("CN=clinic,O=Health", "CN=clinic,O=Health"),
        ("CN=clinic, O=Health", "CN=clinic,O=Health"),
        ("CN=a\\, b,O=Health", "CN=a\\, b,O=Health"),
    ],
)
def test_certificate_is_named_in_one_spelling(text: str, name: str) -> None:
    assert binding(text) == name


@pytest.mark.parametrize("text", ["", "clinic", "sha256:", DIGITS[:-1], f"{DIGITS}0", "CN", "=x"])
def test_what_names_no_certificate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        binding(text)


def test_only_nginx_vouches_for_a_certificate(tmp_path: Path) -> None:
    path = ClientAuthority(tmp_path).certificate("CN=clinic,O=Health")
    pem = path.read_text()
    header = quote(pem[pem.index("-----BEGIN CERT") :])

    presented = vouched_for(header, "127.0.0.1", LOOPBACK)
    assert presented is not None
    assert presented.names == (binding(fingerprint(path)), "CN=clinic,O=Health")
    assert vouched_for(header, "192.0.2.7", LOOPBACK) is None


@pytest.mark.parametrize("header", ["", "x", "%00", "-----BEGIN CERTIFICATE-----", "%ff"])
def test_what_is_no_certificate_is_none(header: str) -> None:
    assert vouched_for(header, "127.0.0.1", LOOPBACK) is None


def test_certificate_has_one_client(api: Any) -> None:
    first = api.made("clients", **api.a_client(certificates=[DIGITS.upper(), "CN=clinic"]))
    assert first["certificates"] == [f"sha256:{DIGITS}", "CN=clinic"]

    again = api.post("clients/", api.a_client(client_id="other", certificates=["CN=clinic"]))
    assert again.status_code == 422
    assert list(again.get_json()["errors"]) == ["certificates"]
    other = api.made("clients", **api.a_client(client_id="other", certificates=["CN=other"]))
    path = f"clients/{other['id']}/"
    assert api.patch(path, {"certificates": [DIGITS]}).status_code == 422
    assert api.patch(path, {"certificates": ["CN=other"]}).status_code == 200
    assert api.patch(path, {"certificates": ["nobody"]}).status_code == 422
