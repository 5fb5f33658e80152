"""Before and after: what typing, every step and all of them together made of the columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from penstock.blocks import Blocks, Texts
from penstock.explore.changes import changed_column, far_of, missing_of, typing_changes
from penstock.explore.replay import Replayed, replay
from penstock.explore.sample import Sample
from penstock.explore.sketch import Sketch, shortened
from penstock.explore.told import counted, joined, named, of_points
from penstock.plots.cleaning import Changed
from penstock.plots.cleaning import before_after as draw_before_after
from penstock.plots.levels import MISSING
from penstock.plots.words import listed
from penstock.steps.audit import Audit, StepAudit
from penstock.steps.changes import compare, filled
from penstock.steps.hidden import is_hidden

MOST_STEPS = 12
MOST_DRAWN = 3
# In plans with more steps than this fewer columns of each are drawn.
FEW_STEPS = 6
MOST_CHANGED = 6
MOST_SIGNS = 300


def before_after(sample: Sample, audit: Audit) -> Iterator[Sketch]:
    """Give what typing did, what each step did, and what they did together."""
    entries = audit.steps[len(audit.steps) - len(sample.plan.steps) :]
    steps, idle, done = _steps(sample, entries)
    found = [sketch for sketch in (_whole(sample), _typing(sample, audit), *steps) if sketch is not None]
    others = _told_of_others(entries, idle, done)
    yield from (replace(sketch, caption=joined(sketch.caption, others)) for sketch in found[:1])
    yield from found[1:]


def _steps(sample: Sample, entries: Sequence[StepAudit]) -> tuple[list[Sketch], list[str], int]:
    """Return the figures of the steps that changed most, the names of those without one, and how many were replayed."""
    found: list[tuple[float, int, Sketch]] = []
    idle, done = [], 0
    for made in replay(sample, entries):
        done += 1
        sketch = _step(sample, made, len(entries))
        if sketch is None:
            idle.append(made.entry.step)
        else:
            entry = made.entry
            gone = (entry.rows_in - entry.rows_out) / max(entry.rows_in, 1)
            found.append((-max(entry.share, gone), made.number, sketch))
    chosen = sorted(found, key=lambda each: each[:2])[:MOST_STEPS]
    passed = sorted(found, key=lambda each: each[:2])[MOST_STEPS:]
    idle += [f"{entries[number - 1].step} (changed less)" for _, number, _ in passed]
    return [sketch for _, _, sketch in sorted(chosen, key=lambda each: each[1])], idle, done


def _told_of_others(entries: Sequence[StepAudit], idle: Sequence[str], done: int) -> str:
    late = [entry.step for entry in entries[done:]]
    return joined(
        f"Steps without a figure of their own, as they changed nothing in the rows replayed: {listed(list(idle))}."
        if idle
        else "",
        f"From `{late[0]}` on steps need more rows or columns than can be replayed here." if late else "",
    )


def _step(sample: Sample, made: Replayed, n_steps: int) -> Sketch | None:
    drawn = _by_rows(sample, made) if made.entry.nature == "row" else _by_cells(sample, made)
    gone = [n for n in made.before.names if n not in made.after and not _hides(sample, n)]
    if not drawn:
        drawn = [changed_column(n, made.before.column(n), None, sample.units) for n in gone[: _drawn(sample)]]
    if not drawn:
        return None
    fewer = made.entry.rows_in - made.entry.rows_out
    entry = made.entry
    counts = _counts(sample, made)
    most = [name for name in entry.columns if not _hides(sample, name)]
    what = (
        f"{entry.cells_changed:,} cells changed ({entry.share:.1%})"
        if entry.nature != "row"
        else f"{fewer:,} were rejected"
    )
    if most and entry.nature != "row":
        what += f", most in {named(most[0])} ({entry.columns[most[0]]:,})"
    went = made.before.n_rows - len(made.kept)
    beside = f", {went:,} of them rejected" if went else ""
    learned = ", and what the step learns is learned from them" if entry.nature == "learned" else ""
    told = joined(
        f"Step {made.number} of {n_steps}, `{entry.step}`: of {entry.rows_in:,} rows {entry.rows_out:,} went on, "
        f"{what}.",
        f"Taken out: {listed(gone)}." if gone else "",
        f"Drawn are {counted(made.before.n_rows, 'row')} of training, replayed{beside}{learned}. Look for a shape that "
        "the step should not have changed.",
    )
    name = f"step-{made.number}"
    title = f"Before and after step {made.number}: {entry.step}"
    return Sketch(name, title, told, draw_before_after, (drawn, counts), shortened([c.name for c in drawn]))


def _drawn(sample: Sample) -> int:
    return MOST_DRAWN if len(sample.plan.steps) <= FEW_STEPS else MOST_DRAWN - 1


def _hides(sample: Sample, name: str) -> bool:
    return bool(sample.hidden) and is_hidden(name, sample.hidden)


def _by_cells(sample: Sample, made: Replayed) -> list[Changed]:
    """Return the columns with most changed cells, then those that the step made."""
    rows = np.arange(made.before.n_rows)
    counts, _ = compare(made.before, made.after, rows, frozenset(made.before.names))
    new, _ = filled(made.before, made.after, rows, frozenset(made.after.names))
    names = [*sorted(counts, key=lambda n: -counts[n]), *new]
    shown = [name for name in names if not _hides(sample, name)][: _drawn(sample)]
    return [
        changed_column(
            name,
            made.before.column(name) if name in made.before else None,
            made.after.column(name),
            sample.units,
            (f"{counted(counts[name], 'cell')} of these changed",) if name in counts else (),
        )
        for name in shown
    ]


def _by_rows(sample: Sample, made: Replayed) -> list[Changed]:
    """Return the columns in which rows that went differ most from those that stayed."""
    gone = np.setdiff1d(np.arange(made.before.n_rows), made.kept)
    if not len(gone):
        return []
    differ: dict[str, float] = {}
    for name in made.before.number_names:
        values = made.before.number(name)
        left, went = values[made.kept], values[gone]
        if _hides(sample, name) or not np.isfinite(left).any() or not np.isfinite(went).any():
            continue
        with np.errstate(over="ignore", invalid="ignore"):
            spread = float(np.nanstd(left))
            differ[name] = abs(float(np.nanmean(went) - np.nanmean(left))) / spread if spread > 0 else 0.0
    names = sorted(differ, key=lambda n: -np.nan_to_num(differ[n]))[: _drawn(sample)]
    names += [n for n in made.before.texts if not _hides(sample, n)][: _drawn(sample) - len(names)]
    return [changed_column(n, made.before.column(n), made.after.column(n), sample.units) for n in names]


def _counts(sample: Sample, made: Replayed) -> list[tuple[str, int, int]]:
    sides = [(blocks, [n for n in blocks.names if not _hides(sample, n)]) for blocks in (made.before, made.after)]
    rows, columns = [[blocks.n_rows for blocks, _ in sides], [len(names) for _, names in sides]]
    counts = [("rows", rows[0], rows[1]), ("columns", columns[0], columns[1])]
    for told, count in (("missing cells", missing_of), ("far values", far_of)):
        before, after = (sum(count(blocks.column(name)) for name in names) for blocks, names in sides)
        counts.append((told, before, after))
    return counts


def _typing(sample: Sample, audit: Audit) -> Sketch | None:
    """Return the cells that typing read as something else than the text that stood there."""
    read: dict[str, tuple[Counter[str], Counter[str]]] = {}
    for name in sample.read.columns:
        column = sample.raw.raw(str(name), sample.drawn)
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            pair = _read_anew(column.to_pylist(), sample.read[name].tolist())
            if pair[0]:
                read[str(name)] = pair
    names = sorted(read, key=lambda n: -read[n][0].total())[:MOST_CHANGED]
    entry = audit.steps[0] if audit.steps and audit.steps[0].nature == "typing" else None
    if not names or entry is None or not entry.cells_changed:
        return None
    rest = len(read) - len(names)
    told = joined(
        f"What typing read as something else than the text that stood there: {entry.cells_changed:,} cells of the "
        f"whole source; drawn are {of_points(sample, len(sample.drawn))}. Look for a text that should not have "
        "become missing.",
        f"{counted(rest, 'further column')} had such cells too." if rest else "",
    )
    columns = [typing_changes(*read[name], name) for name in names]
    return Sketch(
        "typing", "Before and after typing", told, draw_before_after, (columns, (), ("raw", "typed")), shortened(names)
    )


def _read_anew(raw: Sequence[str | None], typed: Sequence[object]) -> tuple[Counter[str], Counter[str]]:
    before: Counter[str] = Counter()
    after: Counter[str] = Counter()
    for text, value in zip(raw, typed, strict=True):
        if text is None or text == value:
            continue
        is_missing = value is None or value != value  # noqa: PLR0124 - NaN and NaT are not themselves
        if not is_missing and (not isinstance(value, float) or _is_plain(text, value)) and not isinstance(value, str):
            continue
        before[text[:MOST_SIGNS]] += 1
        after[MISSING if is_missing else "(a number)" if isinstance(value, float) else str(value)[:MOST_SIGNS]] += 1
    return before, after


def _is_plain(text: str, value: float) -> bool:
    try:
        return float(text) == value
    except ValueError:
        return False


def _whole(sample: Sample) -> Sketch | None:
    before, after = Blocks.of(sample.read), Blocks.of(sample.clean)
    rows = np.arange(len(sample.read))
    shared = [n for n in before.names if n in after and n not in before.moments]
    counts, _ = compare(before.without([n for n in before.names if n not in shared]), after, rows, frozenset(shared))
    # Values that were replaced come before gaps that were filled: they are what a reader should check.
    replaced = {n: _replaced(before, after, n, counts[n]) for n in counts}
    names = sorted(counts, key=lambda n: (not replaced[n], -counts[n]))[:MOST_CHANGED]
    if not names:
        return None
    rest = len(counts) - len(names)
    told = joined(
        f"What all steps together changed in {of_points(sample, len(sample.read))}, as they were read and as they came "
        f"out, columns with replaced values first: {named(names[0])} had {counted(counts[names[0]], 'cell')} changed. "
        "Look for values that should have stayed.",
        f"{counted(rest, 'further column')} changed too." if rest else "",
    )
    columns = [
        changed_column(n, before.column(n), after.column(n), sample.units, (f"{counted(counts[n], 'cell')} changed",))
        for n in names
    ]
    return Sketch("before-after", "Before and after cleaning", told, draw_before_after, (columns,), shortened(names))


def _replaced(before: Blocks, after: Blocks, name: str, n_changed: int) -> bool:
    """Return whether a value was replaced, and not only a gap filled."""
    old, new = before.column(name), after.column(name)
    if isinstance(old, Texts) or isinstance(new, Texts):
        return n_changed > missing_of(old)
    known = ~np.isnan(old)
    return bool((old[known] != new[known]).any())
