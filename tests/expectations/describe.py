"""What every column of the shared data sets is: found out, compared with what was reviewed, and set down in the docs.

`python -m tests.expectations.describe found` prints what is found out now, in the form of `kinds.yaml`: what a person
has looked at goes there. `python -m tests.expectations.describe docs` writes the tables of `docs/kinds.md` from it.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

from penstock.arrays.infer import infer_schema
from penstock.arrays.tally import NULL, tally
from penstock.casting import cast_column
from penstock.slices import Typing
from penstock.sources import read_snapshot, snapshot, source_from
from penstock.store import Store
from penstock.table import MISSING_TOKENS, Column, TableSchema

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
DOCS = ROOT / "docs" / "kinds.md"
MARK = "<!-- The tables below are written by tests/expectations/describe.py from what was reviewed. -->\n"
_READING = ("decimal", "thousands", "prefix", "suffix", "unit", "true_words", "false_words", "formats")

_HEAD = ("column", "kind", "role", "reads as", "missing", "proposed")

Described = dict[str, Any]


def reviewed() -> dict[str, dict[str, dict[str, Described]]]:
    """Return what every column was reviewed to be, by set, table and column."""
    return dict(yaml.safe_load((HERE / "kinds.yaml").read_text(encoding="utf-8")))


def wanted() -> dict[str, dict[str, dict[str, Any]]]:
    """Return how each set is collected, by set and table."""
    return dict(yaml.safe_load((HERE / "sources.yaml").read_text(encoding="utf-8")))


def found(folder: Path, tables: dict[str, dict[str, Any]], store: Store) -> dict[str, dict[str, Described]]:
    """Collect the tables of a set and say what each column is found out to be."""
    described = {}
    for table, how in tables.items():
        name = table.lower()
        taken = snapshot(source_from(how["source"], name, folder), store)
        raw = read_snapshot(taken, store)
        target = how.get("target")
        schema = infer_schema(raw, Typing(base=name, target=target or ""), target is not None)
        described[table] = {c.name: _described(c, schema, raw[c.name]) for c in schema.columns}
    return described


def _described(column: Column, schema: TableSchema, raw: pa.ChunkedArray) -> Described:
    told: Described = {"kind": column.kind}
    if column.role != "feature":
        told["role"] = column.role
    if column.role == "target" and schema.target is not None:
        told["task"] = schema.target.task
    defaults = Column(name="", kind=column.kind)
    for key in _READING:
        value = getattr(column, key)
        if value != getattr(defaults, key):
            told[key] = list(value) if isinstance(value, tuple) else value
    told |= _missing(column, raw)
    n_odd = len(cast_column(column, raw)[1])
    if n_odd:
        told["misfits"] = n_odd
    proposed: dict[str, Any] = {}
    # Which cells do not read is the data's, and stays there.
    for line in column.proposals if column.role != "id" and not n_odd else ():
        proposed |= yaml.safe_load(line)["columns"][column.name]
    return told | ({"proposed": proposed} if proposed else {})


def _missing(column: Column, raw: pa.ChunkedArray) -> Described:
    gone = tally(raw, column.missing).gone
    words = {NULL: "null", "": "blank"}
    tokens = sorted(words.get(token, repr(token)) for token in gone)
    beyond = [t for t in column.missing if t not in MISSING_TOKENS]
    return ({"missing": tokens} if tokens else {}) | ({"also_missing": beyond} if beyond else {})


def dumped(described: dict[str, Any]) -> str:
    """Return descriptions as they stand in `kinds.yaml`: a line a column."""
    lines = []
    for name, tables in described.items():
        lines.append(f"{_flow(name)}:")
        for table, columns in tables.items():
            lines.append(f"  {_flow(table)}:")
            lines += [f"    {_flow(column)}: {_flow(told)}" for column, told in columns.items()]
    return "\n".join(lines) + "\n"


def _flow(value: Any) -> str:
    text: str = yaml.safe_dump(value, default_flow_style=True, width=10**6, allow_unicode=True, sort_keys=False)
    return text.removesuffix("...\n").strip()


def tables_of(described: dict[str, dict[str, dict[str, Described]]]) -> str:
    """Return the tables of the docs."""
    parts = []
    for name, tables in described.items():
        parts.append(f"\n## {name}\n")
        for table, columns in tables.items():
            head = f"\n### {table}\n" if len(tables) > 1 else ""
            parts.append(f"{head}\n| {' | '.join(_HEAD)} |\n{'|---' * len(_HEAD)}|\n")
            parts += [_row(column, told) for column, told in columns.items()]
    return "".join(parts)


def _row(column: str, told: Described) -> str:
    role = told.get("role", "feature") + (f" ({told['task']})" if "task" in told else "")
    missing = ", ".join(f"`{t}`" if t.startswith("'") else t for t in told.get("missing", ()))
    proposed = f"`{_flow(told['proposed'])}`" if "proposed" in told else ""
    cells = (column, told["kind"], role, _reads(told), missing, proposed)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _reads(told: Described) -> str:
    words = []
    if "thousands" in told:
        words.append(f"`{told['thousands']}` between thousands")
    if "decimal" in told:
        words.append(f"decimal `{told['decimal']}`")
    words += [f"`{told[key]}` taken off" for key in ("prefix", "suffix") if key in told]
    if "unit" in told:
        words.append(f"unit {told['unit']}")
    if "true_words" in told:
        words.append(f"{'/'.join(told['true_words'])} is true, {'/'.join(told['false_words'])} is false")
    words += [f"`{form}`" for form in told.get("formats", ())]
    n = told.get("misfits", 0)
    words += ["1 cell does not read" if n == 1 else f"{n:,} cells do not read"] if n else []
    return ", ".join(words)


def head_of(page: str) -> str:
    """Return the part of the page that a person wrote."""
    return page.partition(MARK)[0]


def main() -> None:
    """Print what is found out, or write the tables of the docs."""
    if sys.argv[1:] == ["docs"]:
        DOCS.write_text(head_of(DOCS.read_text(encoding="utf-8")) + MARK + tables_of(reviewed()), encoding="utf-8")
        return
    shared = ROOT.parent / "shared" / "data"
    for name, tables in wanted().items():
        if not sys.argv[2:] or name in sys.argv[2:]:
            with tempfile.TemporaryDirectory() as folder:
                sys.stdout.write(dumped({name: found(shared / name, tables, Store(folder))}))


if __name__ == "__main__":
    main()
