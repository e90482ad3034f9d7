"""`/admin/notification/dead-letters/`: events from the queue that could not be emitted."""

from common.console.dead_letters import add_dead_letters
from common.jobs.dead_letters import DeadLetters

from notification.console.blueprint import pages
from notification.container import container
from notification.emit import intake

add_dead_letters(pages, lambda: DeadLetters(container().settings, intake.QUEUE))
