"""Going on with a coroutine that was begun by hand, where it turns out that there is something to wait for."""

from __future__ import annotations

import types
from collections.abc import Coroutine, Generator
from functools import partial
from typing import Any, TypeVar

_T = TypeVar("_T")


@types.coroutine
def resumed(steps: Generator[Any, Any, _T] | Coroutine[Any, Any, _T], waited_for: object) -> Generator[Any, Any, _T]:
    """Go on with what has begun, from what it waits for."""
    while True:
        try:
            told = yield waited_for
        except BaseException as error:  # a cancellation above all: it is for whatever waits
            step = partial(steps.throw, error)
        else:
            step = partial(steps.send, told)
        try:
            waited_for = step()
        except StopIteration as done:
            value: _T = done.value
            return value
