"""The configured providers, in their order."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from common.http import HttpClient, Timeouts
from common.jobs.broker import open_broker
from common.logs import get_logger
from common.settings import SettingError
from common.web.tokens import ClientCredentials

from policy_notify.config import Settings
from policy_notify.providers import ega, notification_service, text_file
from policy_notify.providers.base import Provider

log = get_logger(__name__)

Builder = Callable[[Mapping[str, Any], Settings, HttpClient], Provider]


def build_providers(settings: Settings) -> tuple[Provider, ...]:
    """One for each entry of `providers` that is set up; letter case of names does not matter.

    openIMIS's own default names a gateway with empty keys: that one is left out with a warning.

    Raises SettingError for an unknown name, with the known ones, and for a bad setting.
    """
    client = HttpClient(Timeouts(read_s=settings.provider_timeout_s))
    found = []
    for name, given in settings.providers:
        build = _BUILDERS.get(name.lower())
        if build is None:
            known = ", ".join((ega.NAME, notification_service.NAME, text_file.NAME))
            raise SettingError(f"PROVIDERS: unknown provider {name}; known ones: {known}")
        if build is _ega and not ega.EgaGateway.is_set_up(given):
            log.warning("provider_not_set_up", provider=ega.NAME)
            continue
        found.append(build(given, settings, client))
    return tuple(found)


def _ega(given: Mapping[str, Any], _settings: Settings, client: HttpClient) -> Provider:
    return ega.EgaGateway.build(given, client)


def _text_file(given: Mapping[str, Any], settings: Settings, _client: HttpClient) -> Provider:
    _only(text_file.NAME, given, "DestinationFolder", "WithRecipient")
    folder = Path(str(given.get("DestinationFolder") or text_file.DEFAULT_FOLDER))
    with_recipient = given.get("WithRecipient", False)
    if not isinstance(with_recipient, bool):
        raise SettingError(f"PROVIDERS: {text_file.NAME}: WithRecipient is not true or false")
    return text_file.TextFiles(settings.var_dir / folder, with_recipient=with_recipient)


def _service(given: Mapping[str, Any], settings: Settings, client: HttpClient) -> Provider:
    _only(notification_service.NAME, given, "EventPrefix")
    secret = settings.own_secret()
    credentials = secret and ClientCredentials(
        token_url=f"{settings.proxy_url}/oauth/token",
        client_id=settings.client_id,
        client_secret=secret,
        client=client,
        scope="notification:emit",
    )
    return notification_service.NotificationService(
        event_prefix=str(given.get("EventPrefix", "")),
        connect=lambda: open_broker(settings),
        url=settings.notification_url.rstrip("/"),
        client=client,
        credentials=credentials or None,
    )


def _only(name: str, given: Mapping[str, Any], *known: str) -> None:
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise SettingError(f"PROVIDERS: {name} has no setting {unknown[0]}")


_BUILDERS: dict[str, Builder] = {
    ega.NAME.lower(): _ega,
    notification_service.NAME.lower(): _service,
    text_file.NAME.lower(): _text_file,
}
