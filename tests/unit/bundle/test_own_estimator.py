"""A user's own estimator: what is refused before a run, what ends on the leaderboard, and what is sealed."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from penstock.bundle.bundle import Bundle
from penstock.bundle.publish import publish
from penstock.errors import SpecError
from penstock.families import OwnEstimator
from penstock.metrics.metric import metric_for
from penstock.models.checking import check_modelling
from penstock.models.families import OwnFamily, families_for
from penstock.models.search import search
from penstock.slices import Typing
from penstock.spec.pipeline import PipelineSpec, spec_from
from tests.unit.bundle.making import PASSED, make, raw_rows
from tests.unit.models.making import TARGETS, training

MODELS = """\
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression, Ridge

from my_pkg.parts import Half


class Mine(ClassifierMixin, BaseEstimator):
    def __init__(self, c=1.0, random_state=None):
        self.c = c
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        self.half_ = Half().fit(X)
        self.inner_ = LogisticRegression(C=self.c).fit(self.half_.of(X), y, sample_weight)
        self.classes_ = self.inner_.classes_
        return self

    def predict_proba(self, X):
        return self.inner_.predict_proba(self.half_.of(X))

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class Lines(Ridge):
    pass


class Silent:
    def fit(self, X, y):
        return self

    def predict(self, X):
        return [0.0] * len(X)


class Breaks(Mine):
    def fit(self, X, y):
        raise ValueError(f"secret {X[0, 0]}")


class Wrong(Mine):
    def predict_proba(self, X):
        return super().predict_proba(X)[:, :1]
"""
PARTS = """\
class Half:
    def fit(self, X):
        self.size_ = abs(X).max(axis=0) + 1.0
        return self

    def of(self, X):
        return X / self.size_ / 2
"""
OPENED = """
import sys
from penstock.bundle.bundle import Bundle
from tests.unit.bundle.making import raw_rows
print(Bundle.load(sys.argv[1]).predict(raw_rows(6, 3)).estimates.tobytes().hex())
print("my_pkg" in sys.modules)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a package of the user's own beside the spec."""
    package = tmp_path / "my_pkg"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "models.py").write_text(MODELS)
    (package / "parts.py").write_text(PARTS)
    (tmp_path / "t.csv").write_text("a,y\n1,2\n")
    return tmp_path


def declared(folder: Path, *families: object) -> PipelineSpec:
    return spec_from({"source": "t.csv", "target": "y", "model": {"families": list(families)}}, folder)


def own(folder: Path, kind: str, **more: Any) -> OwnFamily:
    (found,) = declared(folder, {"use": f"my_pkg.models:{kind}", **more}).model.families
    assert isinstance(found, OwnEstimator)
    return OwnFamily.of(found)


@pytest.mark.parametrize(("name", "task"), [("Mine", "binary"), ("Mine", "multiclass"), ("Lines", "regression")])
def test_it_is_sealed_with_its_source_and_answers_the_same_where_its_package_is_not(
    name: str, task: str, folder: Path, artifacts: Path, root: Path
) -> None:
    """A service has the bundle and nothing else of the user's."""
    made = make(task, family=own(folder, name), n=100, report=None)
    assert publish(artifacts, "churn", made.parts, PASSED).state == "published"
    run = subprocess.run(
        [sys.executable, "-c", OPENED, str(artifacts / "models" / "churn")],
        cwd=root, capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    told, of_package = run.stdout.split()
    assert told == made.bundle.predict(raw_rows(6, 3)).estimates.tobytes().hex()
    assert of_package == "False"
    assert make(task, family=own(folder, name), n=100, report=None).parts.digest == made.parts.digest
    served = Bundle.load(artifacts / "models" / "churn")
    alone = [served.predict(raw_rows(6, 3).slice(i, 1)).estimates for i in range(6)]
    np.testing.assert_allclose(np.concatenate(alone), made.bundle.predict(raw_rows(6, 3)).estimates, rtol=1e-12)


def test_another_source_or_another_parameter_is_another_model(folder: Path) -> None:
    """What is cached, and what is signed, hang on the code that ran."""
    first = declared(folder, {"use": "my_pkg.models:Mine"}).modelling
    assert "my_pkg.parts" in first.families[0].source  # type: ignore[union-attr]  # it is the user's own
    assert declared(folder, {"use": "my_pkg.models:Mine", "params": {"c": 2.0}}).modelling != first
    (folder / "my_pkg" / "parts.py").write_text(PARTS.replace("/ 2", "/ 3"))
    assert declared(folder, {"use": "my_pkg.models:Mine"}).modelling != first


def test_a_class_of_an_installed_library_travels_by_its_version() -> None:
    """Nobody would want all of scikit-learn inside a bundle."""
    use = "sklearn.ensemble:AdaBoostClassifier"
    (found,) = spec_from(
        {"source": "t.csv", "target": "y", "model": {"families": [f"{use}"]}}, Path(__file__).parent
    ).model.families
    assert isinstance(found, OwnEstimator)
    assert found.source == {}
    assert list(found.packages) == ["scikit-learn"]
    shown = training("binary")
    told = search(shown, families_for([found]), metric_for("binary"))
    assert "AdaBoostClassifier" in {row.family for row in told.rows if row.state == "completed"}


def test_it_competes_under_its_own_name_and_may_win(folder: Path) -> None:
    """It stands beside the families, and is chosen like them."""
    family = own(folder, "Mine", name="ours", params={"c": 0.5})
    found = search(training("binary"), [*families_for(()), family], metric_for("binary"))
    assert found.rows[0].words == "ours (use my_pkg.models:Mine, c 0.5)"
    assert found.rows[0].chosen
    assert found.rows[0].state == "completed"


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("Breaks", "its `fit` raises ValueError in line 39 of my_pkg.models"),
        ("Wrong", "its `predict_proba` gives the shape (80, 1) where (80, 2) is expected"),
    ],
)
def test_one_that_fails_is_told_on_the_leaderboard_without_a_value(name: str, note: str, folder: Path) -> None:
    """The search goes on, and what a user's exception quotes is seen by nobody."""
    found = search(training("binary"), [*families_for(()), own(folder, name)], metric_for("binary"))
    (row,) = (row for row in found.rows if row.family == name)
    assert (row.state, row.note) == ("failed", note)


def test_one_that_takes_no_weights_is_left_out_where_rows_have_some(folder: Path) -> None:
    """Weights that are dropped in silence would make another model than was asked for."""
    shown = training("binary")
    weighed = replace(shown, weights=np.ones(len(shown.y)))
    (folder / "my_pkg" / "models.py").write_text(
        MODELS.replace("y, sample_weight=None", "y").replace(", sample_weight)", ")")
    )
    found = search(weighed, [*families_for(()), own(folder, "Mine")], metric_for("binary"))
    (row,) = (row for row in found.rows if row.family == "Mine")
    assert row.note == "its `fit` takes no `sample_weight`, and rows are weighed"


@pytest.mark.parametrize(
    ("family", "message"),
    [
        ({"use": "my_pkg.model:Mine"}, "no module 'my_pkg.model'"),
        ({"use": "my_pkg.models:Mime"}, "no function or class 'Mime'"),
        ({"use": "sklearn.ensemble:AdaBost"}, "no class 'AdaBost'"),
        ({"use": "my_pkg.models:Mine", "name": "linear"}, "two families would be called 'linear'"),
        ({"use": "my_pkg.models:Mine", "depth": 3}, "unknown key 'depth'"),
        ("lihgtgbm", "there is no family 'lihgtgbm'; did you mean 'lightgbm'?"),
    ],
)
def test_what_is_named_wrongly_is_refused_with_the_spec(family: object, message: str, folder: Path) -> None:
    """Before anything is read or trained."""
    with pytest.raises(SpecError) as raised:
        declared(folder, "linear", family)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("family", "task", "message"),
    [
        ({"use": "my_pkg.models:Silent"}, "binary", "has no `predict_proba`"),
        ({"use": "my_pkg.parts:Half"}, "regression", "has no `predict`"),
        ({"use": "my_pkg.models:Mine", "params": {"depth": 3}}, "binary", "cannot be built"),
        ({"use": "my_pkg.models:Mine", "params": {"c": 2.0}}, "binary", ""),
        ({"use": "my_pkg.models:Silent"}, "regression", ""),
    ],
)
def test_what_does_not_suit_the_target_is_refused_before_training(
    family: object, task: str, message: str, folder: Path
) -> None:
    """An hour of search is no place to find that a method is missing."""
    modelling = declared(folder, family).modelling
    if not message:
        check_modelling(TARGETS[task], modelling, Typing(base="t", target="late"))
        return
    with pytest.raises(SpecError) as raised:
        check_modelling(TARGETS[task], modelling, Typing(base="t", target="late"))
    assert message in str(raised.value)
