"""A lock for what greenlets and native threads share under gevent.

The locks that gevent patches in lose a wake-up now and then when a native thread and the hub meet
at one: a call, or a whole process, then waits for ever. A native one holds up the whole loop while
it is held, so what it guards must be short.
"""

from typing import Any

from gevent.monkey import get_original

#: Makes re-entrant locks. (`threading`'s own lie over parts that gevent has replaced.)
NativeLock: Any = get_original("_thread", "RLock")
