"""Whatever a user gets wrong: a clear message, exit status 2, no traceback, nothing half-published."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.cli import call

N = 120
# Runs the command and gives its exit status and what it said on stderr.
Said = Callable[..., tuple[int, str]]


def good(n: int = N) -> list[str]:
    """Return a small table that is in order."""
    dice = random.Random(7)
    rows = ["id,x,city,y"]
    for i in range(n):
        x = dice.random()
        rows.append(
            f"k{i:04d}x,{x:.6f},{dice.choice(['Bonn', 'Oslo', 'Rome'])},{'yes' if x + dice.random() > 1 else 'no'}"
        )
    return rows


def table(place: Path, rows: list[str], name: str = "t.csv") -> Path:
    """Write a CSV."""
    path = place / name
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Said:
    """Return a function that runs the command in a folder of its own and gives (exit status, everything it said)."""
    monkeypatch.chdir(tmp_path)

    def run(*words: object) -> tuple[int, str]:
        status = call([str(w) for w in words])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        assert not list(tmp_path.glob("artifacts/models/*"))
        return status, captured.err

    return run


def without(rows: list[str], keep: str) -> list[str]:
    """Return the header and the rows whose label is `keep`."""
    return [rows[0], *(r for r in rows[1:] if r.endswith(f",{keep}"))]


CASES = {
    "a missing file": (None, "y", "no such file"),
    "an empty file": ([], "y", "empty"),
    "a header and no rows": (["id,x,city,y"], "y", "no rows"),
    "a target that isn't there": (good(), "Y2", "not a column"),
    "a target with one class": (without(good(), "yes"), "y", "one class"),
    "a target that is all missing": ([good()[0], *(r.rsplit(",", 1)[0] + "," for r in good()[1:])], "y", "missing"),
    "two columns of one name": (["id,x,x,y", *good()[1:]], "y", "named 'x'"),
    "a column without a name": (["id,x,,y", *good()[1:]], "y", "name"),
    "ten rows": (good(10), "y", "10"),
}


@pytest.mark.parametrize("command", ["init", "run"])
@pytest.mark.parametrize("case", CASES)
def test_a_table_that_cannot_serve_is_refused(said: Said, tmp_path: Path, case: str, command: str) -> None:
    """Exit status 2, and a message that names the trouble and the place."""
    rows, target, told = CASES[case]
    path = tmp_path / "t.csv" if rows is None else table(tmp_path, rows)
    if rows == []:
        path.write_text("")
    status, message = said(command, path, "--target", target)
    assert status == 2, message
    assert told.lower() in message.lower()
    assert not (tmp_path / "t.yaml").exists(), "a spec was written all the same"


def test_a_file_that_is_no_table_is_refused(said: Said, tmp_path: Path) -> None:
    """Bytes that are no text, under the name of a CSV; text under the name of a Parquet file; a directory."""
    (tmp_path / "b.csv").write_bytes(bytes(range(256)) * 8)
    (tmp_path / "p.parquet").write_text("not parquet")
    (tmp_path / "d.csv").mkdir()
    for name in ("b.csv", "p.parquet", "d.csv"):
        status, message = said("init", tmp_path / name, "--target", "y")
        assert status == 2, message
        assert name in message


def test_the_nearest_name_is_offered(said: Said, tmp_path: Path) -> None:
    """A typing error in the target, a key or a kind says what was probably meant."""
    table(tmp_path, good())
    status, message = said("init", "t.csv", "--target", "citty")
    assert (status, "did you mean 'city'" in message) == (2, True)
    (tmp_path / "s.yaml").write_text("name: t\nsource: t.csv\ntraget: y\n")
    status, message = said("run", "s.yaml")
    assert (status, "did you mean 'target'" in message, "s.yaml:3" in message) == (2, True, True)
    (tmp_path / "s.yaml").write_text("name: t\nsource: t.csv\ntarget: y\nsteps: [{kind: duplicate}]\n")
    status, message = said("check", "s.yaml")
    assert (status, "did you mean 'duplicates'" in message) == (2, True)


def test_a_run_without_a_target_says_how_to_name_one(said: Said, tmp_path: Path) -> None:
    """Data needs --target; a spec has one."""
    table(tmp_path, good())
    status, message = said("run", "t.csv")
    assert status == 2
    assert "--target" in message


def test_an_artifacts_directory_that_cannot_be_written_is_said_at_once(said: Said, tmp_path: Path) -> None:
    """Before any work is done. A file stands where the directory should be, which stops root too."""
    table(tmp_path, good())
    (tmp_path / "taken").write_text("")
    status, message = said("run", "t.csv", "--target", "y", "--artifacts", tmp_path / "taken")
    assert status == 1
    assert "artifacts directory cannot be written" in message
    assert "--artifacts" in message


def test_an_all_missing_column_and_ten_thousand_categories_are_told_and_lived_with(
    said: Said, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first is left out, the second is used with its rare levels taken together; both are said."""
    rows = [f"{good(20_000)[0]},void,code"]
    for i, row in enumerate(good(20_000)[1:]):
        rows.append(f"{row},,c{i % 10_000}")
    table(tmp_path, rows)
    status = call(["init", "t.csv", "--target", "y"])
    told = capsys.readouterr().out
    assert status == 0
    assert "void" in told
    assert "10,000 different texts" in told
    assert call(["check", "t.yaml"]) == 0


def test_an_unknown_model_version_or_run_is_named(said: Said, tmp_path: Path) -> None:
    """With what there is instead."""
    table(tmp_path, good())
    for words in (
        ("predict", "nobody", "--input", "t.csv", "--output", "o.csv"),
        ("verify", "nobody"),
        ("rollback", "nobody"),
        ("publish", "no-such-run"),
        ("predict", "../../etc", "--input", "t.csv", "--output", "o.csv"),
    ):
        status, message = said(*words)
        assert status == 1, words
        assert "nobody" in message or "no-such-run" in message or "name" in message
    assert not (tmp_path / "o.csv").exists()


def test_an_output_of_an_unknown_format_is_refused_before_the_work(said: Said, tmp_path: Path) -> None:
    """The message lists the formats."""
    status, message = said("predict", "nobody", "--input", "t.csv", "--output", "o.docx")
    assert status == 2
    assert ".parquet" in message


def test_init_never_overwrites_a_spec(said: Said, tmp_path: Path) -> None:
    """What the user edited stays."""
    table(tmp_path, good())
    (tmp_path / "t.yaml").write_text("mine\n")
    status, message = said("init", "t.csv", "--target", "y")
    assert status == 2
    assert (tmp_path / "t.yaml").read_text() == "mine\n"
    assert "--out" in message
