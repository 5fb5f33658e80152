"""Which kind of source a path or an address names."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from penstock.errors import SourceError, SpecError
from penstock.sources import SOURCES, infer_kind, source_from
from penstock.sources.base import SourceBase
from penstock.sources.kinds import SUFFIXES


@pytest.mark.parametrize(("kind", "suffix"), [(k, s) for k, suffixes in SUFFIXES.items() for s in suffixes])
@pytest.mark.parametrize("packed", ["", ".gz", ".zst"])
def test_the_ending_tells_the_kind_packed_or_not(kind: str, suffix: str, packed: str):
    """In any case of letters."""
    assert infer_kind(f"rows{suffix}{packed}") == kind
    assert infer_kind(f"ROWS{suffix.upper()}{packed}") == kind


@pytest.mark.parametrize(
    ("location", "kind"),
    [
        ("s3://bucket/rows.csv", "csv"),
        ("s3://bucket/*.parquet", "parquet"),
        ("gs://bucket/a/b.jsonl.gz", "json"),
        ("https://host/rows.csv?token=x", "csv"),
        ("https://host/page.html#top", "html"),
        ("https://host/api/v1/orders", "http"),
        ("file:///rows.xlsx", "excel"),
        ("mysql://me@host/shop", "sql"),
        ("data/*.csv", "csv"),
        ("names.csv.zip", "csv"),
    ],
)
def test_an_address_tells_the_kind(location: str, kind: str):
    """A web address without a known ending is an API; a scheme that holds no files is a database."""
    assert infer_kind(location) == kind


def test_a_directory_and_an_archive_tell_by_what_lies_in_them(tmp_path: Path):
    """Hidden files don't count; two kinds are a question for the user."""
    (tmp_path / "year=1").mkdir()
    (tmp_path / "year=1" / "part.parquet").touch()
    (tmp_path / ".stray.csv").touch()
    assert infer_kind(str(tmp_path)) == "parquet"
    with zipfile.ZipFile(tmp_path / "names.zip", "w") as archive:
        archive.writestr("a.txt", "x")
        archive.writestr("readme.pdf", "x")
    assert infer_kind(str(tmp_path / "names.zip")) == "csv"
    (tmp_path / "other.json").touch()
    with pytest.raises(SourceError, match="several kinds") as caught:
        infer_kind(str(tmp_path))
    assert "parquet" in caught.value.got
    assert "json" in caught.value.got


@pytest.mark.parametrize("location", ["rows.xyz", "s3://bucket/rows", "nowhere/"])
def test_what_cannot_be_told_is_asked_for(location: str):
    """With every ending that would have told."""
    with pytest.raises(SourceError, match="cannot be told") as caught:
        infer_kind(location)
    assert ".parquet" in caught.value.expected


def test_every_kind_of_source_stands_in_the_union():
    """A class that nobody can name in a spec is no source."""
    waiting, leaves = [SourceBase], set()
    while waiting:
        kind = waiting.pop()
        below = kind.__subclasses__()
        waiting += below
        if not below and kind.__module__.startswith("penstock."):
            leaves.add(kind)
    assert leaves == set(SOURCES), "add the class to penstock/sources/union.py"


def test_path_and_url_are_two_words_for_one_thing(tmp_path: Path):
    """Each kind takes the place under either name."""
    assert source_from({"url": "https://host/rows.csv"}, "r", tmp_path).path == ("https://host/rows.csv",)
    assert source_from({"path": "postgresql://host/shop", "table": "t"}, "r", tmp_path).kind == "sql"


def test_a_value_that_does_not_fit_is_told_without_the_value(tmp_path: Path):
    """It might be a secret."""
    with pytest.raises(SpecError) as caught:
        source_from({"path": "a.csv", "access": {"timeout": "hunter2"}}, "r", tmp_path)
    assert "access.timeout" in caught.value.where
    assert "hunter2" not in f"{caught.value}{caught.value.__cause__}"
    assert caught.value.__suppress_context__
