"""What a serving process asks of its interpreter and its system, so that loading a model keeps no answer waiting."""

from __future__ import annotations

import contextlib
import functools
import gc
import os
import sys
import threading

# A thread that wants to run asks the one that does to let go after this long. The event loop lets go at every look at
# its sockets: with Python's own 5 ms each answer would wait that long, several times over, while a model is loaded.
SWITCH_SECONDS = 0.0005
NICER = 10


def share() -> None:
    """Let threads take turns often."""
    sys.setswitchinterval(SWITCH_SECONDS)


def stand_back() -> None:
    """Let this thread have a core when nobody else wants it; Linux alone knows threads of several priorities."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            thread = threading.get_native_id()
            os.setpriority(os.PRIO_PROCESS, thread, min(19, os.getpriority(os.PRIO_PROCESS, thread) + NICER))


@functools.cache
def settle() -> None:
    """Leave what is there by now out of every later search for unreachable objects; a second call does nothing.

    Libraries and the first model are a million objects that stay: to go through them takes a tenth of a second, in
    which nothing is answered, and loading a model sets it off.
    """
    gc.collect()
    gc.freeze()
