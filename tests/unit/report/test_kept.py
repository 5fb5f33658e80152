"""The facts beside a report: the page is made anew from them, and what is lacking is told."""

from __future__ import annotations

import shutil
import time

import orjson
import pytest

from deploy.commands.report import report
from penstock.errors import NotFound, StoreError
from penstock.report.facts import DossierFacts
from penstock.report.finding import dossier_place
from penstock.report.html import dossier_html
from penstock.report.kept import FACTS, REPORT, keep_facts, read_facts
from penstock.store import Store


@pytest.fixture
def artifacts(tmp_path, facts):
    """Return an artifacts directory with one run."""
    store, folder = Store(tmp_path), tmp_path / "runs" / "20261129-090000-aa"
    folder.mkdir(parents=True)
    refs = [[store.put_bytes(p.png, "png", "image/png") for p in some] for some in (facts.figures, facts.evaluation)]
    keep_facts(folder, facts, *refs)
    (folder / REPORT).write_bytes(b"as it was made")
    (folder / "summary.json").write_bytes(orjson.dumps({"name": "clinic", "version": "1-a", "state": "published"}))
    return tmp_path


def test_the_page_is_made_anew_from_what_the_run_kept(artifacts, facts, capsys):
    """With a newer template, without running again: the newest run by default."""
    folder = artifacts / "runs" / "20261129-090000-aa"
    assert read_facts(folder, Store(artifacts)) == facts
    assert report(None, artifacts, None, render=False, show=False) == 0
    assert capsys.readouterr().out.strip() == str(folder / REPORT)
    report(None, artifacts, artifacts / "copy.html", render=False, show=False)
    assert (artifacts / "copy.html").read_bytes() == b"as it was made"
    report(folder.name, artifacts, None, render=True, show=False)
    assert (folder / REPORT).read_bytes() == dossier_html(facts)


def test_a_report_that_is_gone_can_be_made_anew(artifacts):
    """The error says how."""
    folder = artifacts / "runs" / "20261129-090000-aa"
    (folder / REPORT).unlink()
    with pytest.raises(NotFound, match="is gone") as error:
        report(folder.name, artifacts, None, render=False, show=False)
    assert f"penstock report {folder.name} --render" in error.value.todo
    report(folder.name, artifacts, None, render=True, show=False)
    assert (folder / REPORT).is_file()


def test_what_is_not_there_is_told_with_a_way_out(artifacts):
    """An unknown run, one that was cut off, one of before, a foreign file of facts, and a swept picture."""
    folder = artifacts / "runs" / "20261129-090000-aa"
    with pytest.raises(NotFound, match="no run and no model '20261129'") as error:
        dossier_place(artifacts, "20261129")
    assert folder.name in error.value.expected
    with pytest.raises(NotFound, match="no run and no model"):
        dossier_place(artifacts, "../../etc")
    (artifacts / "runs" / "half").mkdir()
    with pytest.raises(NotFound, match="cut off before its report"):
        dossier_place(artifacts, "half")
    shutil.rmtree(artifacts / "objects")
    with pytest.raises(StoreError, match="A picture of the report is gone") as gone:
        report(folder.name, artifacts, None, render=True, show=False)
    assert str(folder / REPORT) in gone.value.todo
    (folder / FACTS).write_bytes(b'{"facts": {}, "figures": [], "evaluation": [], "newer": 1}')
    with pytest.raises(NotFound, match="cannot be understood"):
        read_facts(folder, Store(artifacts))
    (folder / FACTS).unlink()
    with pytest.raises(NotFound, match="kept no facts"):
        read_facts(folder, Store(artifacts))
    with pytest.raises(NotFound, match="no run with a report"):
        dossier_place(artifacts / "elsewhere", None)


def test_facts_of_an_older_release_are_read(artifacts, facts):
    """Fields that came later have defaults."""
    later = {"environment", "spec", "spec_path", "n_left_out", "expectations"}
    told = facts.model_dump(exclude=later)
    assert DossierFacts.model_validate(told).spec == ""


def test_rendering_takes_less_than_half_a_second(facts):
    """Hundreds of columns, dozens of pictures: nobody waits for a page."""
    wide = facts.model_copy(update={"columns": facts.columns[:1] * 600, "figures": facts.figures * 40})
    took = []
    # The best of three: whoever else is busy on this machine does not count.
    for _ in range(3):
        began = time.perf_counter()
        dossier_html(wide)
        took.append(time.perf_counter() - began)
    assert min(took) < 0.5
