"""Settings: what cannot be meant is refused at start, by its name; secrets are in no repr."""

from pathlib import Path

import pytest
from common.settings import SettingError
from esb_relay.config import Settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ESB_REQUEST_DATA_FORMAT", "yaml"),
        ("ESB_READ_TIMEOUT", "0"),
        ("ESB_MAX_ATTEMPTS", "none"),
        ("ESB_STORE_BODIES", "perhaps"),
        ("PROXY_URL", "hub.example"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_its_name(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=name):
        Settings.read({name: value})


def test_the_secret_of_its_own_client_is_given_or_kept_in_a_file(tmp_path: Path) -> None:
    kept = tmp_path / "keys" / "esb-relay-client-secret"
    assert Settings(var_dir=tmp_path).own_secret() is None
    kept.parent.mkdir()
    kept.write_text("kept\n")
    assert Settings(var_dir=tmp_path).own_secret() == "kept"
    assert Settings(var_dir=tmp_path, proxy_client_secret="given").own_secret() == "given"


def test_no_secret_is_in_a_repr() -> None:
    settings = Settings.read({"ESB_CLIENT_SECRET": "Hapana-1", "CLIENT_PRIVATE_KEY": "Hapana-2"})
    assert (settings.client_secret, settings.private_key) == ("Hapana-1", "Hapana-2")
    assert "Hapana" not in repr(settings)
