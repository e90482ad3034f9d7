"""Where a mediator listens, and whether a channel's type fits it. Pure."""

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from common.errors import Invalid
from common.texts import _

from proxy.models import ChannelType

_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")


def check_endpoint(url: str) -> str:
    """The scheme of a usable endpoint URL: `http`, `https` or `tcp`. Raises Invalid."""
    reason = _why_unusable(url)
    if reason:
        raise Invalid(f"endpoint_url: {reason}", {"endpoint_url": [reason]})
    return urlsplit(url).scheme


def why_type_does_not_fit(channel_type: ChannelType, scheme: str) -> str | None:
    """Why a channel of this type cannot speak to an endpoint of this scheme; None when it can."""
    if channel_type is ChannelType.HTTPS and scheme != "https":
        return f"A channel of type https needs an https endpoint, not {scheme}"
    if (channel_type is ChannelType.TCP) != (scheme == "tcp"):
        return f"A channel of type {channel_type} cannot speak to a {scheme} endpoint"
    return None


def fitting_type(kind: ChannelType, endpoint_url: str) -> ChannelType:
    """The channel's type where it can speak to its endpoint, else the one that can.

    Raises Invalid.
    """
    scheme = check_endpoint(endpoint_url)
    if why_type_does_not_fit(kind, scheme) is None:
        return kind
    return ChannelType.TCP if scheme == "tcp" else ChannelType.HTTP


def check_shadow(url: str) -> None:
    """Raise Invalid where no copy of a call can be sent to `url`."""
    reason = _why_unusable(url)
    if reason is None and urlsplit(url).scheme == "tcp":
        reason = _("Must start with http:// or https://")
    if reason:
        raise Invalid(f"shadow_url: {reason}", {"shadow_url": [reason]})


def _why_unusable(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as exc:
        return f"Not a URL: {exc}"
    if parts.scheme not in {"http", "https", "tcp"}:
        return "Must start with http://, https:// or tcp://"
    if "@" in parts.netloc:
        return "Must not contain credentials"
    if not _is_host(parts.hostname or ""):
        return "Must name a host"
    if port == 0:
        return "Port 0 cannot be reached"
    return _why_wrong_end(parts, port, url)


def _why_wrong_end(parts: SplitResult, port: int | None, url: str) -> str | None:
    if "?" in url or "#" in url:
        return "Must not contain a query or a fragment: the call brings its own"
    if any(character <= " " or character > "~" for character in url):
        return "Must be printable ASCII without spaces"
    if parts.scheme == "tcp" and (port is None or parts.path not in {"", "/"}):
        return "A tcp endpoint is tcp://host:port"
    return None


def _is_host(host: str) -> bool:
    if ":" not in host:
        return _HOST_NAME.fullmatch(host) is not None
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
