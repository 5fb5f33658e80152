"""Small fitted models on encoded rows, made once for a whole run of tests."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from penstock.bundle.kernel.engines.blend import BlendEngine
from penstock.bundle.kernel.engines.compiling import compiled
from penstock.bundle.kernel.engines.engine import Floats
from penstock.models.families import FAMILIES, BaseFamily
from penstock.models.recipe import with_places_of_codes
from penstock.table import Target
from tests.unit.bundle.making import small

TARGETS = {
    "binary": Target(name="y", task="binary", labels=("no", "yes")),
    "multiclass": Target(name="y", task="multiclass", labels=("a", "b", "c")),
    "regression": Target(name="y", task="regression"),
}
KINDS = {str(kind.model_fields["kind"].default): kind for kind in FAMILIES}
N = 240
# The first two columns of ordinal rows hold codes.
CODED = {"ordinal": [0, 1], "target": [], "onehot": [], "quantile": []}


@cache
def rows(encoding: str, seed: int = 0) -> Floats:
    """Return encoded rows as the encoder makes them: codes and gaps where the encoding has them."""
    rng = np.random.default_rng(seed)
    made = np.round(rng.normal(size=(N, 6)), 2)
    if encoding == "ordinal":
        made[:, 0], made[:, 1] = rng.integers(0, 3, N), rng.integers(0, 12, N)
    if encoding in ("ordinal", "target"):
        made[rng.random(made.shape) < 0.08] = np.nan
    return made


@cache
def answers(task: str, seed: int = 0) -> npt.NDArray[Any]:
    """Return what is to be learned: of ordinal rows, which the rows of other encodings share their noise with."""
    rng, X = np.random.default_rng(seed + 1), np.nan_to_num(rows("ordinal", seed), nan=1.5)
    score = X[:, 2] + X[:, 3] * (X[:, 0] == 1) + (X[:, 1] % 3 == 0) + rng.normal(size=N)
    if task == "regression":
        return np.asarray(np.round(np.exp(score / 2), 2) + 0.01)
    return np.asarray(np.digitize(score, [0.5] if task == "binary" else [-0.2, 1.2]).astype(np.int64))


def family(kind: str) -> BaseFamily:
    """Return the family at a size for tests."""
    return small(KINDS[kind])


@cache
def fitted(kind: str, task: str, seed: int = 0) -> Any:
    """Return a fitted estimator of a family."""
    own = family(kind)
    estimator = own.estimator(TARGETS[task], N, seed, 1)
    with_places_of_codes(estimator, CODED[own.encoding])
    with threadpool_limits(1):
        return estimator.fit(rows(own.encoding), answers(task))


@cache
def engine(kind: str, task: str) -> BlendEngine:
    """Return the engine of a fitted estimator."""
    return compiled(fitted(kind, task), (family(kind).encoding,), TARGETS[task], None)
