"""How one raw cell was read, in words."""

from __future__ import annotations

from penstock.cells import EXPECTED, NotCast, parse_cell, units_of
from penstock.table import Column


def how_read(column: Column, raw: object) -> str:
    """Return how a raw cell reads as its column's kind.

    Parameters
    ----------
    column : Column
        How its values read.
    raw : object
        The cell as it came.

    Examples
    --------
    >>> price = Column(name="price", kind="float", prefix="$", thousands=",")
    >>> how_read(price, " $1,250.5"), how_read(price, "?"), how_read(price, "free")
    ("float; blanks taken off, '$' taken off, ',' between thousands taken out", "'?' means missing", 'no finite number')
    """
    if raw is None or raw != raw:  # noqa: PLR0124 - true of NaN and NaT alone
        return "nothing there"
    text = raw.strip() if isinstance(raw, str) else ""
    if isinstance(raw, str) and text in column.missing:
        return f"{text!r} means missing" if text else "an empty cell means missing"
    try:
        if parse_cell(column, raw) is None:
            return "this number means missing"
    except NotCast:
        return f"no {EXPECTED[column.kind].removeprefix('a ')}"
    told = _written(column, raw, text) if isinstance(raw, str) else [f"stored as {type(raw).__name__}"]
    return column.kind + (f"; {', '.join(told)}" if told else "")


def _written(column: Column, raw: str, text: str) -> list[str]:
    told = ["blanks taken off"] if raw != text else []
    if column.kind in ("integer", "float"):
        told += _of_number(column, text)
    if column.kind == "boolean":
        folded = text.casefold()
        words = {**dict.fromkeys(column.true_words, "true"), **dict.fromkeys(column.false_words, "false")}
        told += [f"{text!r} means {words[folded]}"] if folded in words else []
    if column.kind in ("datetime", "time"):
        told += [f"as {' or '.join(column.formats)}"] if column.formats else []
        told += [f"time of {column.timezone} turned into UTC"] if column.timezone else []
    return told


def _of_number(column: Column, text: str) -> list[str]:
    told = [f"{column.prefix!r} taken off"] if column.prefix and column.prefix in text else []
    unit = next((u for u in units_of(column) if u and text.endswith(u)), "")
    if unit:
        factor = column.units.get(unit)
        told.append(f"{unit!r} taken off" + (f", times {factor:g}" if factor is not None else ""))
    if column.thousands and column.thousands in text:
        told.append(f"{column.thousands!r} between thousands taken out")
    if "," in column.decimal and "," in text:
        told.append("decimal comma")
    return told
