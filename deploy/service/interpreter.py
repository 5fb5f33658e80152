"""What a serving process asks of its interpreter, so that loading a model keeps no answer waiting."""

from __future__ import annotations

import gc
import sys

# A thread that wants to run asks the one that does to let go after this long. The event loop lets go at every look at
# its sockets: with Python's own 5 ms each answer would wait that long, several times over, while a model is loaded.
SWITCH_SECONDS = 0.0005


def share() -> None:
    """Let threads take turns often."""
    sys.setswitchinterval(SWITCH_SECONDS)


def settle() -> None:
    """Leave what is there by now out of every later search for unreachable objects.

    Libraries and the first model are a million objects that stay: to go through them takes a tenth of a second, in
    which nothing is answered, and loading a model sets it off. Call it once, before the process is ready.
    """
    gc.collect()
    gc.freeze()
