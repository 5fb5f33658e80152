"""Keys that callers show: only the sha256 of each is known here, and every comparison takes the same time.

A key is 256 random bits, so that its plain sha256 tells nothing of it: nobody can try them all. A setting names entries
`NAME:SHA256`, separated by commas or blanks, or a file with one entry a line; a file is read again when it changes.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import secrets
import time
from pathlib import Path

from penstock.errors import SpecError

log = logging.getLogger("penstock.service")

_entry = re.compile(r"([A-Za-z0-9][A-Za-z0-9._@-]{0,62}):([0-9a-f]{64})")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,62}")
# Orchestrators put a changed secret in a file's place; once a second is soon enough, and costs a request nothing.
LOOK_SECONDS = 1.0


def new_key(name: str) -> tuple[str, str]:
    """Return a new key, and the entry by which a service knows it.

    Raises
    ------
    SpecError
        The name is not one word.

    Examples
    --------
    >>> key, entry = new_key("shop")
    >>> entry == f"shop:{digest(key)}"
    True
    """
    if not NAME.fullmatch(name):
        raise SpecError("A key's name cannot be that", expected="letters, digits and . _ @ -, at most 63")
    key = secrets.token_urlsafe(32)
    return key, f"{name}:{digest(key)}"


def digest(key: str) -> str:
    """Return a key's sha256 in hex."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


class Keys:
    """The keys of one setting.

    Parameters
    ----------
    given : str
        Entries, or the path of a file of entries; empty where no key is asked for.
    setting : str
        The setting's name, for messages.

    Raises
    ------
    SpecError
        There is no entry in it, or something else than entries. What was given is not repeated: it may be a key.
    """

    def __init__(self, given: str, setting: str) -> None:
        self._setting = setting
        self._known: tuple[tuple[str, bytes], ...] = ()
        self._file: Path | None = None
        self._seen: tuple[int, int, int] | None = None
        self._again = 0.0
        if not given.strip():
            return
        words = re.split(r"[,\s]+", given.strip(" ,\n"))
        if all(_entry.fullmatch(word) for word in words):
            self._known = _read(words)
            return
        self._file = Path(given.strip())
        try:
            self._load(self._file)
        except (OSError, ValueError) as error:
            raise self._refused() from error

    def __bool__(self) -> bool:
        """Whether a key is asked for."""
        return self._file is not None or bool(self._known)

    def name_of(self, key: str) -> str | None:
        """Return the name of a key that is shown; None where it is none of ours."""
        self._look()
        shown = hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
        found = None
        for name, known in self._known:
            # No early end: how long it takes must not tell which entry it was.
            if hmac.compare_digest(shown, known):
                found = name
        return found

    def _look(self) -> None:
        now = time.monotonic()
        if self._file is None or now < self._again:
            return
        self._again = now + LOOK_SECONDS
        try:
            if _state(self._file) != self._seen:
                self._load(self._file)
                log.info("%s: %d keys are known now", self._setting, len(self._known))
        except (OSError, ValueError):
            # A file that is being replaced must lock nobody out; the keys before it go on counting.
            log.error("%s: its file cannot be read any more; the keys read last still count", self._setting)

    def _load(self, file: Path) -> None:
        seen = _state(file)
        lines = (line.partition("#")[0].strip() for line in file.read_text("utf-8").splitlines())
        words = [line for line in lines if line]
        if not words or not all(_entry.fullmatch(word) for word in words):
            raise ValueError(self._setting)
        self._known, self._seen = _read(words), seen

    def _refused(self) -> SpecError:
        return SpecError(
            f"The service's setting {self._setting} cannot be understood",
            expected="entries NAME:SHA256 with commas between them, or the path of a file with one a line",
            todo="`penstock service-key NAME` makes a key and prints its entry.",
        )


def _read(words: list[str]) -> tuple[tuple[str, bytes], ...]:
    return tuple((name, bytes.fromhex(told)) for name, _, told in (word.partition(":") for word in words))


def _state(file: Path) -> tuple[int, int, int]:
    found = file.stat()
    return found.st_mtime_ns, found.st_size, found.st_ino
