"""What of notification's is sealed: the columns that `reseal` looks at."""

from typing import Any, cast

from common.db.resealed_types import plain_table, sealed_columns
from common.db.sealed_types import ColumnSealer
from common.resealing import SealedColumn, Values
from sqlalchemy import Table

from notification.config import Settings
from notification.models import Base, Webhook
from notification.models.purposes import PERSON
from notification.webhooks.secrets import PURPOSE, WebhookSeal


def columns(settings: Settings, sealer: ColumnSealer) -> list[SealedColumn]:
    """All of them."""
    return [*sealed_columns(Base.metadata, sealer), _secrets(settings, sealer)]


def _secrets(settings: Settings, sealer: ColumnSealer) -> SealedColumn:
    """The secrets of webhooks: they are bound to their persons, and may be under no key file."""
    seal = WebhookSeal(settings.seal_keys_folder, settings.webhook_secret)

    def anew(row: Any) -> Values | None:
        if row.stored.startswith(seal.sealer.newest_head()):
            return {}
        user_id = sealer.searchable.open(PERSON, row.user_id)
        if user_id is None:
            return None
        person = user_id, row.actor_type
        secret = seal.open(person, row.stored)
        return None if secret is None else {"sealed_secret": seal.seal(person, secret)}

    table = plain_table(cast(Table, Webhook.__table__))
    bound = ("user_id", "actor_type")
    return SealedColumn(table, "sealed_secret", PURPOSE, lambda _row: b"", bound, rewrite=anew)
