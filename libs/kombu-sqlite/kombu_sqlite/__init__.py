"""A Kombu transport on one SQLite file. `kombu_sqlite.transport` is where to begin."""

#: The fields (`extra`) that this library's log records carry beside their message.
LOG_FIELDS = frozenset(
    {
        "delivery_tag",
        "exchange",
        "message_count",
        "message_id",
        "queue",
        "reason",
        "routing_key",
    }
)
