"""Sentences on a run that the HTML and the markdown dossier share."""

from __future__ import annotations

from collections.abc import Mapping

from penstock.report.facts import ColumnFact, DossierFacts
from penstock.report.words import clipped, count, number, percent
from penstock.steps.audit import ColumnReading, Example, JoinReading, StepAudit

MOST_STEPS = 60
MOST_EXAMPLES = 24
MOST_READINGS = 60
MOST_NOTABLE = 40


def lead(facts: DossierFacts) -> str:
    """Return what the model does and how well, in a sentence or two."""
    task = {"binary": "one of two classes", "multiclass": "one of several classes", "regression": "a number"}
    task["forecast"] = "a number at later times"
    told = f"Predicts {facts.target.name}, {task.get(facts.target.task, facts.target.task)}, from {_sources(facts)}."
    state = {
        "published": f"Version {facts.version} is live.",
        "unchanged": f"The same model is live already, as version {facts.version}.",
        "refused": "It was not published.",
        "kept": "It passed the gate and was kept aside, as asked.",
        "candidate": "This page was sealed with the model, before it was published.",
    }
    return f"{told} {state[facts.state]}"


def _sources(facts: DossierFacts) -> str:
    names = [source.name for source in facts.sources]
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return f"{count(facts.n_columns, 'column')} of {shown}" if names else count(facts.n_columns, "column")


def badge(facts: DossierFacts) -> tuple[str, str]:
    """Return the state in a word or two, and its tone: good, bad, warn or none."""
    known = {
        "published": ("published", "good"),
        "unchanged": ("unchanged", "good"),
        "refused": ("refused", "bad"),
        "kept": ("not published", "warn"),
    }
    passed = ("passed the gate", "good") if facts.verdict.passed else ("refused by the gate", "bad")
    return known.get(facts.state, passed)


def challenge(facts: DossierFacts) -> str:
    """Return who won, champion or challenger, and how sure that is."""
    found = facts.challenge
    if found is None:
        return ""
    if found.difference is None:
        why = f": {found.note}" if found.note else ""
        return f"The champion {found.champion} could not be compared with{why}."
    better = found.difference.value
    sure = found.difference.low > 0 or found.difference.high < 0
    how = "better" if better > 0 else "worse" if better < 0 else "neither better nor worse"
    by = f" by {number(abs(better))}" if better else ""
    chance = (
        "; the interval leaves no doubt about the direction"
        if sure
        else "; that may be chance, as the interval holds 0"
    )
    note = f" {found.note[:1].upper()}{found.note[1:]}." if found.note else ""
    return f"The new model is {how}{by} than {found.champion}{chance}.{note}"


def notable(facts: DossierFacts) -> list[ColumnFact]:
    """Return the columns that the model does not use, and why."""
    used = ("feature", "target")
    return [column for column in facts.columns if column.role not in used][:MOST_NOTABLE]


def steps(facts: DossierFacts) -> list[StepAudit]:
    """Return the steps' accounts, bounded."""
    return list(facts.audit.steps[:MOST_STEPS])


def examples(facts: DossierFacts) -> list[tuple[str, Example]]:
    """Return cells before and after, with the step that changed them; of every step some, as far as there is room."""
    rounds = range(max((len(step.examples) for step in facts.audit.steps), default=0))
    picked = [
        (step.step, step.examples[i], k)
        for i in rounds
        for k, step in enumerate(steps(facts))
        if i < len(step.examples)
    ]
    return [(name, example) for name, example, _ in sorted(picked[:MOST_EXAMPLES], key=lambda item: item[2])]


def cell(text: str | None) -> str:
    """Return a cell's text where nothing would be seen of it.

    Examples
    --------
    >>> cell(None), cell(" "), cell("7")
    ('missing', 'empty', '7')
    """
    return "missing" if text is None else text if text.strip() else "empty"


def most_changed(step: StepAudit, most: int = 3) -> str:
    """Return the columns that a step changed most, and how many more there are."""
    columns = _largest(step.columns)
    shown = ", ".join(f"{name} ({n:,})" for name, n in columns[:most])
    rest = len(columns) + step.more_columns - most
    return f"{shown} and {rest:,} more" if rest > 0 else shown


def step_told(step: StepAudit) -> str:
    """Return what there is to say of a step beside its counts: why it is there, and what it found."""
    parts = [step.why] if step.why else []
    # An automatic plan gives what a step finds as its reason, too.
    parts += [step.note] if step.note and step.note not in step.why else []
    text = clipped("; ".join(parts), 600)
    flagged = f"{count(step.flagged, 'held-out row')} flagged and kept." if step.flagged else ""
    return "; ".join(part for part in (text, flagged) if part)


def _largest(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    # Canonical JSON sorts keys, so the order of writing is gone.
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def odd(reading: ColumnReading) -> str:
    """Return what was odd about a column's raw cells.

    Examples
    --------
    >>> odd(ColumnReading(table="t", column="x", missing={"?": 3, "null": 1}, decimal_commas=2))
    "4 missing ('?' 3, null 1); 2 with a decimal comma"
    >>> odd(ColumnReading(table="t", column="x", missing={"": 1}))
    '1 missing (empty 1)'
    """
    told = []
    if reading.missing:
        names = {"null": "null", "": "empty"}
        spelled = [f"{names.get(sign, repr(sign))} {n:,}" for sign, n in _largest(reading.missing)[:6]]
        told.append(f"{sum(reading.missing.values()):,} missing ({', '.join(spelled)})")
    kinds = (
        (reading.decimal_commas, "with a decimal comma"),
        (reading.thousands, "with a thousands sign"),
        (reading.prefixes, "with a unit in front"),
        (reading.suffixes, "with a unit behind"),
        (reading.blanks, "with blanks around"),
        (reading.misfits, "that could not be read"),
    )
    return "; ".join([*told, *(f"{n:,} {what}" for n, what in kinds if n)])


def readings(facts: DossierFacts) -> list[tuple[ColumnReading, str]]:
    """Return the columns whose raw cells were odd, and how."""
    told = [(reading, odd(reading)) for reading in facts.audit.readings]
    return [(reading, how) for reading, how in told if how][:MOST_READINGS]


def found(join: JoinReading) -> str:
    """Return what the rows of a table found in another.

    Examples
    --------
    >>> ports = JoinReading(table="ports", rows=9, duplicates_removed=0, keyless=0, matched=7, orphans=2, columns=3)
    >>> found(ports.model_copy(update={"examples": ("SJU", "BQN"), "share": 7 / 9}))
    '3 columns of its 9 rows were looked up for 7 rows (77.8 %). 2 rows have a key that it lacks (SJU, BQN).'
    """
    rows = f"{count(join.matched, 'row')} ({percent(join.share)})"
    told = [f"{count(join.columns, 'column')} of its {count(join.rows, 'row')} were looked up for {rows}."]
    if join.orphans:
        shown = f" ({', '.join(join.examples)}{', …' if join.orphans > len(join.examples) else ''})"
        verb = "has" if join.orphans == 1 else "have"
        told.append(f"{count(join.orphans, 'row')} {verb} a key that it lacks{shown if join.examples else ''}.")
    if join.unkeyed:
        told.append(f"{count(join.unkeyed, 'row')} without a key found nothing.")
    if join.stale:
        told.append(f"For {count(join.stale, 'row')} what there was is too old.")
    gone = [(join.duplicates_removed, "exact copies"), (join.keyless, "rows without a key or time")]
    left = [f"{n:,} {what}" for n, what in gone if n]
    return " ".join([*told, *([f"Left out of {join.table}: {' and '.join(left)}."] if left else [])])


def labels(facts: DossierFacts) -> str:
    """Return how labels were spelled, where several spellings were merged."""
    found = facts.audit.labels
    if not found.cells and not found.merged:
        return ""
    spelled = [f"{' '.join(text.split()) or 'blank'!r} ({n:,})" for text, n in _largest(found.merged)[:8]]
    more = f" and {len(found.merged) - 8} more" if len(found.merged) > 8 else ""
    listed = f": {', '.join(spelled)}{more}" if spelled else ""
    return f"Merged into their label: {count(found.cells, 'cell')} in another spelling{listed}."
