"""Every exception that penstock raises on purpose.

The tree::

    PenstockError                       what, where, got, expected, what to do
    ├── UserError                       the user's spec or data is wrong         exit status 2
    │   ├── SpecError                   an unknown key, a bad value, a broken lock
    │   ├── SourceError                 a source is absent, unreadable or empty
    │   │   ├── NoRows                  it is there and readable, and holds no row
    │   │   ├── AmbiguousNames          a column's name is blank or stands twice
    │   │   └── SourceUnavailable       worth another try: the network, a busy server
    │   ├── DataError                   the table cannot serve its purpose
    │   ├── PlanError                   a step cannot stand where it stands
    │   └── RequestError                rows to be predicted do not fit the model
    ├── StoreError                      an object is gone, altered or unwritable
    └── BundleError                     a bundle or pointer cannot be trusted
        ├── NotSigned                   no signature, or none by a trusted key
        ├── Tampered                    bytes differ from what was signed
        ├── NotFound                    no such model or version
        └── PublishConflict             another publisher moved the pointer first

What the gate refuses is an outcome, not an error; the command line gives it exit status 3. Anything else is 1.
"""

from __future__ import annotations

EXIT_OK = 0
EXIT_OTHER = 1
EXIT_USER = 2
EXIT_REFUSED = 3
EXIT_INTERRUPTED = 130


class PenstockError(Exception):
    """An error that tells what happened, where, and what to do about it.

    Parameters
    ----------
    what : str
        One sentence naming the trouble.
    where : str, optional
        File, column, row or route.
    got, expected : str, optional
        What was found, and what would have been right.
    todo : str, optional
        What the reader can do now.

    Examples
    --------
    >>> print(DataError("Column 'age' is missing", where="patients.csv", todo="Add it, or drop it from the spec."))
    Column 'age' is missing
      where: patients.csv
      do:    Add it, or drop it from the spec.
    """

    exit_status = EXIT_OTHER

    def __init__(self, what: str, *, where: str = "", got: str = "", expected: str = "", todo: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.got = got
        self.expected = expected
        self.todo = todo

    def __str__(self) -> str:
        parts = [
            ("where:   ", self.where),
            ("got:     ", self.got),
            ("expected:", self.expected),
            ("do:      ", self.todo),
        ]
        told = [(label, text) for label, text in parts if text]
        width = max((len(label.strip()) for label, _ in told), default=0)
        return "\n".join([self.what, *(f"  {label.strip():<{width}} {text}" for label, text in told)])

    # Prefect and process pools send exceptions across processes; keyword-only fields need their own way to travel.
    def __reduce__(self) -> tuple[object, ...]:
        fields = {"where": self.where, "got": self.got, "expected": self.expected, "todo": self.todo}
        return (_rebuild, (type(self), self.what, fields))


def _rebuild(kind: type[PenstockError], what: str, fields: dict[str, str]) -> PenstockError:
    return kind(what, **fields)


class UserError(PenstockError):
    """The user's spec or data is wrong."""

    exit_status = EXIT_USER


class SpecError(UserError):
    """The spec or its lock cannot be understood."""


class SourceError(UserError):
    """A source is absent, unreadable or empty."""


class NoRows(SourceError):
    """A source is there and can be read, but holds no row."""


class AmbiguousNames(SourceError):
    """Columns cannot be told apart by their names; `names` are all of them, in order."""

    names: tuple[str, ...] = ()


class SourceUnavailable(SourceError):
    """A source did not answer this time; another try may help."""


class DataError(UserError):
    """The table cannot serve the purpose that the spec names."""


class PlanError(UserError):
    """A step cannot stand where the spec puts it."""


class RequestError(UserError):
    """Rows to be predicted do not fit the model's schema."""


class StoreError(PenstockError):
    """An object of the store is gone, altered or cannot be written."""


class BundleError(PenstockError):
    """A bundle or pointer cannot be trusted or used."""


class NotSigned(BundleError):
    """No signature, or none by a trusted key."""


class Tampered(BundleError):
    """Bytes differ from what was signed."""


class NotFound(BundleError):
    """No such model or version."""


class PublishConflict(BundleError):
    """Another publisher moved the pointer first."""
