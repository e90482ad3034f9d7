"""Where systems are told, and how they know that it is us: Standard Webhooks."""
