"""How long to wait: before another try, as a server asks, and between two requests to one host."""

from __future__ import annotations

import email.utils
import random
import threading
import time

# A server may ask for any wait; a run is not held up longer than this by one answer.
LONGEST_WAIT = 120.0
_LONGEST_BACKOFF = 60.0


def backoff(nth: int, first: float) -> float:
    """Return the seconds to wait after the n-th try, from 1: doubled each time, with jitter of a half either way.

    Clients that failed together must not come back together.

    References
    ----------
    M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """
    jitter = 0.5 + random.random()  # noqa: S311 - no secret hangs on it
    return min(_LONGEST_BACKOFF, first * float(2 ** (nth - 1))) * jitter


def retry_after(value: str | None, date: str | None = None) -> float | None:
    """Return the seconds that a `Retry-After` header asks for, at most 120; None where it says nothing.

    Parameters
    ----------
    value : str or None
        Seconds, or a moment (RFC 9110, section 10.2.3).
    date : str or None
        The answer's `Date`: a moment is measured from it, so that clocks need not agree.

    Examples
    --------
    >>> retry_after("7"), retry_after("soon"), retry_after("86400")
    (7.0, None, 120.0)
    >>> retry_after("Wed, 21 Oct 2015 07:28:10 GMT", "Wed, 21 Oct 2015 07:28:00 GMT")
    10.0
    """
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        # A number of thousands of digits is no wait either.
        return min(LONGEST_WAIT, float(text[:9]))
    until = moment(text)
    if until is None:
        return None
    now = moment(date) if date else None
    return min(LONGEST_WAIT, max(0.0, until - (time.time() if now is None else now)))


def moment(text: str | None) -> float | None:
    """Return an HTTP date as seconds since 1970, or None."""
    try:
        return None if text is None else email.utils.parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


class Pace:
    """At most one request to a host in so many seconds, whoever in this process asks."""

    def __init__(self) -> None:
        self._free: dict[str, float] = {}
        self._lock = threading.Lock()

    def wait(self, host: str, every: float) -> None:
        """Wait until it is this request's turn."""
        if every <= 0:
            return
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._free.get(host, now))
            self._free[host] = turn + every
        time.sleep(max(0.0, turn - now))


PACE = Pace()
