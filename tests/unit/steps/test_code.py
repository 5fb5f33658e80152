"""Code of the user's own: carried as source, proven when the plan is checked, and run from what is carried alone."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from penstock.bundle.canonical import content_digest
from penstock.errors import BundleError, DataError, PlanError, SpecError
from penstock.spec.pipeline import spec_from
from penstock.steps.base import Known
from penstock.steps.code.capture import captured
from penstock.steps.code.code import Code
from penstock.steps.code.learned_code import LearnedCode
from penstock.steps.code.loading import NAMESPACE
from penstock.steps.plan import Plan
from penstock.table import TableSchema

FRAME = pd.DataFrame({"price": [2.0, np.nan, 5.0], "n": [1.0, 2.0, 3.0]})
KINDS = {"price": "float", "n": "integer"}


def step_of(text: str, name: str = "made", **fields) -> Code:
    return Code(use=f"mine:{name}", source={"mine": text}, **fields)


@pytest.fixture
def project(tmp_path):
    """Make a project outside the clone: a package whose modules import one another."""
    package = tmp_path / "my_pkg"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "rates.py").write_text("import numpy\n\nRATE = 2.0\n")
    (package / "features.py").write_text(
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        "from .rates import RATE\nimport my_pkg.rates\n\n"
        "@dataclass\nclass Setting:\n    factor: float = my_pkg.rates.RATE\n\n"
        "def basket_value(frame):\n    return frame['price'] * frame['n'] * Setting().factor / 2.0 * RATE / RATE\n\n"
        "class Centred:\n    def fit(self, frame):\n        self.mean = frame['price'].mean()\n"
        "    def transform(self, frame):\n        return {'centred': frame['price'] - self.mean}\n"
    )
    (package / "unused.py").write_text("raise SystemExit\n")
    return tmp_path


def test_a_function_is_captured_with_all_that_it_imports_from_its_project_and_nothing_else(project):
    """What runs later is what stood there when the spec was read; libraries stay where they are."""
    step = captured({"use": "my_pkg.features:basket_value"}, project)
    assert step["kind"] == "code"
    assert sorted(step["source"]) == ["my_pkg", "my_pkg.features", "my_pkg.rates"]
    assert captured({"use": "my_pkg.features:Centred"}, project)["kind"] == "learned_code"


def test_carried_source_runs_where_the_project_never_was(project, tmp_path):
    """A service that never saw the project opens the model, and gives the same."""
    step = Code.model_validate(captured({"use": "my_pkg.features:basket_value"}, project))
    blob = tmp_path / "step.pickle"
    blob.write_bytes(pickle.dumps((step, LearnedCode.model_validate(
        captured({"use": "my_pkg.features:Centred"}, project)).learn(FRAME))))  # fmt: skip
    for path in sorted(project.rglob("*.py")):
        path.unlink()
    code = (
        "import pickle, sys, pandas as pd; step, learned = pickle.loads(open(sys.argv[1], 'rb').read());"
        "f = pd.DataFrame({'price': [2.0, 5.0], 'n': [1.0, 3.0]});"
        "print(step.apply(f)['basket_value'].tolist(), learned.apply(f)['centred'].tolist())"
    )
    done = subprocess.run([sys.executable, "-c", code, str(blob)], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[2.0, 15.0] [-1.5, 1.5]", done.stderr


def test_another_text_of_a_helper_is_another_step(project):
    """The source of every module that is carried enters the cache key: a changed helper is run, not remembered."""
    before = captured({"use": "my_pkg.features:basket_value"}, project)
    (project / "my_pkg" / "rates.py").write_text("RATE = 3.0\n")
    after = captured({"use": "my_pkg.features:basket_value"}, project)
    assert Code.model_validate(before) != Code.model_validate(after)
    digests = {
        content_digest(Plan(steps=(Code.model_validate(s),)).transformer().fit(FRAME), TableSchema(columns=()), {}, {})
        for s in (before, after)
    }
    assert len(digests) == 2


def test_two_versions_of_one_module_run_side_by_side(project):
    """While a new version is proven, the old one answers: neither may see the other's code."""
    old = Code.model_validate(captured({"use": "my_pkg.features:basket_value"}, project))
    assert old.apply(FRAME)["basket_value"].iloc[0] == 2.0
    (project / "my_pkg" / "features.py").write_text("def basket_value(frame):\n    return frame['n'] * 0 - 1\n")
    new = Code.model_validate(captured({"use": "my_pkg.features:basket_value"}, project))
    assert new.apply(FRAME)["basket_value"].iloc[0] == -1.0
    assert old.apply(FRAME)["basket_value"].iloc[0] == 2.0
    assert "my_pkg.features" not in sys.modules
    assert any(name.startswith(f"{NAMESPACE}.") for name in sys.modules)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("frame['n'] / frame['n'].sum()", "one value beside other rows and another alone"),
        ("frame['n'].rank()", "one value beside other rows"),
        ("frame['n'].shift(1)", "one value beside other rows"),
        ("frame['n'].dropna()", "one value a row"),
        ("frame['n'].sum()", "one value a row"),
        ("frame['absent']", "fails"),
        ("[object()] * len(frame)", "values that no column can hold"),
        ("frame['n'] + __import__('random').random()", "one value"),
        ("frame.insert(0, 'x', 1.0) or frame['n']", ""),
    ],
)
def test_a_function_that_reads_across_rows_is_caught_before_any_data_is_read(body, told):
    """A skewed function would train on one thing and serve another."""
    step = step_of(f"def made(frame):\n    return {body}\n")
    if not told:
        assert "made" in step.columns_after(dict(KINDS))
        return
    with pytest.raises(PlanError, match=told) as caught:
        step.columns_after(dict(KINDS))
    assert "mine:made" in str(caught.value)


def test_a_failure_names_function_line_and_row_but_no_value():
    """Whoever reads the log of a service finds the place, and nobody's data."""
    text = "def made(frame):\n    if (frame['n'] == 3).any():\n        raise ValueError(f'{frame.n.max()} secret')\n    return frame['n']\n"  # noqa: E501
    step = step_of(text, gives={"made": "float"})
    with pytest.raises(DataError) as caught:
        step.apply(FRAME)
    assert "mine:made" in str(caught.value)
    assert "line 3 of mine, row 2" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_column_of_another_kind_than_promised_is_refused():
    """A frame's columns are known before any data is read, and stay what they were promised to be."""
    text = "def made(frame):\n    return frame['n'].astype('str') if len(frame) == 3 else frame['n']\n"
    step = step_of(text, gives={"made": "float"})
    with pytest.raises(DataError, match="another kind"):
        step.apply(FRAME)


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ({"use": "my_pkg.features"}, "does not name a function"),
        ({"use": "my_pkg.featurse:basket_value"}, "no module 'my_pkg.featurse'"),
        ({"use": "my_pkg.features:basket_valeu"}, "no function or class 'basket_valeu'"),
        ({"use": "my_pkg.features:basket_value", "packages": ["no-such-package-anywhere"]}, "not installed"),
        ({"use": "my_pkg.features:basket_value", "packages": ["numpy>=99"]}, "another version of numpy"),
        ({"use": "my_pkg.features:basket_value", "packages": ["!"]}, "names no package"),
    ],
)
def test_what_cannot_be_captured_is_told_with_its_place_in_the_spec(project, declared, told):
    """The spec is wrong, not the machine: one sentence, with what was expected."""
    with pytest.raises(SpecError, match=told):
        captured(declared, project)


def test_a_module_that_fails_as_it_is_loaded_names_its_line():
    """The user's own mistake is theirs to find, quickly."""
    with pytest.raises(SpecError, match="fails as it is loaded") as caught:
        step_of("import math\nx = 1 / 0\n").columns_after(dict(KINDS))
    assert "line 2 of mine" in str(caught.value)


def test_a_package_that_is_absent_where_a_model_is_opened_is_named():
    """A service learns what to install, instead of failing at the first request with a riddle."""
    step = step_of("def made(frame):\n    return frame['n']\n", packages={"no-such-package": "1.2"})
    with pytest.raises(BundleError, match="needs a package") as caught:
        step.apply(FRAME)
    assert "no-such-package==1.2" in str(caught.value)


def test_versions_of_declared_packages_are_recorded(project):
    """Another release of a declared package is another cache key."""
    step = captured({"use": "my_pkg.features:basket_value", "packages": ["numpy"]}, project)
    assert step["packages"] == {"numpy": np.__version__}


def test_a_class_that_learns_from_the_target_gives_training_rows_values_out_of_fold():
    """On pure noise its own training rows must not tell their target."""
    text = (
        "class Leaky:\n    def fit(self, frame, target):\n"
        "        self.known = {n: float(t) for n, t in zip(frame['n'], target) if n == n}\n"
        "    def transform(self, frame):\n        return {'told': frame['n'].map(self.known)}\n"
    )
    step = LearnedCode(use="mine:Leaky", source={"mine": text})
    frame = pd.DataFrame({"n": np.arange(200.0)})
    y = np.random.default_rng(0).integers(0, 2, 200)
    transformer = Plan(steps=(step,)).transformer(2)
    seen = transformer.fit_transform(frame, y)
    assert seen["told"].isna().all()
    assert transformer.transform(frame)["told"].tolist() == y.tolist()
    assert pickle.loads(pickle.dumps(step.learn(frame, Known(y, 2)))).out_of_fold is None


def test_a_spec_names_a_function_by_use_alone(project):
    """One line of the spec is enough; its kind and source are found beside the spec."""
    (project / "shop.csv").write_text("price,n,y\n1,2,a\n")
    spec = spec_from(
        {"source": "shop.csv", "target": "y", "steps": [{"use": "my_pkg.features:basket_value"}]}, Path(project)
    )
    assert spec.steps is not None
    assert spec.steps[0].kind == "code"
    assert "my_pkg.rates" in spec.steps[0].source
    assert "source" not in spec.declared["steps"][0]
