"""From event to queued messages: rules choose, templates render, all in one transaction."""
