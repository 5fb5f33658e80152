"""Every family trains, is sealed, opened again, and serves; those of the extras where their libraries are."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from penstock.bundle.bundle import Bundle
from penstock.bundle.publish import publish
from penstock.errors import SpecError
from penstock.models.families import FAMILIES, BaseFamily, check_installed
from tests.unit.bundle.making import COLUMNS, PASSED, TARGETS, make, raw_rows, small

# What opens a sealed model, and what it then has loaded.
OPENED = """
import sys
from penstock.bundle.bundle import Bundle
from tests.unit.bundle.making import raw_rows
Bundle.load(sys.argv[1]).predict(raw_rows(5, 3))
print(*sorted({"statsmodels", "torch", "keras", "tensorflow"} & set(sys.modules)))
"""


@pytest.mark.parametrize("task", TARGETS)
@pytest.mark.parametrize("kind", FAMILIES, ids=lambda kind: str(kind.model_fields["kind"].default))
def test_a_family_trains_seals_loads_and_serves(
    kind: type[BaseFamily], task: str, artifacts: Path, extra: Callable[[str], None]
) -> None:
    """What was sealed answers as what was fitted, a batch as its rows alone, and the same rows give the same digest."""
    extra(kind.absent())
    family = small(kind)
    if why := family.refuses(TARGETS[task], 120, len(COLUMNS)):
        assert why.endswith(("logistic", "ridge", "linear", "ols", "logit"))
        return
    made = make(task, family=family, n=100, report=None)
    assert publish(artifacts, "churn", made.parts, PASSED).state == "published"
    served = Bundle.load(artifacts / "models" / "churn")
    rows = raw_rows(6, 3)
    whole = served.predict(rows).estimates
    tolerance = 1e-6 if family.kind == "xgboost" else 1e-9
    np.testing.assert_allclose(whole, made.bundle.predict(rows).estimates, rtol=tolerance, atol=tolerance)
    alone = [served.predict(rows.slice(i, 1)).estimates for i in range(len(rows))]
    np.testing.assert_array_equal(whole, np.concatenate(alone))
    assert np.isfinite(whole).all()
    assert make(task, family=family, n=100, report=None).parts.digest == made.parts.digest


@pytest.mark.parametrize("name", ["ols", "logit", "glm", "torch", "keras"])
def test_what_only_fits_is_not_loaded_to_serve(
    name: str, artifacts: Path, extra: Callable[[str], None], root: Path
) -> None:
    """The service of a model needs not what fitted it."""
    kind = next(k for k in FAMILIES if k.model_fields["kind"].default == name)
    extra(kind.absent())
    task = next(t for t in TARGETS if not kind().refuses(TARGETS[t], 120, len(COLUMNS)))
    publish(artifacts, "churn", make(task, family=small(kind), n=100, report=None).parts, PASSED)
    run = subprocess.run(
        [sys.executable, "-c", OPENED, str(artifacts / "models" / "churn")],
        cwd=root, capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    assert run.stdout.split() == []


def test_a_library_that_is_not_installed_is_named_with_its_extra() -> None:
    """Nobody should have to guess what to install."""

    class Absent(BaseFamily):
        extra = "glue"
        package = "no_such_library"
        kind: str = "absent"

        def estimator(self, *_: object) -> object:
            return None

    told = Absent().refuses(TARGETS["binary"], 100, 3)
    assert told == "no_such_library is not installed: pip install 'penstock[glue]'"
    with pytest.raises(SpecError, match="needs a library that is not installed") as raised:
        check_installed([Absent()])
    assert "pip install 'penstock[glue]'" in str(raised.value)
