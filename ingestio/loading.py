"""Loading what a process runs on."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Import inside the block with the garbage collector off; afterwards it passes over what was loaded.

    Modules make a million objects that live until the end. Left on, the collector goes over all of them again and again, finds nothing,
    and takes up to a sixth of the time that loading takes.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
