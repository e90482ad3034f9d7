"""Who did what: see `common.audit`."""

from common.audit.models import AuditTables, CheckpointColumns, EventColumns, HeadColumns

from policy_notify.models.base import Base


class AuditEvent(EventColumns, Base):
    """One act of staff, a client or a command."""


class AuditHead(HeadColumns, Base):
    """The end of the chain."""


class AuditCheckpoint(CheckpointColumns, Base):
    """Where the chain begins after old events were removed."""


AUDIT_TABLES = AuditTables(AuditEvent, AuditHead, AuditCheckpoint)
