"""Keys in files, or in the setting itself."""

from pathlib import Path

import pytest
from esb_relay.config import Settings
from esb_relay.errors import KeyFileExposed, UnreadableKey
from esb_relay.keys.files import load_private_key, load_public_keys, write_private_key
from esb_relay.keys.keyring import Keyring
from esb_relay.keys.pairs import Curve, Encoding, PrivateKey, generate


def test_written_key_is_its_owners_and_read_back(tmp_path: Path, key: PrivateKey) -> None:
    path = tmp_path / "esb.pem"
    write_private_key(key, path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_private_key(str(path)).kid == key.kid


def test_existing_key_is_not_replaced(tmp_path: Path, p256: PrivateKey) -> None:
    path = tmp_path / "esb.pem"
    write_private_key(p256, path)
    with pytest.raises(FileExistsError):
        write_private_key(generate(Curve.SECP256R1), path)
    assert load_private_key(str(path)).kid == p256.kid


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o610])
def test_private_key_that_others_may_touch_is_refused(
    mode: int, tmp_path: Path, p256: PrivateKey
) -> None:
    path = tmp_path / "esb.pem"
    write_private_key(p256, path)
    path.chmod(mode)
    with pytest.raises(KeyFileExposed, match=rf"esb.pem has mode {mode:04o}.*0600"):
        load_private_key(str(path))


def test_value_may_be_the_key_itself(key: PrivateKey) -> None:
    assert load_private_key(key.pem().decode()).kid == key.kid
    assert load_public_keys(key.public.encoded(Encoding.DER_B64).decode()) == (key.public,)


def test_public_keys_of_a_rotation(tmp_path: Path, keys: dict[Curve, PrivateKey]) -> None:
    first, second, third = (key.public for key in keys.values())
    (tmp_path / "bus.pem").write_bytes(first.encoded(Encoding.PEM) + second.encoded(Encoding.PEM))
    (tmp_path / "bus.der").write_bytes(third.encoded(Encoding.DER))
    literal = first.encoded(Encoding.DER_B64).decode()
    value = f"{tmp_path}/bus.pem, {tmp_path}/bus.der;{literal},"
    assert load_public_keys(value) == (first, second, third)


@pytest.mark.parametrize(
    "value", ["", " , ;", "no-such-file", "/no/such/file.pem", "a" * 600, "x\0y"]
)
def test_value_that_is_neither_key_nor_file_is_refused(value: str) -> None:
    with pytest.raises(UnreadableKey):
        load_private_key(value)
    with pytest.raises(UnreadableKey):
        load_public_keys(value)


def test_error_names_a_path_but_never_what_may_be_a_damaged_key(p256: PrivateKey) -> None:
    with pytest.raises(UnreadableKey, match=r"/no/such/file\.pem"):
        load_private_key("/no/such/file.pem")
    damaged = p256.pem().decode().splitlines()[1][1:]
    with pytest.raises(UnreadableKey) as refused:
        load_private_key(damaged)
    assert damaged[:8] not in str(refused.value)
    assert refused.value.__suppress_context__


def test_each_setting_whose_key_cannot_be_used_is_named_once(
    tmp_path: Path, p256: PrivateKey
) -> None:
    write_private_key(p256, tmp_path / "own.pem")
    given = {"private_key": "keys/none.pem", "esb_public_keys": "keys/none.pub"}
    troubles = Keyring(Settings(**given)).troubles()
    assert [trouble.partition(":")[0] for trouble in troubles] == [
        "CLIENT_PRIVATE_KEY",
        "GOV_ESB_PUBLIC_KEY",
    ]
    assert Keyring(Settings(private_key=str(tmp_path / "own.pem"))).troubles() == []
    assert Keyring(Settings()).troubles() == []
