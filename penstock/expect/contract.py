"""The data contract: the expectations that a spec or its lock holds, and what is expressly not expected."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from penstock.expect.outcome import Origin
from penstock.expect.schema import written_schema
from penstock.expect.union import Expectation
from penstock.frozen import Frozen


class Off(Frozen):
    """Nothing of a kind is expected, of one column or of a whole table: what the lock proposes does not hold."""

    kind: str
    table: str = ""
    columns: tuple[str, ...] = ()

    def silences(self, expectation: Expectation) -> bool:
        """Whether an expectation is meant."""
        same = expectation.kind == self.kind and expectation.table == self.table
        return same and (not self.columns or expectation.about == self.columns)


class Contract(Frozen):
    """Expectations in the order in which they were written."""

    expectations: tuple[Expectation, ...] = ()
    off: tuple[Off, ...] = ()

    def for_base(self, base: str, origin: Origin = "spec") -> Contract:
        """Return the contract with the base called by its name, and with where it was written."""
        named = [e.model_copy(update={"table": e.table or base, "origin": origin}) for e in self.expectations]
        off = [o.model_copy(update={"table": o.table or base}) for o in self.off]
        return Contract(expectations=tuple(named), off=tuple(off))


class Terms(Frozen):
    """What a pipeline's tables are held to, and all that is needed to do so.

    `joined` are the tables whose columns the base's rows look up; `aliases` the names that fields had before.
    """

    pipeline: str
    base: str
    joined: tuple[str, ...] = ()
    expectations: tuple[Expectation, ...] = ()
    aliases: dict[str, tuple[str, ...]] = {}

    @property
    def are_empty(self) -> bool:
        """Whether there is nothing to check."""
        return not self.expectations and not self.aliases


def agreed(spec: Contract, lock: Contract, base: str) -> tuple[Expectation, ...]:
    """Return what holds: all that the spec says, and of the lock what the spec says nothing about."""
    own, proposed = spec.for_base(base), lock.for_base(base, "lock")
    held = {e.key: e for e in own.expectations}
    for expectation in proposed.expectations:
        if not any(off.silences(expectation) for off in own.off):
            held.setdefault(expectation.key, expectation)
    return tuple(held.values())


def tables_of(contract: Contract) -> list[str]:
    """Return the tables that a contract names, each once."""
    named: Iterable[str] = (
        *(e.table for e in contract.expectations),
        *(o.table for o in contract.off),
        *(e.to for e in contract.expectations if e.kind == "foreign_key"),
    )
    return [name for name in dict.fromkeys(named) if name]


def _read(value: Any) -> Any:
    from penstock.expect.written import contract_of

    return value if isinstance(value, Contract) else contract_of(value)


def _write(contract: Contract) -> dict[str, Any]:
    from penstock.expect.written import written_of

    return written_of(contract)


# As a spec or a lock has it: read from and written in the short form.
Written = Annotated[Contract, BeforeValidator(_read), PlainSerializer(_write), WithJsonSchema(written_schema())]
