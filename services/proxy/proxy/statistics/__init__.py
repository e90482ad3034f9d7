"""Calls counted: by channel and hour, and how the recent ones went."""
