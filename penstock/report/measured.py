"""What the evaluate stage measured, as far as a dossier shows it.

The metrics file may hold more than this, and may lack what its task does not have; what it holds must be right.
"""

from __future__ import annotations

from pydantic import AliasChoices, Field, ValidationError

from penstock.errors import StoreError
from penstock.receipts import Evaluated, Interval
from penstock.report.coefficients import Coefficients
from penstock.report.explained import Ahead, Effects, Example, Importance, Learning
from penstock.report.explained import Part as _Part
from penstock.report.words import greater_is_better
from penstock.store import Store


class Curve(_Part):
    """Points of a curve; for binned ones `n` counts the rows of each bin."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    n: tuple[int, ...] = ()


class Histogram(_Part):
    """How many predicted probabilities fall into each of some equal bins, of rows with a label and of the others."""

    own: tuple[int, ...] = ()
    others: tuple[int, ...] = ()


class LabelCurves(_Part):
    """The curves of one label against all others."""

    roc: Curve | None = None
    precision_recall: Curve | None = None
    gain: Curve | None = None
    calibration: Curve | None = None
    histogram: Histogram | None = None


class Spread(_Part):
    """A mean with its interval."""

    mean: float
    low: float
    high: float


class Tenth(_Part):
    """The errors of a tenth of the rows by prediction; `at` is the mean prediction, where it may be told."""

    n: int
    at: float | None = None
    bias: Spread
    absolute: Spread


class Points(_Part):
    """Some held-out rows of a numeric target."""

    predicted: tuple[float, ...] = ()
    true: tuple[float, ...] = ()


class Drawn(_Part):
    """What is drawn of held-out predictions."""

    labels: tuple[str, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    curves: dict[str, LabelCurves] = {}
    along_prediction: Curve | None = None
    error_quantiles: tuple[float, ...] = ()
    error_tenths: tuple[Tenth, ...] = ()
    points: Points = Points()


class Part(_Part):
    """The main metric on some held-out rows, with its interval where these are among the worst."""

    column: str
    level: str
    n: int
    value: float | None
    low: float | None = None
    high: float | None = None


class Found(_Part):
    """A finding of the leakage checks."""

    what: str
    column: str | None = None
    blocks: bool = False


class Champion(_Part):
    """The comparison with what was live."""

    version: str | None = None
    metric: str | None = None
    champion: float | None = None
    challenger: float | None = None
    difference: Interval | None = None
    n: int = 0
    note: str = ""


class Aimed(_Part):
    """What good means, and what came of it on held-out rows, in sentences; `decided` is how labels are answered."""

    lines: tuple[str, ...] = ()
    decided: str = ""


class Told(_Part):
    """Sentences."""

    lines: tuple[str, ...] = ()


class Measured(_Part):
    """The metrics file, as far as it is shown."""

    metric: str = ""
    greater_is_better: bool | None = None
    aim: Aimed = Aimed()
    residuals: Told = Told()
    curves: Drawn = Drawn()
    slices: tuple[Part, ...] = ()
    findings: tuple[Found, ...] = ()
    champion: Champion | None = None
    importance: Importance | None = None
    effects: Effects | None = None
    learning: Learning | None = None
    coefficients: Coefficients | None = None
    horizon: tuple[Ahead, ...] = ()
    examples: tuple[Example, ...] = ()
    unflagged: dict[str, Interval] = Field(default={}, validation_alias=AliasChoices("unflagged", "without_flagged"))

    @property
    def sign(self) -> int:
        """1 where more of the metric that decides is better, -1 where less is."""
        more = greater_is_better(self.metric) if self.greater_is_better is None else self.greater_is_better
        return 1 if more else -1


def read_measured(evaluated: Evaluated, store: Store) -> Measured:
    """Read the metrics file of an evaluation.

    Raises
    ------
    StoreError
        The file is gone, altered, or something in it is not what the evaluate stage writes.
    """
    data = store.read_bytes(evaluated.metrics)
    try:
        return Measured.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise StoreError(
            "The metrics of an evaluation cannot be read",
            where=f"{evaluated.metrics.path}, at {'.'.join(map(str, first['loc'])) or 'the top'}",
            got=str(first["msg"]),
            todo="Run again with --refresh: the evaluate stage writes them anew.",
        ) from error
