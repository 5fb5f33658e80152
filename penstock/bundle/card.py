"""The model card: what a model is, what it was made of, how good it is, and what it does not promise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from penstock.bundle.origins import cleaning, coefficients, environment, findings, plain, sources, typing, worst
from penstock.cells import time_text
from penstock.durations import told
from penstock.metrics.aim_facts import aim_lines
from penstock.metrics.metric import METRICS
from penstock.receipts import Interval, Verdict
from penstock.table import Column, Target

if TYPE_CHECKING:
    from penstock.arrays.profile import Profile
    from penstock.bundle.bundle import Bundle
    from penstock.bundle.carried import Carried

MOST_COLUMNS = 200
MOST_LEVELS = 8
MOST_CHARACTERS = 600
LOWER_IS_BETTER = frozenset(metric.name for metric in METRICS if not metric.greater_is_better)


@dataclass(frozen=True)
class Origins:
    """What a model was made of: the plan's JSON, the evaluate stage's, receipts, libraries and the spec."""

    plan: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    lineage: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    spec: Mapping[str, Any] = field(default_factory=dict)


def card_text(
    bundle: Bundle,
    *,
    version: str,
    created: str,
    family: str,
    scores: Mapping[str, Interval],
    baseline: Mapping[str, Interval],
    verdict: Verdict,
    forced: str = "",
    origins: Origins | None = None,
) -> str:
    """Return the card as Markdown that reads well as plain text.

    Parameters
    ----------
    bundle : Bundle
        The model.
    version, created, family : str
        Its name in full, when it was sealed, and what kind of model it is.
    scores, baseline : mapping of str to Interval
        Scores of the twin, and of the dummy baseline, on held-out rows.
    verdict : Verdict
        What the gate decided.
    forced : str
        The reason that overruled it, or nothing.
    origins : Origins, optional
        What it was made of.
    """
    made = origins or Origins()
    cleaned = cleaning(made.plan) if origins is not None else []
    parts = [
        [
            f"# {bundle.name}, version {version}",
            "",
            _purpose(bundle.target, private=bundle.schema.shown_target != bundle.target),
            *_reach(bundle),
            "",
            f"Kind of model: {family}. Sealed {created}.",
        ],
        ["## Intended use", "", *_use(bundle)],
        ["## Data", "", *_data(bundle), *sources(made.lineage), *typing(bundle.schema)],
        *_section("Cleaning", cleaned),
        *_section("What good means", _aim(bundle, made.metrics)),
        ["## Scores on held-out rows", "", *_scores(scores, baseline, _lower(bundle))],
        *_section("How it was chosen", _selection(made.metrics)),
        *_section("Coefficients", coefficients(made.metrics)),
        *_section("Where it is worst", worst(made.metrics, bundle.schema, made.plan, scores)),
        *_section("Leakage", findings(made.metrics)),
        ["## Verdict of the gate", "", *_verdict(verdict, forced)],
        ["## Columns that a caller sends", "", *_columns(bundle)],
        ["## Limits", "", *_limits(bundle)],
        *_section("How to call it", _calling(bundle)),
        *_section("How it answers", _answering(made.metrics)),
        *_section("Environment", environment(made.environment, made.spec)),
    ]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _section(title: str, lines: list[str]) -> list[list[str]]:
    return [[f"## {title}", "", *lines]] if lines else []


def _use(bundle: Bundle) -> list[str]:
    rows = "rows as they came to training, raw: it cleans them itself"
    return [
        f"To be asked for `{bundle.target.name}` of single rows or files of {rows}.",
        "It is meant for rows like those that it was trained on, and for decisions that a person can look into.",
    ]


def _answering(metrics: Mapping[str, Any]) -> list[str]:
    told = metrics.get("kernel")
    if not told:
        return []
    if "reason" in told:
        return [f"By the fitted scikit-learn pipeline; it has no compiled form: {plain(told['reason'], 300)}."]
    n = told["rows"] + told["beside"]
    agrees = f"on {n:,} rows the largest difference was {told['largest']:.1e}"
    return [f"By a kernel that the fitted scikit-learn pipeline was compiled to; {agrees}."]


def _calling(bundle: Bundle) -> list[str]:
    return [
        "```",
        f"POST /models/{bundle.name}/predict          one row as a JSON object, or rows as a list",
        f"penstock predict {bundle.name} --input new.csv --output predictions.csv",
        f"Bundle.load('artifacts/models/{bundle.name}').predict(frame).to_frame()",
        "```",
        "",
        "An answer has the prediction, warnings, and the version that gave it; `/openapi.json` has every field.",
    ]


def _purpose(target: Target, *, private: bool) -> str:
    if not target.is_classification:
        return f"{'Forecasts' if target.task == 'forecast' else 'Predicts'} the number `{target.name}`."
    if private:
        return f"Predicts `{target.name}`, one of {len(target.labels)} labels, with a probability for each."
    labels = ", ".join(f"`{label}`" for label in target.labels[:20])
    more = f" and {len(target.labels) - 20} more" if len(target.labels) > 20 else ""
    positive = f"; the positive one is `{target.positive}`" if target.positive else ""
    return f"Predicts `{target.name}`, one of {labels}{more}{positive}, with a probability for each."


def _reach(bundle: Bundle) -> list[str]:
    if bundle.looking is None:
        return []
    rule, last = bundle.looking.rule, bundle.looking.last_actual
    told = f"It reaches {rule.length(rule.horizon)} beyond the last actual value, in steps of {rule.length(1)}."
    known = f" Of itself it knows actual values up to {last}; more recent ones are sent as `history`."
    level = f" `low` and `high` hold {rule.widths.level:.0%} of what comes true." if rule.widths is not None else ""
    return ["", told + known + level]


def _data(bundle: Bundle) -> list[str]:
    features = bundle.schema.features
    carried = [c for c in features if c.serve != "request"]
    lines = [f"- {bundle.profile.n_rows:,} training rows, {len(features)} features."]
    if carried:
        tables = ", ".join(f"`{name}`" for name in bundle.lookups)
        lines.append(f"- {len(carried)} of them are looked up in tables that the model carries: {tables}.")
    lines += [_looked_up(record) for record in bundle.carried.values()]
    left_out = [c for c in bundle.schema.columns if c.role in ("id", "ignored", "known_after", "weight")]
    lines += [f"- `{plain(c.name)}` is left out ({c.role.replace('_', ' ')})." for c in left_out[:20]]
    lines += [f"- {len(left_out) - 20} more columns are left out."] if len(left_out) > 20 else []
    return lines


def _looked_up(record: Carried) -> str:
    collected = f", collected {record.as_of}" if record.as_of else ""
    bound = f"; older than {told(record.max_age)} it warns" if record.max_age is not None else ""
    again = "; it is read anew from time to time" if record.serve == "refresh" else ""
    return f"- Look-up `{record.table}`: {record.rows:,} rows, version {record.version}{collected}{bound}{again}."


def _aim(bundle: Bundle, metrics: Mapping[str, Any]) -> list[str]:
    found = metrics.get("aim", {}).get("lines")
    target = bundle.schema.shown_target or bundle.target
    return [
        f"- {plain(line, MOST_CHARACTERS)}" for line in (found if found is not None else aim_lines(bundle.aim, target))
    ]


def _selection(metrics: Mapping[str, Any]) -> list[str]:
    return [f"- {plain(line, MOST_CHARACTERS)}" for line in metrics.get("selection", ())]


def _lower(bundle: Bundle) -> frozenset[str]:
    own = bundle.aim.metric
    return LOWER_IS_BETTER | ({own.name} if own is not None and not own.greater_is_better else set())


def _scores(
    scores: Mapping[str, Interval], baseline: Mapping[str, Interval], lower: frozenset[str] = LOWER_IS_BETTER
) -> list[str]:
    if not scores:
        return ["None were measured."]
    n = max(score.n for score in scores.values())
    lines = [
        f"Measured on {n:,} rows by the same recipe fitted without them, with 95 % bootstrap intervals.",
        "",
        "| metric | score | 95 % interval | dummy baseline |",
        "|---|---|---|---|",
    ]
    for name, score in scores.items():
        dummy = f"{baseline[name].value:.4g}" if name in baseline else ""
        better = " (lower is better)" if name in lower else ""
        lines.append(f"| {name}{better} | {score.value:.4g} | {score.low:.4g} to {score.high:.4g} | {dummy} |")
    return lines


def _verdict(verdict: Verdict, forced: str) -> list[str]:
    lines = ["Passed." if verdict.passed else "Not passed.", *(f"- {reason}" for reason in verdict.reasons)]
    return [*lines, f"- It was overruled: {forced}"] if forced else lines


def _columns(bundle: Bundle) -> list[str]:
    asked = [c for c in bundle.schema.features if c.serve == "request"]
    lines = ["| column | kind | unit | may be missing | seen in training |", "|---|---|---|---|---|"]
    for c in asked[:MOST_COLUMNS]:
        cells = (plain(c.name), c.kind, plain(c.unit), "yes" if c.nullable else "no", _seen(c, bundle.profile))
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, "", f"and {len(asked) - MOST_COLUMNS} more."] if len(asked) > MOST_COLUMNS else lines


def _seen(column: Column, profile: Profile) -> str:
    seen = profile.column(column.name)
    if seen is None or column.private:
        return ""
    bounds = profile.range(column.name)
    if column.kind == "boolean":
        return "true, false"
    if bounds is not None:
        return " to ".join(time_text(b) if column.kind == "time" else f"{b:g}" for b in bounds)
    if seen.earliest is not None and seen.latest is not None:
        return f"{seen.earliest} to {seen.latest}"
    levels = ", ".join(plain(level.value) for level in seen.levels[:MOST_LEVELS])
    return levels + (f" and {seen.n_levels - MOST_LEVELS} more" if seen.n_levels > MOST_LEVELS else "")


def _limits(bundle: Bundle) -> list[str]:
    lines = [
        "- The scores hold for rows like those it was trained on; of other people, places or times they say nothing.",
        "- What it finds are associations: changing a column's value in the world need not change the outcome.",
        "- A number outside the range above, or a category not listed there, is answered with a warning.",
        "- A row with a value that cannot be read gets no prediction.",
    ]
    if any(c.private for c in bundle.schema.columns):
        lines.append("- Columns that were declared private are used; their values are not shown here.")
    return lines
