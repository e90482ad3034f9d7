"""Loading a process's code without Python's collector of cycles.

What is loaded lives as long as the process, some 200,000 objects. While they come, and once more
when the process ends, the collector would look through all of them and find nothing: two fifths of
the CPU time of a process that does little else.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """The collector rests within; what is there afterwards it leaves alone (`gc.freeze`).

    Processes forked later share that memory, as nothing writes to it.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()
