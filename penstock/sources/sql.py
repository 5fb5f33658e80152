"""Tables and queries of databases, through SQLAlchemy."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, SecretStr, model_validator

from penstock.errors import NoRows, SourceError
from penstock.receipts import Snapshot
from penstock.sources.base import SourceBase, joint
from penstock.sources.database.dates import Bound, Param, is_relative, moment_of
from penstock.sources.database.watermark import Watermark
from penstock.sources.intake import Intake
from penstock.sources.places.finding import check_file, unreadable
from penstock.store import Store

if TYPE_CHECKING:
    from penstock.sources.database.session import Question, Session


class SqlSource(SourceBase):
    """One table or query of a database: an SQLite file by its `path`, any other database by its SQLAlchemy `url`.

    With neither `table` nor `query` the database's only table is meant. A table may lie in a `schema`, or be written as
    `schema.table`. `params` fill `:name` in the query; `today - 730d` and `now - 6h` are counted when it is asked.
    A statement may take `timeout` seconds. More than `max_rows` rows are refused, before they are read where the
    database can tell. With a `watermark`, later runs read only what is new.
    """

    kind: Literal["sql"] = "sql"
    url: SecretStr | None = None
    path: str | None = None
    table: str | None = None
    schema_name: str | None = Field(default=None, alias="schema")
    query: str | None = None
    params: dict[str, Param] = Field(default={}, repr=False)
    timeout: float = Field(default=300.0, gt=0, le=86_400)
    max_rows: int | None = Field(default=None, gt=0)
    watermark: Watermark | None = None

    @model_validator(mode="after")
    def _one_question(self) -> Self:
        if (self.url is None) == (self.path is None):
            raise ValueError("a database needs one of `url` and `path`")
        if self.table is not None and self.query is not None:
            raise ValueError("one of `table` and `query`, not both")
        if self.schema_name is not None and self.query is not None:
            raise ValueError("`schema` goes with `table`; a query names it itself")
        if self.params and self.query is None:
            raise ValueError("`params` go with a `query`")
        if any(name.startswith("penstock_") for name in self.params):
            raise ValueError("names that begin with penstock_ are taken; call the parameter otherwise")
        return self

    @property
    def uri(self) -> str:
        """The database's address without its password, and the table."""
        place = Path(self.path).absolute().as_uri() if self.path is not None else self._shown_url()
        if not self.table:
            return place
        return f"{place}#{self.schema_name}.{self.table}" if self.schema_name else f"{place}#{self.table}"

    def state(self) -> str | None:
        """Return the sha256 of the SQLite file, with the moments that the query asks from; None for a server."""
        file = self._file()
        if file is None:
            return None
        check_file(file)
        states = []
        try:
            # What was committed last may still lie in the write-ahead log beside the file.
            for part in (Path(file), Path(f"{file}-wal")):
                if part.exists():
                    with part.open("rb") as opened:
                        states.append(hashlib.file_digest(opened, "sha256").hexdigest())
        except OSError as error:
            raise unreadable(file, error) from error
        return joint([*states, *(f"{name}={value}" for name, value in self._relative(self._params()).items())])

    def collect(self, store: Store, earlier: Snapshot | None = None) -> Snapshot:
        """Ask once, in a transaction that only reads, and keep the rows as an Arrow file."""
        from penstock.sources.database.address import address_of
        from penstock.sources.database.engines import within
        from penstock.sources.database.reading import Brought, Wish, bring
        from penstock.sources.database.session import Question

        address = address_of(self.url.get_secret_value() if self.url else None, self.path)
        params = self._params()
        intake = Intake(self.max_quarantined)
        asked = Question(self.query or "", params, self._table_name())
        if self.query is not None:
            _check_params(asked, address.shown)

        def read(session: Session) -> Brought:
            question = asked if self.query is not None else self._whole_table(session)
            wish = Wish(self.name, question, self._relative(params), self.max_rows, self.watermark)
            return bring(session, wish, store, intake, earlier)

        brought = within(address, self.timeout, read, asked)
        if not brought.table.n_rows:
            raise NoRows(
                "The query gave no rows" if self.query is not None else "The table has no rows",
                where=self.uri,
                expected="at least one row",
                todo="Correct the query or its `params`." if self.query is not None else "",
            )
        origin = {k: address.without_secrets(v) for k, v in brought.origin.items()}
        return self.taken(brought.parts, brought.table, intake, store, origin=origin, watermark=brought.watermark)

    def _table_name(self) -> tuple[str | None, str] | None:
        if self.table is None:
            return None
        schema, dot, table = self.table.rpartition(".")
        # An SQLite file has no schemas, and a table's name may hold a point.
        if dot and schema and self.schema_name is None and self._file() is None:
            return schema, table
        return self.schema_name, self.table

    def _whole_table(self, session: Session) -> Question:
        named = self._table_name()
        if named is None:
            named = (self.schema_name, self._only_table(session.tables(self.schema_name), session.estimates()))
        return session.whole(named[1], named[0])

    def _only_table(self, names: Sequence[str], estimates: Mapping[str, int]) -> str:
        if len(names) == 1:
            return names[0]
        told = [f"{name!r} (about {estimates[name]:,} rows)" if name in estimates else repr(name) for name in names]
        raise SourceError(
            "The database has several tables" if names else "The database has no tables",
            where=self.uri,
            expected=f"one of {', '.join(told)}" if names else "",
            todo="Choose one with --table, in a spec with `table`, or write a `query`." if names else "",
        )

    def _params(self) -> dict[str, Bound]:
        now = dt.datetime.now(dt.UTC)
        return {name: moment_of(value, now) for name, value in self.params.items()}

    def _relative(self, params: Mapping[str, Bound]) -> dict[str, Bound]:
        return {name: value for name, value in params.items() if is_relative(self.params[name])}

    def _file(self) -> str | None:
        if self.path is not None:
            return self.path
        url = self.url.get_secret_value() if self.url else ""
        head, _, rest = url.partition(":///")
        return rest.partition("?")[0] if head.partition("+")[0] == "sqlite" and rest else None

    def _shown_url(self) -> str:
        from penstock.sources.database.address import shown_address

        return shown_address(self.url.get_secret_value() if self.url else "")


def _check_params(asked: Question, where: str) -> None:
    """Check that a query and its parameters name the same ones."""
    wanted = set(asked.clause().compile().params)
    lacking, more = sorted(wanted - set(asked.params)), sorted(set(asked.params) - wanted)
    if lacking or more:
        raise SourceError(
            "The query and its parameters don't fit together",
            where=where,
            got=f"`params` for {', '.join(map(repr, asked.params)) or 'nothing'}",
            expected=", ".join(f":{name}" for name in sorted(wanted)) or "a query that holds :name for each parameter",
            todo="Give each :name in `params`; write \\: for a colon that begins no parameter.",
        )
