"""The hot path: from a raw request to a mediator and back, with a record of every call.

In the order in which a call passes: `app`, `own_paths`, `gateway`, `call`, `admission` (with
`callers`, `channel_choice`, `routing` and its table, `match`, `esb`), `forward` (with `headers`,
`answered`), `record` (with `call_ends`); for calls that nobody waits for `async_calls`,
`call_runner` and its `attempt`. What `forward` runs before a byte leaves is `record`'s `begin`.
"""
