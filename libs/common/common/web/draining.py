"""Whether this process is stopping: answers that have no end of their own look here, and end.

gunicorn's worker says so (`common.web.gunicorn_worker`).
"""


class _Draining:
    """A flag."""

    has_begun = False


draining = _Draining()
