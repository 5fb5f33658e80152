"""The contract as people write it, read into expectations and written back: short where there is nothing special."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from penstock.cells import NotCast, canonical_text
from penstock.expect.base import ExpectationBase
from penstock.expect.columns import Missing, NotNull, Pattern, Range, Unique, Values
from penstock.expect.contract import Contract, Off
from penstock.expect.schema import LAST, NEWEST
from penstock.expect.spans import Span, Unit, span_of
from penstock.expect.tables import Check, ForeignKey, Freshness, RowCount

Path = tuple[str | int, ...]
Parts = dict[str, Any]
E = TypeVar("E", bound=ExpectationBase)

TABLE_KEYS = ("rows", "freshness", "columns", "unique", "checks", "foreign_keys")
COLUMN_KEYS = ("not_null", "unique", "range", "values", "pattern", "missing", "severity")
_LAST, _NEWEST = re.compile(LAST), re.compile(NEWEST)


def contract_of(written: object) -> Contract:
    """Read a contract.

    Raises
    ------
    PydanticCustomError
        Something in it cannot be understood; its context has the `path` to the place.

    Examples
    --------
    >>> contract = contract_of({"rows": "0.8..1.5 x last", "columns": {"age": {"not_null": True, "range": "0..120"}}})
    >>> [e.words() for e in contract.expectations]
    ['rows 0.8..1.5 x last', 'not null', 'range 0..120']
    """
    section = _mapping(written, (), (*TABLE_KEYS, "tables"))
    found = list(_table({k: v for k, v in section.items() if k != "tables"}, "", ()))
    for name, inner in _mapping(section.get("tables") or {}, ("tables",)).items():
        path: Path = ("tables", name)
        found += _table(_mapping(inner, path, TABLE_KEYS), str(name), path)
    off = sorted((o for o in found if isinstance(o, Off)), key=lambda o: (o.table, o.columns, o.kind))
    return Contract(expectations=tuple(e for e in found if isinstance(e, ExpectationBase)), off=tuple(off))


def _wrong(path: Path, message: str, **context: object) -> PydanticCustomError:
    told = {"message": message, "path": list(path), **context}
    return PydanticCustomError("written", "{message}", told)


def _mapping(value: object, path: Path, keys: Sequence[str] = ()) -> Parts:
    if not isinstance(value, Mapping):
        raise _wrong(path, f"{value!r} is not a mapping" + (f" of {', '.join(keys)}" if keys else ""))
    for key in value if keys else ():
        if key not in keys:
            raise _wrong((*path, str(key)), f"unknown key {key!r}", key=str(key), known=list(keys))
    return {str(key): inner for key, inner in value.items()}


def _table(section: Parts, table: str, path: Path) -> Iterator[ExpectationBase | Off]:
    readers: dict[str, Callable[[Any, Path], ExpectationBase]] = {"rows": _rows, "freshness": _freshness}
    # In one order, whichever they were written in.
    for key in (k for k in TABLE_KEYS if k in section):
        value, here = section[key], (*path, key)
        if key == "columns":
            for name, inner in _mapping(value or {}, here).items():
                yield from _column(name, inner, table, (*here, name))
        elif value is None or value is False or value in ([], ()):
            yield Off(kind={"checks": "check", "foreign_keys": "foreign_key"}.get(key, key), table=table)
        elif key in readers:
            yield _placed(readers[key](value, here), table)
        else:
            for made in _several(key, value, here):
                yield _placed(made, table)


def _placed(made: E, table: str) -> E:
    return made.model_copy(update={"table": table})


def _several(key: str, value: Any, path: Path) -> Iterator[ExpectationBase]:
    if key == "checks":
        for i, one in enumerate(_listed(value)):
            yield _made(Check, _parts(one, (*path, i), "check"), (*path, i), check="expression")
    elif key == "foreign_keys":
        for i, one in enumerate(_listed(value)):
            yield _foreign_key(one, (*path, i))
    else:
        together = _listed(value)
        groups = together if any(isinstance(g, list | tuple | Mapping) for g in together) else [together]
        for i, group in enumerate(groups):
            parts = _parts(group, (*path, i), "columns")
            yield _made(Unique, parts | {"columns": _listed(parts.get("columns"))}, (*path, i))


def _listed(value: object) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _parts(value: object, path: Path, *keys: str) -> Parts:
    """Return a mapping's parts; what is no mapping is the first of them."""
    return _mapping(value, path, (*keys, "severity")) if isinstance(value, Mapping) else {keys[0]: value}


def _made(kind: type[E], parts: Parts, path: Path, **renamed: str) -> E:
    """Return an expectation; keys of the written form may have another name in it."""
    try:
        return kind.model_validate({renamed.get(key, key): value for key, value in parts.items()})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        names = {field: key for key, field in renamed.items()}
        at = tuple(names.get(str(p), p) for p in first["loc"][:1] if str(p) in parts or str(p) in names)
        lacking = f"{'.'.join(map(str, first['loc']))}: " if first["type"] == "missing" else ""
        raise _wrong((*path, *at), lacking + str(first["msg"]).removeprefix("Value error, ")) from None


def _span(written: object, path: Path, *units: Unit) -> Span:
    errors = []
    for unit in units:
        try:
            return span_of(written, unit)
        except ValueError as error:
            errors.append(str(error))
    raise _wrong(path, errors[0])


def _rows(value: object, path: Path) -> RowCount:
    parts = _parts(value, path, "span")
    text = parts.pop("span", None)
    last = _LAST.match(text) if isinstance(text, str) else None
    span = _span(last["span"] if last else text, path, "number")
    return _made(RowCount, {"span": span, "of": "last" if last else "count", **parts}, path)


def _freshness(value: object, path: Path) -> Freshness:
    parts = _parts(value, path, "newest", "column")
    column, text = parts.pop("column", ""), parts.pop("newest", None)
    found = _NEWEST.match(text) if isinstance(text, str) else None
    if found is None:
        raise _wrong(path, f"{text!r} is not an age such as 'newest <= 2d' or 'newest(COLUMN) <= 2d'")
    if column and found["column"]:
        raise _wrong(path, "the column is named twice")
    span = _span(found["span"], path, "duration")
    return _made(Freshness, {"column": column or found["column"] or "", "span": span, **parts}, path)


def _foreign_key(value: object, path: Path) -> ForeignKey:
    parts = _mapping(value, path, ("column", "columns", "table", "key", "keys", "orphans", "severity"))
    for one, many in (("column", "columns"), ("key", "keys")):
        if one in parts:
            parts[many] = parts.pop(one)
        parts[many] = _listed(parts[many]) if many in parts else list(parts.get("columns", []))
    if "orphans" in parts:
        parts["orphans"] = _span(parts["orphans"], (*path, "orphans"), "share")
    return _made(ForeignKey, parts, path, table="to", keys="to_columns")


def _column(name: str, section: object, table: str, path: Path) -> Iterator[ExpectationBase | Off]:
    parts = _mapping({} if section is None else section, path, COLUMN_KEYS)
    severity = parts.pop("severity", None)
    for key, value in parts.items():
        if value is None or value is False:
            yield Off(kind=key, table=table, columns=(name,))
            continue
        inner = _of_column(key, value, (*path, key))
        if severity is not None:
            inner.setdefault("severity", severity)
        owner = {"columns": (name,)} if key == "unique" else {"column": name}
        yield _made(_COLUMN_KINDS[key], {**inner, **owner, "table": table}, (*path, key))


_COLUMN_KINDS: dict[str, type[ExpectationBase]] = {
    "not_null": NotNull,
    "unique": Unique,
    "range": Range,
    "values": Values,
    "pattern": Pattern,
    "missing": Missing,
}


def _of_column(key: str, value: Any, path: Path) -> Parts:
    if key in ("not_null", "unique"):
        if value is not True and not isinstance(value, Mapping):
            raise _wrong(path, f"{value!r} is neither true nor false")
        return _mapping(value, path, ("severity",)) if isinstance(value, Mapping) else {}
    if key == "range":
        parts = _parts(value, path, "span")
        return {"span": _span(parts.pop("span", None), path, "number", "moment"), **parts}
    if key == "values":
        parts = _parts(value, path, "allowed")
        return parts | {"allowed": [_text(v, path) for v in _listed(parts.get("allowed"))]}
    if key == "pattern":
        return _parts(value, path, "matches")
    parts = _parts(value, path, "share")
    return {"span": _span(parts.pop("share", None), path, "share"), **parts}


def _text(value: object, path: Path) -> str:
    try:
        return canonical_text(value)
    except NotCast:
        raise _wrong(path, f"{value!r} is no value that a cell can hold") from None


def written_of(contract: Contract) -> Parts:
    """Return a contract's written form: `contract_of` reads it back as it was."""
    tables = list(dict.fromkeys(e.table for e in (*contract.expectations, *contract.off)))
    sections = {table: _section(contract, table) for table in tables}
    named = {table: section for table, section in sections.items() if table}
    return sections.get("", {}) | ({"tables": named} if named else {})


def _section(contract: Contract, table: str) -> Parts:
    made: Parts = {}
    columns: dict[str, Parts] = {}
    for expectation in contract.expectations:
        if expectation.table == table:
            _write(expectation, made, columns)
    for off in (o for o in contract.off if o.table == table):
        if off.columns:
            columns.setdefault(off.columns[0], {})[off.kind] = False
        else:
            made[{"check": "checks", "foreign_key": "foreign_keys"}.get(off.kind, off.kind)] = None
    made |= {"columns": columns} if columns else {}
    return {key: made[key] for key in TABLE_KEYS if key in made}


def _write(expectation: ExpectationBase, made: Parts, columns: dict[str, Parts]) -> None:
    special = {} if expectation.severity == "error" else {"severity": expectation.severity}
    match expectation:
        case RowCount():
            text = f"{expectation.span}{' x last' if expectation.of == 'last' else ''}"
            made["rows"] = _form(text, {"span": text}, special)
        case Freshness():
            text = f"newest{f'({expectation.column})' if expectation.column else ''} {expectation.span}"
            made["freshness"] = _form(text, {"newest": text}, special)
        case Check():
            text = expectation.expression
            made.setdefault("checks", []).append(_form(text, {"check": text}, special))
        case ForeignKey():
            made.setdefault("foreign_keys", []).append(_written_key(expectation) | special)
        case Unique() if len(expectation.columns) > 1:
            names = list(expectation.columns)
            made.setdefault("unique", []).append(_form(names, {"columns": names}, special))
        case _:
            terse, long = _cell_form(expectation)
            columns.setdefault(expectation.about[0], {})[expectation.name] = _form(terse, long, special)


def _form(terse: Any, long: Parts, special: Parts) -> Any:
    return {**long, **special} if special else terse


def _written_key(key: ForeignKey) -> Parts:
    one = len(key.columns) == 1
    parts = {
        "column" if one else "columns": key.columns[0] if one else list(key.columns),
        "table": key.to,
        "key" if one else "keys": key.to_columns[0] if one else list(key.to_columns),
    }
    return parts | ({} if key.orphans == Span(high=0.0, unit="share") else {"orphans": str(key.orphans)})


def _cell_form(expectation: ExpectationBase) -> tuple[Any, Parts]:
    match expectation:
        case Range(span=span):
            return str(span), {"span": str(span)}
        case Values(allowed=allowed):
            return list(allowed), {"allowed": list(allowed)}
        case Pattern(matches=matches):
            return matches, {"matches": matches}
        case Missing(span=span):
            return str(span), {"share": str(span)}
    return True, {}
