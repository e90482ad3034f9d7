"""`/admin/policy-notification/dead-letters/`: events that could not be handled."""

from common.console.dead_letters import add_dead_letters

from policy_notify.console.blueprint import pages
from policy_notify.container import container
from policy_notify.intake.dead_letters import dead_letters

add_dead_letters(pages, lambda: dead_letters(container().settings))
