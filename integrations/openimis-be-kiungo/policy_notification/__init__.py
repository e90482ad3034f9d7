"""Keeps openIMIS's address `/api/policy_notification/…`, in the place of the module that had it."""
