"""What comes of reading a source: rows that could not be parsed are set aside, and the rest is told."""

from __future__ import annotations

import threading

import pyarrow as pa

from penstock.errors import SourceError

# Enough to see what is wrong; all are counted.
MOST_LISTED = 10_000
_MOST_TEXT = 500
# Of thousands of odd files the first ones tell enough.
MOST_REMARKS = 20

_MORE = "and more of the like in further files"


class Intake:
    """The account of one reading.

    Parameters
    ----------
    most : float
        The share of rows that may be set aside; a larger one stops the run.
    """

    def __init__(self, most: float = 0.0) -> None:
        self.most = most
        self.n_aside = 0
        self.remarks: list[str] = []
        self._rows: list[tuple[str, int | None, str, str]] = []
        self._lock = threading.Lock()

    def set_aside(self, file: str, line: int | None, reason: str, text: str = "") -> None:
        """Count a row that cannot be parsed, and keep it for the quarantine.

        Parameters
        ----------
        file : str
            Which file or answer, with no secret in its name.
        line : int or None
            Its line or row in there, from 1.
        reason : str
            Why it cannot be parsed: "5 cells where the header has 4".
        text : str
            The row as it came; what is longer than 500 characters is cut.
        """
        with self._lock:
            self.n_aside += 1
            if len(self._rows) < MOST_LISTED:
                self._rows.append((file, line, reason, text[:_MOST_TEXT]))

    def remark(self, words: str) -> None:
        """Tell something that a reader of the receipt should know; once is enough."""
        with self._lock:
            if words in self.remarks:
                return
            if len(self.remarks) < MOST_REMARKS:
                self.remarks.append(words)
            elif self.remarks[-1] != _MORE:
                self.remarks.append(_MORE)

    def check(self, n_rows: int, where: str) -> None:
        """Stop where too many rows are set aside.

        Raises
        ------
        SourceError
            Their share is larger than allowed; the error names the first of them.
        """
        if not self.n_aside or self.n_aside <= self.most * (self.n_aside + n_rows):
            return
        file, line, reason, _ = self._rows[0]
        raise SourceError(
            f"{self.n_aside:,} of {self.n_aside + n_rows:,} rows cannot be parsed",
            where=f"{file or where}:{line}" if line is not None else file or where,
            got=reason,
            expected=f"at most {self.most:.1%} of the rows (max_quarantined)",
            todo="Correct them at the source, correct how it is read, or raise `max_quarantined`.",
        )

    def table(self) -> pa.Table:
        """Return the listed rows: `file`, `line`, `reason`, `text`."""
        columns = list(zip(*self._rows, strict=True)) or [(), (), (), ()]
        kinds = (pa.string(), pa.int64(), pa.string(), pa.string())
        names = ("file", "line", "reason", "text")
        return pa.table({n: pa.array(c, k) for n, c, k in zip(names, columns, kinds, strict=True)})
