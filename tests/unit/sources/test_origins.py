"""Where a row stands: the file and the line that a person would open."""

from __future__ import annotations

import zipfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.sources import snapshot, source_from
from penstock.sources.csv import CsvSource
from penstock.sources.origins import Origin, origins_of
from penstock.store import Store


def origins(folder: Path, declared: object) -> list[Origin]:
    """Return the origin of every row of a source."""
    store = Store(folder / "store")
    source = source_from(declared, "t", folder)
    taken = snapshot(source, store)
    return origins_of(source, taken, range(taken.n_rows), store)


def lines(folder: Path, declared: object) -> list[int | None]:
    """Return the line of every row."""
    return [origin.line for origin in origins(folder, declared)]


def test_comments_blank_lines_and_cells_of_several_lines_are_counted(tmp_path):
    """Lines are those of the file, as an editor numbers them."""
    (tmp_path / "t.csv").write_text('# made by hand\na,b\n1,x\n\n# then\n2,"two\nlines"\n3,y\n')
    assert lines(tmp_path, {"path": "t.csv", "comment": "#"}) == [3, 6, 8]


def test_rows_that_were_set_aside_are_passed_over(tmp_path):
    """The rows behind them keep their lines."""
    (tmp_path / "t.csv").write_text("a,b\n1,x\n2,y,z\n3,w\n")
    assert lines(tmp_path, {"path": "t.csv", "max_quarantined": 0.5}) == [2, 4]


def test_a_file_without_a_header_begins_with_its_first_line(tmp_path):
    """And `skip` counts."""
    (tmp_path / "t.csv").write_text("notes\n1,x\n2,y\n")
    assert lines(tmp_path, {"path": "t.csv", "names": ["a", "b"], "skip": 1}) == [2, 3]


def test_stacked_files_and_members_of_an_archive_are_told_apart(tmp_path):
    """Each row knows its own file."""
    for name in "ab":
        (tmp_path / f"{name}.csv").write_text(f"k\n{name}1\n{name}2\n")
    with zipfile.ZipFile(tmp_path / "t.zip", "w") as archive:
        archive.write(tmp_path / "a.csv", "a.csv")
        archive.write(tmp_path / "b.csv", "b.csv")
    for declared in (["a.csv", "b.csv"], "t.zip"):
        told = [(Path(o.file).name, o.line, o.row) for o in origins(tmp_path, declared)]
        assert [(file[-5:], line, row) for file, line, row in told] == [
            ("a.csv", 2, 1),
            ("a.csv", 3, 2),
            ("b.csv", 2, 3),
            ("b.csv", 3, 4),
        ]


def test_kinds_without_lines_count_their_rows(tmp_path):
    """A JSON document has no line for a row."""
    (tmp_path / "t.json").write_text('[{"a": 1}, {"a": 2}]')
    found = origins(tmp_path, "t.json")
    assert [(o.line, o.row, o.place) for o in found] == [(None, 1, 1), (None, 2, 2)]


CELLS = st.lists(st.text(st.sampled_from('ab ,\n"'), max_size=4), min_size=1, max_size=12)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(CELLS)
def test_the_line_of_a_row_is_where_its_text_begins(tmp_path, cells):
    """Whatever stands in quotes."""
    rows = [f'{i}:,"{cell.replace(chr(34), chr(34) * 2)}"' for i, cell in enumerate(cells)]
    text = "\n".join(["k,v", *rows]) + "\n"
    (tmp_path / "t.csv").write_text(text)
    starts = [1 + text[: text.index(f"\n{i}:,") + 1].count("\n") for i in range(len(rows))]
    source = CsvSource(name="t", path=("t.csv",))
    assert source.lines_in(tmp_path / "t.csv", "t.csv").tolist() == starts
