"""The module's configuration; where Kiungo is and who we are there comes from the environment."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, field

from django.apps import AppConfig
from django.core.exceptions import ImproperlyConfigured
from django.db.models.signals import post_migrate

logger = logging.getLogger(__name__)

MODULE_NAME = "kiungo"
DEFAULT_CONFIG = {"family_policy_notification_report_perms": ["131224"]}


@dataclass(frozen=True)
class KiungoSettings:
    """Where Kiungo is, and our client there; `ca` is a file, or empty for the system's own."""

    url: str
    client_id: str
    client_secret: str = field(repr=False)
    ca: str = ""

    @classmethod
    def read(cls) -> KiungoSettings:
        """From `KIUNGO_…`. Raises ImproperlyConfigured, which names the missing variable."""
        found = {
            name: os.environ.get(f"KIUNGO_{name.upper()}", "").strip()
            for name in ("url", "client_id", "client_secret", "ca")
        }
        for name in ("url", "client_id", "client_secret"):
            if not found[name]:
                raise ImproperlyConfigured(f"KIUNGO_{name.upper()} is not set")
        return cls(**{**found, "url": found["url"].rstrip("/")})


def _accept_contributions() -> None:
    """Let a family be made from a mutation with a `contribution`.

    openIMIS's mutations take that member, and pass it on to `Family(**data)`, which raises for what
    is neither a field nor a property.
    """
    from insuree.models import Family

    if not hasattr(Family, "contribution"):
        Family.contribution = property(lambda _family: None, lambda _family, _value: None)


class KiungoConfig(AppConfig):
    """The openIMIS module `kiungo`."""

    name = MODULE_NAME
    default_auto_field = "django.db.models.BigAutoField"

    report_perms: list[str] = []

    def ready(self) -> None:
        """Read the rights, and let the triggers follow every `migrate`."""
        from core.models import ModuleConfiguration

        from kiungo.triggers import install_triggers

        _accept_contributions()
        given = ModuleConfiguration.get_or_default(MODULE_NAME, DEFAULT_CONFIG)
        KiungoConfig.report_perms = given["family_policy_notification_report_perms"]
        post_migrate.connect(install_triggers, sender=self, dispatch_uid="kiungo_triggers")
