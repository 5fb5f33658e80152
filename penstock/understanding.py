"""What was understood of the data, told back: target, columns left out, columns converted, what looks suspicious."""

from __future__ import annotations

from penstock.arrays.profile import Profile
from penstock.frozen import Frozen
from penstock.receipts import Arrays, Wrangled
from penstock.steps.audit import Audit
from penstock.store import Store
from penstock.suspicion.suspicion import Suspicion, lines_of
from penstock.table import MISSING_TOKENS, Column, TableSchema, Target

MANY_LEVELS = 255


class Understanding(Frozen):
    """One source's rows and columns, told in sentences; `(name, sentence)` for columns.

    `proposed` are lines for the spec, as `(name, line)`: what may mean a missing value, and what may be read otherwise.
    `late` are columns that may be known only after the fact, with the evidence; they are features until the spec holds
    one of the lines in `late_lines`.
    """

    table: str
    n_rows: int
    n_columns: int
    target: Target | None
    left_out: tuple[tuple[str, str], ...]
    converted: tuple[tuple[str, str], ...]
    suspicious: tuple[tuple[str, str], ...]
    proposed: tuple[tuple[str, str], ...] = ()
    late: tuple[tuple[str, str], ...] = ()
    late_lines: tuple[str, ...] = ()


def understand(arrays: Arrays, store: Store, wrangled: Wrangled | None = None) -> tuple[Understanding, ...]:
    """Return what the arrays stage understood of every source; and, after wrangling, what is odd about the features."""
    odd: tuple[Suspicion, ...] = ()
    if wrangled is not None:
        odd = Audit.model_validate_json(store.read_bytes(wrangled.audit)).suspicious
    told = []
    for table in arrays.tables:
        schema = TableSchema.model_validate_json(store.read_bytes(table.table_schema))
        profile = Profile.model_validate_json(store.read_bytes(table.profile))
        misfits = store.read_frame(table.misfits)["column"].value_counts().to_dict()
        # What is odd is told of the base, which is what the others are joined to.
        late = tuple(s for s in odd if s.is_late and table is arrays.tables[0])
        twice = tuple((s.column, s.what) for s in odd if not s.is_late and table is arrays.tables[0])
        told.append(
            Understanding(
                table=table.name,
                n_rows=table.raw.n_rows,
                n_columns=len(table.raw.columns),
                target=schema.shown_target,
                left_out=tuple((c.name, _why_left_out(c)) for c in schema.columns if c.role not in _USED),
                converted=tuple((c.name, how) for c in schema.columns if (how := _how_converted(c))),
                suspicious=(*_suspicious(schema, profile, {str(k): int(v) for k, v in misfits.items()}), *twice),
                late=tuple((s.column, s.what) for s in late),
                late_lines=lines_of(late),
                # That an id could be a feature is no news.
                proposed=tuple((c.name, line) for c in schema.columns if c.role != "id" for line in c.proposals),
            )
        )
    return tuple(told)


_USED = ("feature", "target", "time", "group")


def _why_left_out(column: Column) -> str:
    reasons = {
        "id": "identifies rows",
        "known_after": "known only after the fact",
        "weight": "says how much a row counts",
        "ignored": "carries nothing to learn",
    }
    return column.evidence or reasons.get(column.role, column.role)


def _how_converted(column: Column) -> str:
    parts = []
    if column.kind in ("integer", "float"):
        if column.suffix or column.prefix:
            parts.append(f"unit {(column.prefix or column.suffix)!r} taken off")
        if column.units:
            told = ", ".join(f"{unit} = {factor:g}" for unit, factor in column.units.items())
            parts.append(f"units converted ({told})")
        if column.decimal != ".":
            parts.append("decimal comma" if column.decimal == "," else "decimal points and commas both read")
        if column.thousands:
            parts.append(f"thousands sign {column.thousands!r} taken out")
    if column.kind == "boolean" and column.true_words and not column.private:
        parts.append(f"{'/'.join(column.true_words)} is true, {'/'.join(column.false_words)} is false")
    if column.kind in ("datetime", "time") and column.formats:
        parts.append(f"date or time as {', '.join(column.formats)}")
    if column.timezone:
        parts.append(f"times of {column.timezone} turned into UTC")
    declared = [t for t in column.missing if t not in MISSING_TOKENS]
    if declared:
        told = "what the spec declares is" if column.private else ", ".join(map(repr, declared))
        parts.append(f"{told} read as missing")
    return "; ".join(parts)


def _unread(n: int, kind: str) -> str:
    if n == 1:
        return f"1 cell does not read as {kind}: its row goes to the rejected table"
    return f"{n:,} cells do not read as {kind}: their rows go to the rejected table"


def _suspicious(schema: TableSchema, profile: Profile, misfits: dict[str, int]) -> tuple[tuple[str, str], ...]:
    found = [(name, _unread(n, schema.column(name).kind)) for name, n in misfits.items()]
    for column in schema.features:
        seen = profile.columns.get(column.name)
        if seen is None or not profile.n_rows:
            continue
        if seen.missing > 0.5 * profile.n_rows:
            found.append((column.name, f"{seen.missing / profile.n_rows:.0%} missing"))
        if column.kind == "category" and seen.distinct > MANY_LEVELS:
            found.append((column.name, f"{seen.distinct:,} different texts: the rare ones are taken together"))
    used = {column.name for column in schema.features}
    found += [(c.column, f"follows from others: {c.relation}") for c in profile.matrix.collinear if c.column in used]
    return tuple(found)
