"""The hot path: from a raw request to a mediator and back, with a record of every call."""
