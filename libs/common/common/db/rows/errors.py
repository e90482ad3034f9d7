"""Why rows could not be committed.

WriteFailed
├── AlreadyThere     a row with this key exists
└── DatabaseAway     it cannot be reached, or cannot write now: surely nothing was written
    └── CommitUnknown    the connection broke after the rows had left: they may be there
"""


class WriteFailed(Exception):
    """Rows could not be committed; the driver's own error is the cause."""


class AlreadyThere(WriteFailed):
    """A row with this key exists."""


class DatabaseAway(WriteFailed):
    """The database cannot be reached, or cannot write now; nothing was written."""


class CommitUnknown(DatabaseAway):
    """The connection broke after the rows had left: they may be there."""
