"""The audit log: who did what, chained by digests, in the transaction of the change.

A service declares its tables with the mixins of `models`, says in an `AuditRules` which of its
records count, and registers both with `register_audit_log`. From then on every change of such a
record by staff, a client or a command is noted by itself, as is every request that changes
anything (`register_audited_requests`).
"""
