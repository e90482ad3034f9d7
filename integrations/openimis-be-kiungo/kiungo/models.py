"""A family's consent, as openIMIS has always kept it, and the outbox of changes."""

from core import models as core_models
from core.utils import get_first_or_default_language
from django.db import models
from insuree.models import Family


def default_language() -> str:
    """The code of the first language."""
    return str(get_first_or_default_language().code)


class FamilyNotification(core_models.BaseVersionedModel):
    """Whether a family wants to be notified, and in which language: `tblFamilySMS`."""

    family = models.OneToOneField(
        Family,
        models.CASCADE,
        db_column="FamilyID",
        related_name="family_notification",
        primary_key=True,
    )
    approval_of_notification = models.BooleanField(db_column="ApprovalOfSMS", default=False)
    language_of_notification = models.CharField(
        db_column="LanguageOfSMS", max_length=5, default=default_language
    )

    class Meta:
        db_table = "tblFamilySMS"

    @property
    def id(self) -> int:
        """openIMIS's base expects the key under this name."""
        return int(self.family_id)


class OutboxEntry(models.Model):
    """A row that has changed and is to be forwarded; the database's triggers write them.

    It says which row, not how it is: what is sent is the row as it is then.
    """

    id = models.BigAutoField(primary_key=True)
    #: Kiungo's name of the table, and the row's key in openIMIS's.
    kind = models.CharField(max_length=16)
    key = models.BigIntegerField()
    noted_at = models.DateTimeField()
    #: Why Kiungo did not take it; empty: it is still to be sent.
    rejected = models.TextField(default="", blank=True)

    class Meta:
        db_table = "kiungo_outbox"
        indexes = [
            models.Index(
                fields=["id"], condition=models.Q(rejected=""), name="kiungo_outbox_waiting"
            )
        ]
