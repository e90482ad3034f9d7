"""From outbox to person: claiming, sending, and saying of every message what became of it."""
