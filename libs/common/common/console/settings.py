"""Settings of every process that serves pages of the console."""

from dataclasses import dataclass
from pathlib import Path

from common.settings import Environment, comma_list, setting


def _local_path(text: str) -> str:
    """A path of the hub's own address: the console shows nothing from other hosts.

    One that does not start with a slash is a file of `BRANDING_DIR`.
    """
    if text.startswith("//") or "\\" in text or ":" in text or ".." in text.split("/"):
        raise ValueError("expected a path on this host, or a file of BRANDING_DIR")
    return text if text.startswith("/") else f"{BRANDING}/{text}"


#: Where the proxy serves the installation's own pictures.
BRANDING = "/admin/branding"


@dataclass(frozen=True, kw_only=True)
class ConsoleSettings(Environment):
    """Whose forms are taken besides our own, and the installation's emblems."""

    branding_dir: Path = setting(
        "BRANDING_DIR", lambda text: Path(text).absolute(), default=Path("static")
    )
    trusted_origins: tuple[str, ...] = setting("TRUSTED_ORIGINS", comma_list, default=())
    emblem_logo: str | None = setting("EMBLEM_LOGO_STATIC_PATH", _local_path, default=None)
    emblem_login: str | None = setting("EMBLEM_LOGIN_STATIC_PATH", _local_path, default=None)
    emblem_icon: str | None = setting("EMBLEM_ICON_STATIC_PATH", _local_path, default=None)
    emblem_favicon: str = setting(
        "EMBLEM_FAVICON_STATIC_PATH", _local_path, default="/admin/static/favicon.svg"
    )
