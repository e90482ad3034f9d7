"""The folder of signing keys: what is read from it, what is refused, what rotation does."""

import stat
from pathlib import Path

import jwt
import pytest
from common.settings import SettingError
from common.web.tokens import AUDIENCE
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from proxy.access.signing import TokenSigner, create_key, load_keys


def test_a_new_key_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = create_key(tmp_path / "keys")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(load_keys(tmp_path / "keys")) == 1


def test_the_newest_key_signs_and_the_older_one_still_verifies(tmp_path: Path) -> None:
    create_key(tmp_path).rename(tmp_path / "1.pem")
    old = TokenSigner(tmp_path).sign("me", 60)
    create_key(tmp_path).rename(tmp_path / "2.pem")
    signer = TokenSigner(tmp_path)
    new = signer.sign("me", 60)
    kids = [jwt.get_unverified_header(token)["kid"] for token in (old, new)]
    assert kids[0] != kids[1]
    for token, kid in zip((old, new), kids, strict=True):
        key = signer.find(kid)
        assert key is not None
        assert jwt.decode(token, key, ["EdDSA"], audience=AUDIENCE)["sub"] == "me"
    assert {key["kid"] for key in signer.jwks()["keys"]} == set(kids)


def test_published_keys_are_public_ones(tmp_path: Path) -> None:
    create_key(tmp_path)
    (key,) = TokenSigner(tmp_path).jwks()["keys"]
    assert set(key) == {"crv", "kty", "x", "kid", "alg", "use"}


def test_an_unknown_kid_names_no_key(tmp_path: Path) -> None:
    create_key(tmp_path)
    assert TokenSigner(tmp_path).find("unknown") is None


def test_a_folder_without_keys_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="TOKEN_KEYS_DIR holds no key"):
        load_keys(tmp_path)


def _p256() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"not a key", "cannot be read as a PEM key"),
        (b"", "cannot be read as a PEM key"),
        (_p256(), "is not an Ed25519 key"),
    ],
)
def test_a_file_that_is_no_signing_key_is_named(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "bad.pem").write_bytes(content)
    with pytest.raises(SettingError, match=f"TOKEN_KEYS_DIR: bad.pem {why}"):
        load_keys(tmp_path)


def test_no_repr_shows_a_private_key(tmp_path: Path) -> None:
    create_key(tmp_path)
    assert "private" not in repr(load_keys(tmp_path)[0])
