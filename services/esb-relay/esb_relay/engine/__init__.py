"""Calling the bus: its token, one exchange with its engine, and how that ended."""
