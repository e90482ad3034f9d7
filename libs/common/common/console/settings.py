"""Settings of every process that serves pages of the console."""

from dataclasses import dataclass

from common.settings import Environment, comma_list, setting


def _local_path(text: str) -> str:
    """A path of the hub's own address: the console shows nothing from other hosts."""
    if not text.startswith("/") or text.startswith("//"):
        raise ValueError("expected a path that starts with one /")
    return text


@dataclass(frozen=True, kw_only=True)
class ConsoleSettings(Environment):
    """Whose forms are taken besides our own, and the installation's emblems."""

    trusted_origins: tuple[str, ...] = setting("TRUSTED_ORIGINS", comma_list, default=())
    emblem_logo: str | None = setting("EMBLEM_LOGO_STATIC_PATH", _local_path, default=None)
    emblem_login: str | None = setting("EMBLEM_LOGIN_STATIC_PATH", _local_path, default=None)
    emblem_icon: str | None = setting("EMBLEM_ICON_STATIC_PATH", _local_path, default=None)
    emblem_favicon: str = setting(
        "EMBLEM_FAVICON_STATIC_PATH", _local_path, default="/admin/static/favicon.svg"
    )
