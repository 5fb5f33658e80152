"""The parts of a model card that tell what a model was made of: sources, cleaning, findings, and what it stood on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock.receipts import Interval
from penstock.steps.hidden import hidden_columns
from penstock.steps.plan import Plan
from penstock.steps.union import nature_of
from penstock.table import TableSchema

MOST_SOURCES = 20
MOST_STEPS = 30
MOST_SLICES = 5
MOST_FINDINGS = 20
MOST_COEFFICIENTS = 40
# What a release of penstock, or a made-up candidate of a test, does not tell is left out.
Told = Mapping[str, Any]


def plain(text: object, most: int = 64) -> str:
    r"""Return a text that breaks no table and becomes no link.

    Examples
    --------
    >>> plain("a|b\n[c](d)")
    'a\\|b \\[c\\](d)'
    """
    line = " ".join(str(text).split())
    line = line if len(line) <= most else line[: most - 1] + "…"
    return "".join(f"\\{sign}" if sign in "\\|[]`<" else sign for sign in line)


def sources(lineage: Told) -> list[str]:
    """Return a line for every source: when it was collected, how much came, and what it was."""
    snapshots = _receipt(lineage, "collect").get("snapshots", ())
    lines = [
        f"- Source `{plain(s['name'])}` ({plain(s['kind'])}): {s['n_rows']:,} rows"
        + (f", {s['n_quarantined']:,} set aside" if s.get("n_quarantined") else "")
        + f", collected {plain(s['collected_at'])}, sha256 {s['sha256'][:16]}."
        for s in snapshots[:MOST_SOURCES]
    ]
    lines += [f"- {len(snapshots) - MOST_SOURCES} more sources."] if len(snapshots) > MOST_SOURCES else []
    wrangled = _receipt(lineage, "wrangle")
    if "n_train" in wrangled:
        rejected = wrangled.get("rejected", {}).get("n_rows", 0)
        told = f"{wrangled['n_train']:,} rows to learn from, {wrangled['n_heldout']:,} held out, {rejected:,} rejected"
        lines.append(f"- {told} with a reason for each.")
    return lines


def typing(schema: TableSchema) -> list[str]:
    """Return how many columns have each kind and each role, and which are private."""
    kinds = _counted(column.kind for column in schema.features)
    roles = _counted(column.role.replace("_", " ") for column in schema.columns if column.role != "feature")
    lines = [f"- Features by kind: {kinds}."] if kinds else []
    lines += [f"- Other columns by role: {roles}."] if roles else []
    private = [plain(column.name) for column in schema.columns if column.private]
    more = f" and {len(private) - MOST_SOURCES} more" if len(private) > MOST_SOURCES else ""
    return lines + ([f"- Private: {', '.join(private[:MOST_SOURCES])}{more}."] if private else [])


def _counted(words: Any) -> str:
    counts: dict[str, int] = {}
    for word in words:
        counts[word] = counts.get(word, 0) + 1
    return ", ".join(f"{n} {word}" for word, n in sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def cleaning(plan: Told) -> list[str]:
    """Return the steps in their order, each with the reason that put it into an automatic plan."""
    steps = Plan.model_validate({"steps": plan.get("steps", [])}).steps
    natures = {"cell": "within a row", "learned": "learned from training rows", "row": "rejects rows in training"}
    lines = [
        f"{i}. `{step.name}`, {natures[nature_of(step)]}" + (f": {plain(step.why, 240)}" if step.why else "")
        for i, step in enumerate(steps[:MOST_STEPS], 1)
    ]
    lines = lines or ["Values are read as their columns' kinds; nothing else is done to them."]
    return lines + ([f"\nand {len(steps) - MOST_STEPS} more."] if len(steps) > MOST_STEPS else [])


def worst(metrics: Told, schema: TableSchema, plan: Told, scores: Mapping[str, Interval]) -> list[str]:
    """Return the groups of held-out rows on which the deciding metric is worst."""
    metric = str(metrics.get("metric", ""))
    hidden = hidden_columns(Plan.model_validate({"steps": plan.get("steps", [])}), schema)
    parts = [
        part
        for part in metrics.get("slices", ())
        if part.get("value") is not None and not str(part["column"]).startswith(tuple(hidden))
    ]
    if not parts or metric not in scores:
        return []
    sign = 1 if metrics.get("greater_is_better", True) else -1
    parts.sort(key=lambda part: (sign * part["value"], str(part["column"]), str(part["level"])))
    lines = [f"`{metric}` is {scores[metric].value:.4g} over all held-out rows; it is worst where", ""]
    lines += [
        f"- {plain(part['column'])} is {plain(part['level'])}: {part['value']:.4g} on {part['n']:,} rows"
        for part in parts[:MOST_SLICES]
    ]
    return lines


def findings(metrics: Told) -> list[str]:
    """Return what the checks for leakage found."""
    if "findings" not in metrics:
        return []
    found = metrics["findings"]
    lines = [
        f"- {'Blocks publishing' if finding.get('blocks') else 'Worth a look'}: {plain(finding['what'], 300)}."
        for finding in found[:MOST_FINDINGS]
    ]
    return lines or ["Nothing was found: no single column gives the target away, no row stands on both sides."]


def environment(libraries: Mapping[str, str], spec: Told) -> list[str]:
    """Return the releases that it was fitted with, and the seed where the spec has one."""
    lines = [f"- {plain(name)} {plain(release)}" for name, release in sorted(libraries.items())]
    return lines + ([f"- seed {plain(spec['seed'])}"] if "seed" in spec else [])


def _receipt(lineage: Told, stage: str) -> Told:
    found: Told = lineage.get("receipts", {}).get(stage, {})
    return found


def coefficients(metrics: Told) -> list[str]:
    """Return the coefficients of a model that was fitted to be read, as a table; those of private columns by name.

    Examples
    --------
    >>> row = {"name": "size", "estimate": 1.5, "error": 0.5, "p": 0.003, "low": 0.5, "high": 2.5}
    >>> coefficients({"coefficients": {"kind": "normal", "rows": [row], "diagnostics": {"r2": 0.4}}})[-3]
    '| size | 1.5 | 0.5 | 0.003 | 0.5 to 2.5 |'
    """
    found = metrics.get("coefficients")
    if not found:
        return []
    lines = [
        f"Of the twin, on scaled columns ({plain(str(found['kind']))}), with 95 % intervals.",
        "",
        "| column | estimate | standard error | p | 95 % interval |",
        "|---|---|---|---|---|",
    ]
    for row in found["rows"][:MOST_COEFFICIENTS]:
        numbers = [f"{row[key]:.4g}" if row[key] is not None else "" for key in ("estimate", "error", "p")]
        ends = f"{row['low']:.4g} to {row['high']:.4g}" if row["low"] is not None else ""
        lines.append(f"| {' | '.join([plain(str(row['name'])), *numbers, ends])} |")
    told = "; ".join(
        f"{plain(name.replace('_', ' '))} {value:.4g}"
        for name, value in found.get("diagnostics", {}).items()
        if value is not None
    )
    more = len(found["rows"]) - MOST_COEFFICIENTS
    lines += ["", f"and {more} more, in the report."] if more > 0 else []
    return [*lines, "", f"{told}." if told else "No diagnostics."]
