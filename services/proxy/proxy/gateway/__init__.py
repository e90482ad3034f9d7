"""The hot path: from a raw request to a mediator and back, with a record of every call.

In the order in which a call passes: `app`, `own_paths`, `gateway`, `call`, `admission` (with
`routing`, `match`, `esb`), `forward` (with `headers`), `record`; for calls that nobody waits for
`async_calls` and `call_runner`. What `forward` runs before a byte leaves is `record`'s `begin`.
"""
