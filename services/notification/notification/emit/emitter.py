"""The emitter of a process, as its settings want it."""

from notification.container import Container
from notification.emit.emitting import Emitter


def emitter_of(process: Container) -> Emitter:
    """Queues events' messages in the process's database."""
    settings = process.settings
    limits = settings.attachment_limits
    return Emitter(process.database, settings.phone_region, settings.skipped_after, limits)
