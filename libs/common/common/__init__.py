"""Plumbing that at least two Kiungo services share. It knows no service and owns no table rows."""
