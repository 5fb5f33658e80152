"""The automatic plan: which steps a table needs, each with the reason why."""

from __future__ import annotations

from collections.abc import Mapping

from penstock.steps.categories.rare import Rare
from penstock.steps.categories.tidy import Tidy
from penstock.steps.missing.fill import Fill
from penstock.steps.outliers.isolated import Isolated
from penstock.steps.rows.duplicates import Duplicates
from penstock.steps.rows.misfits import Misfits
from penstock.steps.time.calendar import Calendar
from penstock.steps.union import Step
from penstock.steps.values.bounds import Bounds
from penstock.table import TableSchema

# Below this share of missing values a flag would be nearly constant.
FLAG_FROM = 0.01
# Without an id, equal rows may be different things that look alike: then only few of them can be mistakes.
COPIES_AT_MOST = 0.25
# What the encoder keeps of a column: it counts and averages levels of which there are many.
MOST_LEVELS = 50_000


def propose(schema: TableSchema, missing: Mapping[str, float], identified: bool = False) -> tuple[Step, ...]:
    """Return the steps for a table.

    Parameters
    ----------
    schema : TableSchema
        Its features decide which steps there are.
    missing : mapping of str to float
        The share of training rows in which a column has no value.
    identified : bool
        Whether rows carry an id, so that equal rows can only be copies.

    Returns
    -------
    tuple of Step
        The same for the same arguments; each says in `why` what it is for, and `penstock.steps.evidence` adds how much
        there is for it to do.
    """
    features = schema.features
    numbers = [c.name for c in features if c.is_numeric]
    texts = [c.name for c in features if c.kind in ("category", "text")]
    # Of sentences each is rare, and what is told of them is in their words.
    categories = tuple(c.name for c in features if c.kind == "category")
    moments = [c.name for c in features if c.kind == "datetime"]
    measured = [c for c in features if c.kind in ("integer", "float")]
    domains = {c.name: c.domain for c in features if c.domain is not None and c.kind != "datetime"}
    flags = tuple(name for name in numbers if missing.get(name, 0.0) >= FLAG_FROM and f"{name}_missing" not in numbers)
    steps: list[Step] = [
        Misfits(why="a row with a cell that cannot be read teaches something wrong"),
        Duplicates(
            at_most=1.0 if identified else COPIES_AT_MOST,
            why="a row told twice would count twice" + ("" if identified else ", unless equal rows are common here"),
        ),
    ]
    if domains:
        steps.append(Bounds(domains=domains, why="values outside the declared domain cannot be true"))
    if moments:
        steps.append(Calendar(why=f"{_some(moments)}: models take numbers, not dates"))
    named = None if len(categories) == len(texts) else categories
    if categories:
        why = f"{_some(list(categories))}: spellings that differ in case and blanks mean the same"
        steps.append(Tidy(columns=named, why=why))
    if measured:
        steps.append(Isolated(why="numbers far from all others, with nothing in between, were written down wrongly"))
    steps.append(Fill(flag=flags, why=_why_fill(flags)))
    if categories:
        why = "texts that are seldom, or that training rows never had, are taken together"
        steps.append(Rare(columns=named, at_most=MOST_LEVELS, why=why))
    return tuple(steps)


def _why_fill(flags: tuple[str, ...]) -> str:
    told = f"; {_some(list(flags))} also say where they were missing" if flags else ""
    return f"a request may lack a value even where training rows have all{told}"


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
