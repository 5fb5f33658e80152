"""What a second run enters again, by a log of the bodies entered: what hangs on what was changed, and nothing else."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import signal
import sys
import threading
from pathlib import Path

import pytest

from penstock.receipts import Ref
from penstock.store import Store
from tests.integration import small

ALL = small.STAGES
PACKAGES = ("penstock", "tasks")


class Project:
    """A small project, and what its last run entered."""

    def __init__(self, folder: Path, log: Path) -> None:
        self.folder, self.log = folder, log
        self.artifacts = folder / "artifacts"
        self.spec = small.make(folder)

    def run(self, **options):
        """Run the flow and return its summary."""
        from flows.train import train

        self.log.write_text("")
        return train(str(self.spec), artifacts=str(self.artifacts), **options)

    @property
    def entered(self) -> list[str]:
        """The bodies that the last run entered, in the order of the stages."""
        return sorted(self.log.read_text().split(), key=ALL.index)

    def record(self, stage: str) -> dict:
        """Return the newest record of a stage."""
        found = max((self.artifacts / ".results").glob(f"{stage}-*"), key=lambda p: p.stat().st_mtime_ns)
        return {"path": found, **json.loads(json.loads(found.read_text())["result"])}

    def object_of(self, stage: str, *path: str | int) -> Path:
        """Return where an object lies that a stage's receipt names."""
        value = self.record(stage)["body"]
        for step in path:
            value = value[step]
        return Store(self.artifacts).local_path(Ref(**{k: value[k] for k in ("digest", "path", "size")}))


@pytest.fixture(scope="module")
def ran(prefect_api, tmp_path_factory):
    """Return a project in which everything has run twice, the second time for nothing, and a copy of it."""
    folder = tmp_path_factory.mktemp("ran")
    log = folder / "log"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PENSTOCK_STAGE_LOG", str(log))
        project = Project(folder / "project", log)
        first = project.run()
        assert first.state == "published", first.verdict
        assert project.entered == ALL
        assert {s.state for s in first.stages} == {"completed"}
        again = project.run()
        assert project.entered == ["publish"]
        assert [s.state for s in again.stages] == ["cached"] * 6 + ["unchanged"]
        assert again.version == first.version
    shutil.copytree(project.folder, folder / "copy")
    return project, folder / "copy"


@pytest.fixture
def project(ran, monkeypatch):
    """Return the project as it was after those two runs, to be changed."""
    project, copy = ran
    shutil.rmtree(project.folder)
    shutil.copytree(copy, project.folder)
    monkeypatch.setenv("PENSTOCK_STAGE_LOG", str(project.log))
    return project


def test_a_project_that_moved_collects_again_and_does_nothing_more(project, tmp_path):
    """Where a source lies is told in its snapshot; nothing else hangs on it."""
    project.folder.rename(tmp_path / "moved")
    moved = Project.__new__(Project)
    moved.folder, moved.log = tmp_path / "moved", project.log
    moved.artifacts, moved.spec = moved.folder / "artifacts", moved.folder / "brook.yaml"
    project.folder.mkdir()
    moved.run()
    assert moved.entered == ["collect", "publish"]


def test_new_rows_enter_every_stage(project):
    """Data changed."""
    small.write_csv(project.folder / "brook.csv", small.rows(200))
    project.run()
    assert project.entered == ALL


def test_a_changed_table_behind_a_join_enters_every_stage(project):
    """A second source is a source."""
    import sqlite3

    with sqlite3.connect(project.folder / "towns.sqlite") as database:
        database.execute("update towns set height = height + 1")
    database.close()
    project.run()
    assert project.entered == ALL


def test_a_touched_file_enters_nothing(project):
    """Its bytes are what they were."""
    os.utime(project.folder / "brook.csv")
    project.run()
    assert project.entered == ["publish"]


SLICES = {
    "columns": (lambda s: s.update(columns={"x": {"unit": "m"}}), ALL[1:]),
    "joins": (lambda s: s["joins"][0].update(serve="request"), ALL[2:]),
    "steps": (lambda s: s.update(steps=[{"kind": "misfits"}, {"kind": "fill"}]), ALL[2:]),
    "model": (lambda s: s["model"].update(folds=3), ["train", "evaluate", "publish"]),
    "metric": (lambda s: s.update(metric="log_loss"), ["train", "evaluate", "publish"]),
    "gate": (lambda s: s["gate"].update(margin=0.5), ["evaluate", "publish"]),
    "schedule": (lambda s: s.update(schedule={"cron": "0 3 * * 1"}), ["publish"]),
}


@pytest.mark.parametrize("slice_", SLICES)
def test_a_changed_slice_of_the_spec_enters_from_its_stage_on(project, slice_):
    """Each stage is keyed by its own slice."""
    change, entered = SLICES[slice_]
    small.respec(project.folder, change)
    project.run()
    assert project.entered == entered


HELPERS = {
    # What collect reads is typed again only where the table has become another one.
    "penstock/sources/text/sniff.py": ["collect", "publish"],
    "penstock/arrays/dates.py": ["arrays", "publish"],
    # The explore stage replays the steps, to show each before and after.
    "penstock/steps/missing/fill.py": ["wrangle", "explore", "train", "evaluate", "publish"],
    "penstock/plots/histogram.py": ["explore", "publish"],
    "penstock/models/estimators/linear.py": ["train", "evaluate", "publish"],
    "penstock/faults/telling.py": ["evaluate", "publish"],
}


@pytest.fixture
def code(root, tmp_path, monkeypatch):
    """Return a copy of the project's packages, which stands before the original on the path."""
    copy = tmp_path / "code"
    for package in PACKAGES:
        shutil.copytree(root / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.syspath_prepend(str(copy))
    importlib.invalidate_caches()
    return copy


def edit(path: Path) -> None:
    """Add a line that changes nothing but the text; the file's time is older than this process, as after a restart."""
    path.write_text(path.read_text() + "\n# edited\n")
    os.utime(path, (1, 1))


@pytest.mark.parametrize("helper", HELPERS)
def test_an_edited_helper_enters_the_stages_that_stand_on_it(project, code, helper):
    """A plot does not retrain; a step does not collect."""
    edit(code / helper)
    project.run()
    assert project.entered == HELPERS[helper]


def test_code_edited_while_the_process_runs_is_entered_and_not_kept(project, code):
    """The text on disk is not what runs: nothing of it may be found later."""
    path = code / "penstock/models/estimators/linear.py"
    path.write_text(path.read_text() + "\n# edited\n")
    later = path.stat().st_mtime + 60
    os.utime(path, (later, later))
    for _ in range(2):
        project.run()
        assert project.entered == ["train", "evaluate", "publish"]


LIBRARIES = {
    "sqlalchemy": ["collect", "publish"],
    "lightgbm": ["train", "evaluate", "publish"],
}


@pytest.mark.parametrize("library", LIBRARIES)
def test_another_version_of_a_library_enters_the_stages_that_compute_with_it(project, library, tmp_path, monkeypatch):
    """As after an upgrade."""
    told = tmp_path / "site" / f"{library}-99.0.dist-info"
    told.mkdir(parents=True)
    (told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {library}\nVersion: 99.0\n")
    monkeypatch.syspath_prepend(str(told.parent))
    project.run()
    assert project.entered == LIBRARIES[library]


OBJECTS = {
    "collect": ("snapshots", 0, "parts", 0, "file"),
    "arrays": ("tables", 0, "misfits"),
    "wrangle": ("rejected",),
    "explore": ("figures", 0, "file"),
    "train": ("twin",),
    "evaluate": ("metrics",),
}


@pytest.mark.parametrize(
    ("stage", "harm"), [*((s, "deleted") for s in OBJECTS), ("wrangle", "altered"), ("train", "altered")]
)
def test_a_harmed_object_is_made_anew_by_its_stage_alone(project, stage, harm):
    """The rest is found again, since the same object comes of it."""
    path = project.object_of(stage, *OBJECTS[stage])
    whole = path.read_bytes()
    if harm == "deleted":
        path.unlink()
    else:
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    project.run()
    assert project.entered == [stage, "publish"]
    assert path.read_bytes() == whole


def test_a_planted_record_that_names_pickle_is_passed_over(project, tmp_path):
    """It is not opened, and the stage runs."""
    import base64

    import cloudpickle

    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "ran"),)

    record = project.record("train")["path"]
    metadata = json.loads(record.read_text())["metadata"] | {"serializer": {"type": "pickle"}}
    body = base64.encodebytes(cloudpickle.dumps(Trap())).decode()
    record.write_text(json.dumps({"metadata": metadata, "result": body}))
    project.run()
    assert project.entered == ["train", "publish"]
    assert not (tmp_path / "ran").exists()


def test_refresh_enters_every_stage(project):
    """Whatever is cached."""
    project.run(refresh=True)
    assert project.entered == ALL


def test_verdicts_hold_for_the_opponent_that_they_were_reached_against(project):
    """The champion itself is not judged again; who stood against another one is; what was rolled back is refused."""
    from penstock.bundle.rollback import rollback

    def other(spec):
        spec["model"].update(families=["hist_gradient_boosting"])
        spec["gate"].update(margin=9.0)

    small.respec(project.folder, other)
    second = project.run()
    assert project.entered == ["train", "evaluate", "publish"]
    assert second.state == "published", second.verdict
    project.run()
    assert project.entered == ["publish"]

    # The first recipe again: its model is what it was, its opponent is not.
    small.respec(project.folder)
    back = project.run(publish=False)
    assert project.entered == ["evaluate", "publish"]
    assert back.verdict.champion == second.version

    # The second is taken back: the verdict that let it in does not bring it in again.
    rollback(project.artifacts, "brook", reason="a test")
    small.respec(project.folder, other)
    third = project.run()
    assert project.entered == ["evaluate", "publish"]
    assert third.state == "refused"
    assert not third.verdict.passed
    assert any("rolled back" in reason for reason in third.verdict.reasons)


def test_what_is_not_to_be_published_is_kept(project):
    """The candidate can be published later."""
    from penstock.bundle.candidate import publish_candidate

    small.respec(project.folder, lambda s: s["model"].update(folds=3))
    kept = project.run(publish=False)
    assert kept.state == "kept"
    assert not kept.published
    done = publish_candidate(Path(kept.candidate), project.artifacts)
    assert done.state in ("published", "unchanged")


def test_a_run_leaves_its_files_behind(project):
    """Spec, lock, lineage, summary, candidate, and the report with its facts."""
    done = project.run()
    folder = project.artifacts / "runs" / done.run_id
    assert {p.name for p in folder.iterdir()} == {
        "spec.json", "lock.json", "lineage.json", "summary.json", "candidate", "report.html", "facts.json",
    }  # fmt: skip
    summary = json.loads((folder / "summary.json").read_text())
    assert summary == json.loads(done.model_dump_json())
    lineage = json.loads((folder / "lineage.json").read_text())
    assert set(lineage["receipts"]) == set(ALL)
    assert Path(done.report).read_text().startswith("<!")
    assert done.version in Path(done.report).read_text()
    assert (project.folder / "brook.lock.yaml").exists()


def test_a_runs_page_shows_the_dossier_with_figures_and_the_leaderboard(project):
    """As artifacts of the run in Prefect's UI."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey

    done = project.run()
    with get_client(sync_client=True) as client:
        # Other runs of this project have left pages, too, and the server lists them in no order of its own.
        found = {
            key: max(
                client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key]))),
                key=lambda artifact: artifact.created,
            ).data
            for key in ("dossier-brook", "leaderboard-brook")
        }
    dossier = found["dossier-brook"]
    assert "](data:image/png;base64," in dossier
    assert done.verdict.reasons[0].split(":")[0] in dossier
    board = json.loads(found["leaderboard-brook"])
    assert [row["candidate"] for row in board] == ["linear (chosen)", "dummy"]


def test_ctrl_c_outside_the_search_ends_the_run(project):
    """Nothing is half done, and the next run goes on from what was cached."""
    from flows.stages import watched_by

    def at_wrangling(name, ended):
        if name == "wrangle" and ended is None:
            os.kill(os.getpid(), signal.SIGINT)

    small.respec(project.folder, lambda s: s["model"].update(folds=3))
    with watched_by(at_wrangling), pytest.raises(KeyboardInterrupt):
        project.run()
    project.run()
    assert project.entered == ["train", "evaluate", "publish"]


@pytest.mark.long
def test_stages_that_nobody_waits_for_can_run_in_a_process(project):
    """Drawn there, and cached like everywhere."""
    done = project.run(runner="processes", refresh=True)
    assert {s.name for s in done.stages} == set(ALL)
    project.run()
    assert project.entered == ["publish"]


def test_a_runner_that_is_not_installed_is_told_with_what_to_install(project):
    """Before any stage is entered."""
    from importlib.util import find_spec

    from penstock.errors import UserError

    if find_spec("prefect_dask"):
        pytest.skip("prefect-dask is installed here")
    with pytest.raises(UserError, match="'dask' is not installed"):
        project.run(runner="dask")
    assert project.entered == []


def test_an_interrupted_search_is_good_for_its_run_and_not_kept(project):
    """Ctrl-C finishes with the best so far; the next run searches to its end."""
    from flows.stages import watched_by

    small.respec(
        project.folder, lambda s: s["model"].update(families=["linear", "random_forest"], folds=20, trials=100)
    )
    timer = threading.Timer(1.5, os.kill, (os.getpid(), signal.SIGINT))

    def at_training(name, ended):
        if name == "train" and ended is None:
            timer.start()

    with watched_by(at_training):
        cut_short = project.run()
    timer.join()
    assert any("Ctrl-C" in row.note for row in cut_short.leaderboard)
    # The only record is the one of the spec as it was before.
    assert len(list((project.artifacts / ".results").glob("train-*"))) == 1


def test_modules_are_the_original_ones():
    """Copies of the code were looked at, never imported."""
    assert Path(sys.modules["penstock.gate"].__file__).parents[1] == Path(__file__).parents[2]
