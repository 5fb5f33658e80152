"""What a new version asks of callers that the live one does not: the changes after which requests no longer fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from penstock.errors import SpecError
from penstock.frozen import Frozen
from penstock.table import Column, Domain, TableSchema, closest

Aliases = Mapping[str, tuple[str, ...]]
MOST_SHOWN = 12
# What a JSON value of a kind is; a whole number is a number, too.
_TYPES = {"integer": "number", "float": "number", "boolean": "boolean", "category": "text", "text": "text"}


class Change(Frozen):
    """One field that a caller sends today, or never had to, and what becomes of it."""

    field: str
    what: Literal["removed", "retyped", "required", "narrowed"]
    told: str


def schema_changes(
    live: TableSchema, new: TableSchema, aliases: Aliases, live_aliases: Aliases | None = None
) -> tuple[Change, ...]:
    """Return the changes that a caller of the live version would have to follow.

    Parameters
    ----------
    live, new : TableSchema
        The columns of the live version and of the one that would take its place.
    aliases : mapping of str to tuple of str
        By field of the new version, the names under which it is accepted, too: such a field was renamed, not removed.
    live_aliases : mapping of str to tuple of str, optional
        The same for the live version: callers may still send those names.

    Returns
    -------
    tuple of Change
        A field that is gone, of another type, needed and not needed before, or of fewer values or spellings than
        before; in the order of the live schema, new fields last.

    Examples
    --------
    >>> age = Column(name="age", kind="integer")
    >>> before, after = TableSchema(columns=(age,)), TableSchema(columns=(age.model_copy(update={"nullable": False}),))
    >>> schema_changes(before, after, {})[0].told
    "'age' may no longer be null or absent"
    """
    renamed = {old: name for name, olds in aliases.items() for old in olds}
    sent = _sent(live, live_aliases or {})
    offered = {c.name: c for c in new.columns if c.role in _ACCEPTED}
    found: list[Change] = []
    for name, column in sent.items():
        now = offered.get(name) or offered.get(renamed.get(name, ""))
        if now is None:
            found.append(Change(field=name, what="removed", told=f"{name!r} is gone"))
        elif now.role not in ("id", "weight"):
            found += _field(name, column, now)
    known = {renamed.get(name, name) for name in sent} | set(sent)
    looked_up = {c.name for c in live.features} - set(sent)
    for column in new.features:
        if column.name not in known and _is_required(column):
            how = "was looked up, and has to be sent now" if column.name in looked_up else "is new, and needed"
            found.append(Change(field=column.name, what="required", told=f"{column.name!r} {how}"))
    return tuple(found)


_ACCEPTED = ("feature", "time", "group", "id", "weight")


def _sent(schema: TableSchema, aliases: Aliases) -> dict[str, Column]:
    """Return the fields that callers send, older names among them; what the bundle looks up, nobody has to send."""
    features = {c.name: c for c in schema.features if c.serve == "request"}
    older = {old: features[name] for name, olds in aliases.items() if name in features for old in olds}
    return features | older


def _is_required(column: Column) -> bool:
    return column.serve == "request" and not column.nullable


def _field(name: str, before: Column, now: Column) -> list[Change]:
    if retyped := _retyped(name, before, now):
        return [Change(field=name, what="retyped", told=retyped)]
    found = []
    if _is_required(now) and not _is_required(before):
        found.append(Change(field=name, what="required", told=f"{name!r} may no longer be null or absent"))
    if narrowed := [*_narrowed(before.domain, now.domain), *_unread(before, now)]:
        found.append(Change(field=name, what="narrowed", told=f"{name!r} {'; '.join(narrowed)}"))
    return found


def _retyped(name: str, before: Column, now: Column) -> str:
    was, is_now = _TYPES.get(before.kind, before.kind), _TYPES.get(now.kind, now.kind)
    if was != is_now:
        return f"{name!r} was a {before.kind} and is a {now.kind}"
    if before.kind == "float" and now.kind == "integer":
        return f"{name!r} was any number and is a whole one"
    if before.unit and now.unit and before.unit != now.unit:
        return f"{name!r} was in {before.unit} and is in {now.unit}"
    if before.kind == "datetime" and before.timezone != now.timezone:
        return f"{name!r} was in {before.timezone or 'UTC'} where it says no zone, and is in {now.timezone or 'UTC'}"
    if any(now.units.get(unit, factor) != factor for unit, factor in before.units.items()):
        return f"{name!r} counts its units otherwise than before"
    return ""


def _narrowed(before: Domain | None, now: Domain | None) -> list[str]:
    if now is None:
        return []
    old = before or Domain()
    found = []
    if now.low is not None and (old.low is None or now.low > old.low):
        found.append(f"must be at least {now.low:g}")
    if now.high is not None and (old.high is None or now.high < old.high):
        found.append(f"must be at most {now.high:g}")
    if now.values is not None and (old.values is None or set(old.values) - set(now.values)):
        found.append("allows fewer values")
    return found


def _unread(before: Column, now: Column) -> list[str]:
    """Return the spellings that were read and are no longer."""
    if _TYPES.get(now.kind) == "text":
        return []
    found = []
    if set(before.decimal) - set(now.decimal):
        found.append("is no longer read with the same decimal sign")
    for what, old, new in (
        ("thousands sign", before.thousands, now.thousands),
        ("unit in front", before.prefix, now.prefix),
        ("unit behind", before.suffix, now.suffix),
    ):
        if old and old != new:
            found.append(f"is no longer read with its {what} {old!r}")
    words = {*before.true_words, *before.false_words} - {*now.true_words, *now.false_words}
    gone = [*sorted(words), *sorted(set(before.formats) - set(now.formats))]
    gone += sorted(set(before.missing) - set(now.missing)) + sorted(set(before.units) - set(now.units))
    if gone:
        found.append(f"no longer reads {', '.join(map(repr, gone[:MOST_SHOWN]))}")
    return found


def check_aliases(aliases: Aliases, features: tuple[str, ...]) -> None:
    """Refuse an alias of what is no feature, or one that a feature bears as its own name.

    Raises
    ------
    SpecError
        Naming the alias, and the feature that was probably meant.
    """
    for name, olds in aliases.items():
        if name not in features:
            raise SpecError(
                f"`aliases` names {name!r}, which is no feature",
                where="aliases",
                expected=closest(name, features),
                todo="Write the new name first, and the old ones behind it: aliases: {new: [old]}",
            )
        taken = next((old for old in olds if old in features), None)
        if taken is not None:
            raise SpecError(
                f"`aliases` gives {name!r} the name {taken!r}, which is a feature itself",
                where="aliases",
                todo="Leave the alias out, or give that column the role `ignored`.",
            )
