"""Calls from the bus: verified, run once, answered and signed, now or later."""
