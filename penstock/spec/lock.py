"""The lock beside a spec: what was inferred, so that later runs cast to it instead of inferring anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError

from penstock.arrays.decisions import decide
from penstock.errors import SpecError
from penstock.expect.contract import Contract, Written
from penstock.frozen import Frozen, digest_of
from penstock.receipts import Collected
from penstock.slices import ColumnSpec, Typing
from penstock.spec.reading import read_yaml, write_yaml
from penstock.split import SplitRule
from penstock.steps.union import Step
from penstock.steps.wrangling import Wrangling
from penstock.store import write_atomically
from penstock.table import TableSchema

HEAD = """\
# What penstock inferred: types, roles, the split and the automatic plan, with the evidence. Commit it.
# What you want otherwise goes into the spec; `penstock lock SPEC.yaml --update` infers anew.
"""


class Lock(Frozen):
    """Inferred schemas of every source, the rule of the split, and the plan.

    `typed_from` is the digest of the data and the decisions about types that the schemas were inferred from, `decided`
    that of all decisions up to the plan. `grown` says that split or plan came from an earlier lock, so that the data
    alone need not give them again. `expect` is the contract that was proposed, and holds until it is edited; what the
    spec expects goes before it. `suspicious` says what is odd about columns that are features all the same. `digest`
    tells whether a person has edited the rest of the lock since.
    """

    format: int = 1
    tables: dict[str, TableSchema]
    split: SplitRule
    steps: tuple[Step, ...]
    decided: str
    typed_from: str
    grown: bool = False
    expect: Written = Contract()
    suspicious: dict[str, str] = {}
    digest: str = ""

    def sealed(self) -> Self:
        """Return the lock with its own digest filled in."""
        return self.model_copy(update={"digest": self._body_digest()})

    def _body_digest(self) -> str:
        # Other expectations give no other types, nor do suspicions.
        return digest_of(self.model_dump(mode="json", exclude={"digest", "expect", "suspicious"}))[:16]

    def types_are_new(self, collected: Collected, typing: Typing) -> bool:
        """Whether inferring types anew from these inputs could give others than the lock has.

        If not, the arrays stage is keyed as if there were no lock, and a second run finds what the first one made.
        """
        return self.digest != self._body_digest() or self.typed_from != types_digest(collected, typing)

    def plan_is_new(self, collected: Collected, typing: Typing, wrangling: Wrangling) -> bool:
        """Whether inferring split and plan anew from these inputs could give others than the lock has."""
        changed = self.decided != decisions_digest(typing, wrangling)
        return self.grown or changed or self.types_are_new(collected, typing)

    def is_for(self, typing: Typing) -> bool:
        """Whether the lock was made for the same base and target; otherwise nothing in its types can be relied on."""
        base = self.tables.get(typing.base)
        return base is not None and base.target is not None and base.target.name == typing.target

    def locked_tables(self, typing: Typing, made: frozenset[str] = frozenset()) -> dict[str, TableSchema] | None:
        """Return the schemas to cast to; what the spec decides about a column goes before what was inferred.

        Of tables that were `made` of others it is the arrays stage that knows what is left to decide. None where the
        lock was made for another target or base: then nothing in it can be relied on.
        """
        if not self.is_for(typing):
            return None
        undecided = typing.model_copy(update={"columns": {}})
        return {
            name: _overridden(schema, undecided if name in made else typing, name == typing.base)
            for name, schema in self.tables.items()
        }


def types_digest(collected: Collected, typing: Typing) -> str:
    """Return the digest of all that types are inferred from."""
    return digest_of([collected.identity(), _decided(typing)])


def decisions_digest(typing: Typing, wrangling: Wrangling) -> str:
    """Return the digest of what the user decided about types, joins, split and steps."""
    return digest_of([_decided(typing), wrangling.model_dump(mode="json", exclude={"locked_plan", "locked_split"})])


def _decided(typing: Typing) -> dict[str, object]:
    # Without weights, as it was before there were any: so that a lock from then is the one that its spec decides.
    return typing.model_dump(mode="json", exclude={"weight"} if typing.weight is None else set())


def _overridden(schema: TableSchema, typing: Typing, is_base: bool) -> TableSchema:
    undecided = ColumnSpec()
    for_base = typing if is_base else None
    columns = tuple(decide(c, typing.columns.get(c.name, undecided), for_base) for c in schema.columns)
    target = schema.target
    if target is not None:
        retasked = typing.task not in ("auto", target.task)
        if retasked or typing.positive not in (None, target.positive):
            target = None
    return TableSchema(columns=columns, target=target)


def lock_path(spec: Path) -> Path:
    """Return where a spec's lock lies: `churn.yaml` has `churn.lock.yaml`."""
    return spec.with_suffix(".lock.yaml")


def read_lock(path: Path) -> Lock | None:
    """Return the lock, or None where there is none.

    Raises
    ------
    SpecError
        The file is there and cannot be understood.
    """
    if not path.exists():
        return None
    try:
        return Lock.model_validate(read_yaml(path))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = (*first["loc"], *first.get("ctx", {}).get("path", ()))
        raise SpecError(
            "The lock cannot be understood",
            where=f"{path} ({'.'.join(str(p) for p in place)})",
            got=first["msg"],
            todo="Correct it, or make it anew: penstock lock SPEC.yaml --update",
        ) from error


def write_lock(path: Path, lock: Lock) -> None:
    """Write a lock, whole or not at all; a file that already says the same is left alone."""
    sealed = lock.sealed()
    dumped: dict[str, Any] = sealed.model_dump(mode="json", exclude_defaults=True)
    # A step's kind is its default, and the one thing that must be written.
    dumped["steps"] = [
        {"kind": step.kind, **step.model_dump(mode="json", exclude_defaults=True)} for step in sealed.steps
    ]
    data = (HEAD + write_yaml(dumped)).encode()
    if not (path.exists() and path.read_bytes() == data):
        write_atomically(path, data)
