"""Whether this process is stopping: answers that have no end of their own look here, and end.

gunicorn's worker says so (`common.gunicorn_worker`).
"""


class _Draining:
    """A flag; no Event, which would be made before gevent patches its lock."""

    has_begun = False


draining = _Draining()
