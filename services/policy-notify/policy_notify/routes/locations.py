"""Where this service's API stands."""

PREFIX = "/api/policy-notification"
