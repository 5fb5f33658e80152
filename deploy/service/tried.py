"""What the try-it form came to: an answer drawn, or a refusal, each remark beside its field."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from deploy.service.answer import Demands, named, predict
from deploy.service.explained import reasons_of
from deploy.service.forms import Field
from deploy.service.holder import Held
from deploy.service.meters import Meters
from deploy.service.problems import Problem, from_error
from penstock.errors import PenstockError

MOST_BARS = 12
MOST_REASONS = 6


class Bar(NamedTuple):
    """One class and its probability."""

    label: str
    share: float
    told: str


class Span(NamedTuple):
    """An interval: its ends as texts, and where the prediction lies between them, from 0 to 1."""

    low: str
    high: str
    place: float


class Added(NamedTuple):
    """What a column adds to the score, told, and how large that is beside the largest, from 0 to 1."""

    name: str
    told: str
    size: float


class Why(NamedTuple):
    """The largest contributions to an answer, what they add to, and how they were found."""

    what: str
    base: str
    added: list[Added]
    n_others: int
    how: str


@dataclass
class Tried:
    """One try. `remarks` belong to no field of the form; `status` is that of HTTP."""

    sent: str
    status: int = 200
    prediction: str = ""
    bars: list[Bar] = field(default_factory=list)
    more_bars: int = 0
    span: Span | None = None
    notes: list[str] = field(default_factory=list)
    why: Why | None = None
    refusal: str = ""
    remarks: list[str] = field(default_factory=list)
    n_beside: int = 0
    version: str = ""
    milliseconds: float = 0.0


def tried(held: Held, fields: Sequence[Field], meters: Meters) -> Tried:
    """Predict the row that is in a form, as the JSON address would."""
    row = {f.name: f.typed() for f in fields}
    made = Tried(sent=json.dumps(row, indent=2, ensure_ascii=False))
    began = time.perf_counter()
    try:
        answers = predict(held, [row], meters)
        Demands(held.bundle).refuse(answers, single=True)
    except (Problem, PenstockError) as error:
        problem = error if isinstance(error, Problem) else from_error(error)
        # A page that shows a mistake is what was asked for; of another status browsers tell as of a broken page.
        made.status = problem.status if problem.status >= 500 else 200
        made.refusal = problem.detail
        faults = (
            (f.field, f"{f.message} (expected: {f.expected})" if f.expected else f.message) for f in problem.errors
        )
        _remark(made, fields, faults, "errors")
        return made
    made.milliseconds = 1e3 * (time.perf_counter() - began)
    answer: dict[str, Any] = {**answers.rows()[0], **named(answers)}
    made.version = str(answer["version"])
    made.prediction = "no prediction" if answer["prediction"] is None else shown(answer["prediction"])
    _draw(made, answer)
    made.why = _why(held, row)
    made.notes = [f"looked up in {table} {version}" for table, version in answer.get("lookups", {}).items()]
    _remark(made, fields, ((w["field"], w["message"]) for w in answer["warnings"]), "warnings")
    return made


def shown(value: object) -> str:
    """Return a prediction as people read it.

    Examples
    --------
    >>> shown(12.3456789123), shown("late"), shown(True)
    ('12.34568', 'late', 'true')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.7g}" if isinstance(value, float) else str(value)


def _why(held: Held, row: dict[str, Any]) -> Why | None:
    try:
        told = reasons_of(held, [row])[0]
    except PenstockError:
        # The answer stands without it.
        return None
    if told is None:
        return None
    each = [(name, value) for name, value in told["contributions"].items() if value][:MOST_REASONS]
    largest = max((abs(value) for _, value in each), default=1.0)
    added = [Added(name, f"{value:+.3g}", abs(value) / largest) for name, value in each]
    what = f"the probability of {told['label']}" if "label" in told else "the prediction"
    how = "calculated" if told["method"] == "exact" else f"drawn, give or take {told['standard_error']:.2g}"
    return Why(what, f"{told['base']:.3g}", added, len(told["contributions"]) - len(each), how)


def _draw(made: Tried, answer: Mapping[str, Any]) -> None:
    shares = sorted((answer.get("probabilities") or {}).items(), key=lambda pair: -pair[1])
    made.bars = [Bar(str(label), share, f"{100 * share:.1f} %") for label, share in shares[:MOST_BARS]]
    made.more_bars = len(shares) - len(made.bars)
    low, high, middle = answer.get("low"), answer.get("high"), answer["prediction"]
    if low is not None and high is not None and middle is not None:
        place = (middle - low) / (high - low) if high > low else 0.5
        made.span = Span(shown(low), shown(high), min(1.0, max(0.0, place)))


def _remark(made: Tried, fields: Sequence[Field], remarks: Iterable[tuple[str | None, str]], what: str) -> None:
    """Put each remark beside its field, or where it is seen."""
    known = {f.name: f for f in fields}
    for name, text in remarks:
        if name in known:
            getattr(known[name], what).append(text)
            made.n_beside += 1
        else:
            made.remarks.append(f"{name}: {text}" if name else text)
