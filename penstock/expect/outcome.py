"""What came of holding tables to their expectations."""

from __future__ import annotations

from typing import ClassVar, Literal

from penstock.errors import DataError
from penstock.frozen import Frozen
from penstock.receipts import Receipt

Severity = Literal["error", "warn"]
Origin = Literal["spec", "lock"]
FIRST_ROWS = 5
MOST_TOLD = 40


class Finding(Frozen):
    """One expectation that is not met.

    `n` of `of` rows break it, `rows` are the first of them (positions in the table as it was collected, from 0) and
    `lines` where they stand in the file, if that is known. `got` says what was found instead of rows, or examples of
    values, never those of a private column or an id.
    """

    kind: str
    table: str
    columns: tuple[str, ...] = ()
    expectation: str
    severity: Severity = "error"
    origin: Origin = "spec"
    n: int | None = None
    of: int | None = None
    rows: tuple[int, ...] = ()
    lines: tuple[int, ...] = ()
    got: str = ""

    @property
    def share(self) -> float | None:
        """The share of rows that break it."""
        return self.n / self.of if self.n is not None and self.of else None

    def told(self) -> str:
        """Return it in one line.

        Examples
        --------
        >>> Finding(kind="range", table="visits", columns=("age",), expectation="range 0..120", n=2, of=50,
        ...         rows=(3, 17), lines=(5, 19)).told()
        'visits.age: range 0..120: 2 of 50 rows (4%), first rows 3, 17 (lines 5, 19)'
        """
        place = f"{self.table}.{'+'.join(self.columns)}" if self.columns else self.table
        parts = [f"{place}: {self.expectation}"]
        if self.n is not None and self.of is not None:
            parts.append(f"{self.n:,} of {self.of:,} rows ({_percent(self.n, self.of)}){self._first()}")
        if self.got:
            parts.append(self.got)
        return ": ".join(parts) + (" [from the lock]" if self.origin == "lock" else "")

    def _first(self) -> str:
        if not self.rows:
            return ""
        one = len(self.rows) == 1
        first = f", {'row' if one and self.n == 1 else 'first rows'} {', '.join(map(str, self.rows))}"
        return first + (f" (line{'' if one else 's'} {', '.join(map(str, self.lines))})" if self.lines else "")


def _percent(n: int, of: int) -> str:
    share = 100 * n / of if of else 0.0
    return f"{share:.2g}%" if share < 99 else f"{share:.3g}%"


class Outcome(Receipt):
    """All that was checked: how much, what is not met, and the numbers that the next run is held against.

    `rows` and `last` count the rows of each table now and in the last completed run; `newest` is the newest moment of
    the columns that freshness is asked of.
    """

    volatile: ClassVar[frozenset[str]] = frozenset({"newest"})

    checked: int = 0
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    rows: dict[str, int] = {}
    last: dict[str, int] = {}
    newest: dict[str, str] = {}

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The expectations whose failure stops everything."""
        return tuple(f for f in self.findings if f.severity == "error")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The expectations whose failure is only told."""
        return tuple(f for f in self.findings if f.severity == "warn")

    def demand(self, where: str = "", todo: str = "") -> None:
        """Refuse what breaks an expectation, all of them in one error.

        Parameters
        ----------
        where, todo : str, optional
            What was checked, and what can be done; by default the tables, and their sources or the spec.

        Raises
        ------
        DataError
            At least one expectation that is no mere warning is not met.
        """
        failed = self.errors
        if not failed:
            return
        told = [finding.told() for finding in failed[:MOST_TOLD]]
        more = [f"and {len(failed) - MOST_TOLD} more"] if len(failed) > MOST_TOLD else []
        raise DataError(
            f"{len(failed)} of {self.checked} expectations {'is' if len(failed) == 1 else 'are'} not met",
            where=where or ", ".join(dict.fromkeys(f.table for f in failed)),
            # Under one another, as errors are printed.
            got="\n         ".join([*told, *more]),
            todo=todo
            or "Correct the source. If the data are right, change `expect` in the spec, which goes before the lock.",
        )

    def sentences(self) -> list[str]:
        """Return what a reader of the run should know, a sentence each."""
        told = []
        if self.checked:
            met = self.checked - len(self.findings)
            told.append(f"{met} of {self.checked} expectations are met.")
        told += [f"Warning: {finding.told()}." for finding in self.warnings]
        told += [f"{note}." for note in self.notes]
        for table, n in self.rows.items():
            before = self.last.get(table)
            told.append(f"{table}: {n:,} rows" + (f", {before:,} in the last run." if before is not None else "."))
        told += [f"{column}: newest {moment}." for column, moment in self.newest.items()]
        return told
