"""A stage's key: what it was given, its slice of the spec, its code and libraries; never where it runs."""

from __future__ import annotations

import os
import time

import pytest
from prefect.cache_policies import NO_CACHE
from prefect.states import Failed

from penstock.errors import DataError, SourceError, SourceUnavailable, StoreError
from penstock.receipts import Arrays, Collected, FileRef, FrameRef, Part, Snapshot, Trained, Wrangled
from penstock.slices import Gate, Modelling, Typing
from penstock.sources import CsvSource, SqlSource
from penstock.steps.wrangling import Wrangling
from tasks.arrays import arrays
from tasks.caching import StageKey, described, entered, may_pass
from tasks.collect import collect
from tasks.dossier import dossier
from tasks.evaluate import Opponent, evaluate
from tasks.explore import explore
from tasks.publish import publish
from tasks.train import train
from tasks.wrangle import wrangle

CACHED = {
    "collect": collect,
    "arrays": arrays,
    "wrangle": wrangle,
    "explore": explore,
    "train": train,
    "evaluate": evaluate,
}


def file(letter: str = "a") -> FileRef:
    return FileRef(digest=letter * 64, path=f"objects/{letter}", size=1)


def frame(letter: str = "a") -> FrameRef:
    return FrameRef(digest=letter * 64, path=f"objects/{letter}", size=1, n_rows=1, columns=("x",))


COLLECTED = Collected(
    snapshots=(
        Snapshot(
            name="s",
            kind="csv",
            uri="file:///s.csv",
            collected_at="1",
            n_rows=1,
            n_bytes=1,
            sha256="a",
            parts=(Part(name="s.csv", file=file()),),
            table=frame(),
        ),
    )
)
ARRAYS = Arrays(tables=(), seeds={"train": 1}, lock=file())
WRANGLED = Wrangled(
    raw=frame(), cut=frame(), clean=frame(), sides=frame(), rejected=frame(), plan=file(), table_schema=file(),
    audit=file(), profile=file(), n_train=8, n_heldout=2,
)  # fmt: skip
TRAINED = Trained(
    family="linear", metric="roc_auc", served=file(), twin=file(), probe=frame(), table_schema=file(), plan=file(),
    profile=file(), environment=file(), content_digest="d", leaderboard=(),
)  # fmt: skip
TYPING = Typing(base="s", target="y")


@pytest.fixture
def inputs(tmp_path):
    """Return what each stage is given, by its name."""
    path = tmp_path / "s.csv"
    path.write_text("x,y\n1,2\n")
    source = CsvSource(name="s", path=(str(path),))
    return {
        "collect": {"sources": (source,)},
        "arrays": {"collected": COLLECTED, "typing": TYPING, "locked": None},
        "wrangle": {"arrays": ARRAYS, "typing": TYPING, "wrangling": Wrangling(name="m")},
        "explore": {"wrangled": WRANGLED, "seed": 1},
        "train": {"wrangled": WRANGLED, "modelling": Modelling(), "typing": TYPING, "seed": 1},
        "evaluate": {
            "wrangled": WRANGLED,
            "trained": TRAINED,
            "opponent": Opponent(model="m"),
            "gate": Gate(),
            "typing": TYPING,
            "seed": 1,
        },
    }


def policy(stage: str) -> StageKey:
    found = CACHED[stage].cache_policy
    assert isinstance(found, StageKey)
    return found


def key(stage: str, given: dict[str, object], **changed: object) -> str:
    made = policy(stage).key({"artifacts": "here", **given, **changed})
    assert made is not None
    return made


@pytest.mark.parametrize("stage", CACHED)
def test_the_same_inputs_give_the_same_key_wherever_the_artifacts_lie(stage, inputs):
    """A place changes nothing that is computed."""
    assert key(stage, inputs[stage]) == key(stage, inputs[stage], artifacts="elsewhere")


CHANGES = [
    ("arrays", {"collected": Collected(snapshots=())}),
    ("arrays", {"typing": Typing(base="s", target="z")}),
    ("arrays", {"locked": {}}),
    ("wrangle", {"arrays": ARRAYS.model_copy(update={"lock": file("b")})}),
    ("wrangle", {"typing": Typing(base="s", target="y", known_after=("x",))}),
    ("wrangle", {"wrangling": Wrangling(name="other")}),
    ("explore", {"wrangled": WRANGLED.model_copy(update={"clean": frame("b")})}),
    ("explore", {"seed": 2}),
    ("train", {"wrangled": WRANGLED.model_copy(update={"cut": frame("b")})}),
    ("train", {"modelling": Modelling(budget=7)}),
    ("train", {"typing": Typing(base="s", target="y", seed=1)}),
    ("train", {"seed": 2}),
    ("evaluate", {"trained": TRAINED.model_copy(update={"content_digest": "e"})}),
    ("evaluate", {"wrangled": WRANGLED.model_copy(update={"raw": frame("b")})}),
    ("evaluate", {"opponent": Opponent(model="m", version="1-" + "a" * 12)}),
    ("evaluate", {"opponent": Opponent(model="m", withdrawn=("d",))}),
    ("evaluate", {"gate": Gate(margin=0.1)}),
    ("evaluate", {"seed": 2}),
]


@pytest.mark.parametrize(
    ("stage", "change"), CHANGES, ids=[f"{s}-{next(iter(c))}-{i}" for i, (s, c) in enumerate(CHANGES)]
)
def test_every_input_counts(stage, change, inputs):
    """Receipts and slices of the spec alike."""
    assert key(stage, inputs[stage]) != key(stage, inputs[stage], **change)


def test_times_and_places_in_receipts_do_not_count(inputs):
    """Collecting the same bytes later, or from elsewhere, makes nothing anew."""
    later = COLLECTED.snapshots[0].model_copy(update={"collected_at": "2", "uri": "file:///moved.csv"})
    assert key("arrays", inputs["arrays"]) == key("arrays", inputs["arrays"], collected=Collected(snapshots=(later,)))


def test_a_source_counts_by_its_bytes_not_by_its_time(inputs, tmp_path):
    """Touched, it is the same; changed, another, even where size and time are as they were."""
    path = tmp_path / "s.csv"
    os.utime(path, (1, 1))
    before = key("collect", inputs["collect"])
    os.utime(path, (9, 9))
    assert key("collect", inputs["collect"]) == before
    path.write_text("x,y\n1,3\n")
    os.utime(path, (1, 1))
    assert key("collect", inputs["collect"]) != before


def test_what_a_table_of_fixes_says_counts_and_not_where_it_lies(inputs, tmp_path):
    """An edited correction is collected anew; a moved one is not."""
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    one.write_text("_key,x\na,1\n")
    other.write_bytes(one.read_bytes())
    before = key("collect", inputs["collect"], fixes=(str(one),))
    assert before != key("collect", inputs["collect"])
    assert before == key("collect", inputs["collect"], fixes=(str(other),))
    one.write_text("_key,x\na,2\n")
    assert before != key("collect", inputs["collect"], fixes=(str(one),))


def test_how_a_source_is_read_counts_when_it_is_collected_and_what_was_read_after_that(inputs):
    """The raw table is in the store by then: the same bytes read otherwise give another one."""
    path = inputs["collect"]["sources"][0].path
    otherwise = CsvSource(name="s", path=path, delimiter=";")
    assert key("collect", inputs["collect"]) != key("collect", inputs["collect"], sources=(otherwise,))
    other = COLLECTED.snapshots[0].model_copy(update={"table": frame("b")})
    given = inputs["arrays"]
    assert key("arrays", given) != key("arrays", given, collected=Collected(snapshots=(other,)))


def test_a_source_whose_state_cannot_be_told_has_no_key(inputs):
    """A server's tables may change at any time: they are collected to know."""
    source = SqlSource(name="s", url="postgresql://nobody@127.0.0.1:1/none", table="t")
    given = {"sources": (source,), "artifacts": "here"}
    assert policy("collect").compute_key(None, given, {}) is None


def test_a_source_that_cannot_be_read_has_no_key(inputs, tmp_path):
    """The body meets the same trouble, and tells it."""
    (tmp_path / "s.csv").unlink()
    assert policy("collect").compute_key(None, {**inputs["collect"], "artifacts": "here"}, {}) is None


LIBRARIES = sorted({(stage, name) for stage in CACHED for name in policy(stage).libraries})


@pytest.mark.parametrize(("stage", "library"), LIBRARIES)
def test_the_version_of_a_library_counts(stage, library, inputs, tmp_path, monkeypatch):
    """Another release may compute otherwise."""
    before = key(stage, inputs[stage])
    told = tmp_path / "site" / f"{library.replace('-', '_')}-99.0.dist-info"
    told.mkdir(parents=True)
    (told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {library}\nVersion: 99.0\n")
    monkeypatch.syspath_prepend(str(told.parent))
    assert key(stage, inputs[stage]) != before


def test_a_plotting_library_does_not_retrain(inputs):
    """Only stages that draw know it."""
    drawing = {stage for stage in CACHED if {"matplotlib", "seaborn"} & set(policy(stage).libraries)}
    assert drawing == {"explore"}


@pytest.mark.parametrize("stage", CACHED)
def test_a_helper_module_counts(stage, inputs, tmp_path, monkeypatch):
    """A key is of the whole import graph's text."""
    helper = tmp_path / "brook.py"
    helper.write_text("x = 1")
    os.utime(helper, (1, 1))
    monkeypatch.syspath_prepend(str(tmp_path))
    made = policy(stage)
    with_helper = StageKey(
        stage=stage,
        code=(*made.code, "brook"),
        libraries=made.libraries,
        beside=made.beside,
        instead_of=made.instead_of,
    )
    given = {**inputs[stage], "artifacts": "here"}
    before = with_helper.key(given)
    helper.write_text("x = 2")
    os.utime(helper, (1, 1))
    assert with_helper.key(given) not in (None, before)


def test_code_edited_while_we_run_is_not_cached(inputs, tmp_path, monkeypatch):
    """What was imported before the edit is still running: its results must not pass for the new text's."""
    helper = tmp_path / "brook.py"
    helper.write_text("x = 1")
    later = time.time() + 5
    os.utime(helper, (later, later))
    monkeypatch.syspath_prepend(str(tmp_path))
    assert StageKey(stage="train", code=("brook",)).key(inputs["train"]) is None


@pytest.mark.parametrize("stage", CACHED)
def test_no_door_leaves_a_library_out_that_its_code_computes_with(stage, root):
    """Every library that computes, and that the stage's own code imports, is in its key."""
    import ast

    from tasks.fingerprint import code_of

    computing = {
        "numpy": "numpy", "pandas": "pandas", "pyarrow": "pyarrow", "sklearn": "scikit-learn", "lightgbm": "lightgbm",
        "scipy": "scipy", "matplotlib": "matplotlib", "seaborn": "seaborn", "sqlalchemy": "sqlalchemy",
            "httpx": "httpx", "lxml": "lxml", "python_calamine": "python-calamine",
        "joblib": "joblib", "xgboost": "xgboost-cpu",
    }  # fmt: skip
    imported = set()
    for name, _ in code_of(policy(stage).code).modules:
        path = root / (name.replace(".", "/") + ".py")
        tree = ast.parse((path if path.exists() else path.with_suffix("") / "__init__.py").read_bytes())
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                imported.add(node.module.partition(".")[0])
    wanted = {distribution for module, distribution in computing.items() if module in imported}
    # The estimators' pickles are written and read by joblib in every stage that has any.
    assert wanted - set(policy(stage).libraries) == set()


def test_publish_is_never_cached():
    """It looks at what is live each time."""
    assert publish.cache_policy == NO_CACHE
    assert not publish.persist_result
    assert not publish.on_commit_hooks


@pytest.mark.parametrize("door", [collect, publish])
def test_doors_to_the_outside_try_again(door):
    """Three times, later each time, and not all at the same moment."""
    assert door.retries == 3
    assert list(door.retry_delay_seconds) == sorted(set(door.retry_delay_seconds))
    assert door.retry_jitter_factor > 0


@pytest.mark.parametrize("door", [arrays, wrangle, explore, train, evaluate, dossier])
def test_doors_that_only_compute_do_not(door):
    """The same inputs fail the same way."""
    assert door.retries == 0


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (SourceUnavailable("busy"), True),
        (ConnectionResetError("reset"), True),
        (OSError(5, "Input/output error"), True),
        (TimeoutError("late"), True),
        (SourceError("no such file"), False),
        (DataError("one class"), False),
        (StoreError("altered"), False),
        (FileNotFoundError("gone"), False),
        (PermissionError("no"), False),
        (ValueError("wrong"), False),
    ],
)
def test_only_what_may_pass_is_tried_again(error, again):
    """Never a mistake in spec or data."""
    assert may_pass(collect, None, Failed(data=error)) is again


def test_bodies_are_logged_where_the_environment_asks(tmp_path, monkeypatch):
    """A line for each body entered."""
    monkeypatch.delenv("PENSTOCK_STAGE_LOG", raising=False)
    entered("collect")
    monkeypatch.setenv("PENSTOCK_STAGE_LOG", str(tmp_path / "log"))
    entered("collect")
    entered("arrays")
    assert (tmp_path / "log").read_text().split() == ["collect", "arrays"]


def test_a_password_is_in_no_key():
    """A key is made of what may be read by anyone."""
    from penstock.sources import SqlSource

    source = SqlSource(name="s", url="postgresql://me:hush@host/db", query="select 1")
    assert "hush" not in str(described({"sources": (source,)}))
