"""Where files lie: paths, patterns, directories and addresses, their names and their states."""

from __future__ import annotations

import os
from pathlib import Path

import fsspec
import pytest

from penstock.errors import PenstockError, SourceError, SourceUnavailable
from penstock.sources import CsvSource, read_snapshot, snapshot
from penstock.sources.places.access import Access
from penstock.sources.places.finding import LocalPlace, places, shown
from penstock.sources.places.local import check_confined, check_file, local_path
from penstock.sources.places.patterns import apart, check_inside
from penstock.sources.places.systems import System
from penstock.sources.remembered import earlier_snapshot, remember
from penstock.store import Store

CSV = (".csv", ".txt")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a directory with files of some kinds, hidden ones among them."""
    folder = tmp_path / "data"
    for name in (
        "b.csv",
        "a.csv",
        "notes.pdf",
        ".hidden.csv",
        "_SUCCESS.csv",
        "2020/x.csv.gz",
        "2021/x.CSV",
        "_tmp/y.csv",
        ".git/z.csv",
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"a\n1\n")
    return folder


@pytest.fixture
def memory():
    """Return fsspec's file system in memory, empty before and after."""
    system = fsspec.filesystem("memory")
    system.store.clear()
    system.pseudo_dirs[:] = [""]
    yield system
    system.store.clear()
    system.pseudo_dirs[:] = [""]


def names(*paths: object, suffixes: tuple[str, ...] = CSV, **access: object) -> list[str]:
    """Return what the files are called."""
    return [p.name for p in places([str(p) for p in paths], Access(**access), suffixes)]


def refused(*paths: object, **access: object) -> SourceError:
    """Return the error that paths get."""
    with pytest.raises(SourceError) as caught:
        places([str(p) for p in paths], Access(tries=1, **access), CSV)
    return caught.value


def test_a_pattern_gives_its_files_in_order(data: Path):
    """Whatever order the disk has them in; names begin where the pattern does."""
    assert names(data / "*.csv") == ["_SUCCESS.csv", "a.csv", "b.csv"]
    assert names(data / "202?" / "*") == ["2020/x.csv.gz", "2021/x.CSV"]
    assert names(data / "**" / "[ab].csv") == ["a.csv", "b.csv"]


def test_a_pattern_of_directories_means_their_files(data: Path):
    """`year=*` is written without what lies below."""
    assert names(data / "202*") == ["2020/x.csv.gz", "2021/x.CSV"]


def test_a_pattern_that_matches_nothing_names_what_is_near(data: Path):
    """A slip of the pen is shown."""
    error = refused(data / "*.cvs")
    assert error.what == "The pattern matches no file"
    assert "csv'?" in error.expected
    assert "does not exist either" in refused(data / "nowhere" / "*.csv").expected


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(data: Path):
    """Some systems write `rows[1].csv`."""
    (data / "rows[1].csv").write_text("a\n1\n")
    assert names(data / "rows[1].csv") == ["rows[1].csv"]


def test_a_directory_gives_all_files_of_the_kind_but_hidden_ones(data: Path):
    """Compressed ones too; what tools leave beside the data is left out."""
    assert names(data) == ["2020/x.csv.gz", "2021/x.CSV", "a.csv", "b.csv"]
    assert names(str(data) + "/") == names(data)


def test_a_link_to_a_directory_is_followed_once(data: Path):
    """A link to the directory above it does not make the walk endless."""
    (data / "2020" / "loop").symlink_to(data)
    assert names(data) == ["2020/x.csv.gz", "2021/x.CSV", "a.csv", "b.csv"]


def test_a_directory_without_the_kind_says_what_it_has(data: Path):
    """An empty table is never the answer."""
    (data / "pdfs").mkdir()
    assert refused(data / "pdfs").got == "no file"
    (data / "pdfs" / "a.pdf").write_bytes(b"x")
    error = refused(data / "pdfs")
    assert (error.got, error.expected) == ("1 files: .pdf", "files that end in .csv .txt")


def test_addresses_of_this_machine_are_paths(data: Path, monkeypatch):
    """`file://`, with its escapes, and `~`."""
    (data / "ö x.csv").write_text("a\n1\n")
    assert names((data / "ö x.csv").as_uri()) == ["ö x.csv"]
    monkeypatch.setenv("HOME", str(data))
    assert names("~/a.csv") == ["a.csv"]
    assert local_path("file://localhost/x/a%23.csv") == "/x/a#.csv"
    assert "another machine" in refused("file://other/x.csv").what


def test_files_of_one_name_are_told_apart(data: Path):
    """By as much of their paths as it takes."""
    assert names(data / "2020" / "x.csv.gz", data / "a.csv") == ["x.csv.gz", "a.csv"]
    (data / "2021" / "x.csv.gz").write_bytes(b"a\n1\n")
    assert names(data / "2020" / "x.csv.gz", data / "2021" / "x.csv.gz") == ["2020/x.csv.gz", "2021/x.csv.gz"]
    assert apart([("a", "x"), ("b", "a", "x")], [1, 1]) == ["a/x", "b/a/x"]


def test_a_file_named_twice_is_refused(data: Path):
    """Its rows would stand twice in the table."""
    assert refused(data / "a.csv", data / "*.csv").what == "A file is named twice"


def test_a_state_follows_bytes_and_found_names(data: Path):
    """Never the time of a file; and a file that was found may tell by its name what it is about."""
    one = LocalPlace(str(data / "a.csv"))
    before = one.state()
    os.utime(data / "a.csv", (1, 1))
    assert one.state() == before
    (data / "a.csv").write_text("a\n2\n")
    assert one.state() != before
    found = [p.state() for p in places([str(data / "*.csv")], Access(), CSV)]
    (data / "b.csv").rename(data / "c.csv")
    assert [p.state() for p in places([str(data / "*.csv")], Access(), CSV)] != found


def test_what_is_no_file_is_told(data: Path, tmp_path: Path):
    """Absent, empty, a directory where a file is needed, a pipe without an end."""
    assert refused(data / "aa.csv").expected == "did you mean 'a.csv'?"
    (data / "empty.csv").write_bytes(b"")
    with pytest.raises(SourceError, match="empty"):
        LocalPlace(str(data / "empty.csv")).fetch(Store(tmp_path / "store"), None)
    with pytest.raises(SourceError, match="directory"):
        check_file(str(data))
    os.mkfifo(data / "pipe.csv")
    assert "no regular file" in refused(data / "pipe.csv").what


def test_a_data_directory_confines_paths(data: Path, tmp_path: Path, monkeypatch):
    """By `..`, by an absolute path, by a link, by a pattern or an address: nothing outside is read."""
    outside = tmp_path / "outside.csv"
    outside.write_text("a\n1\n")
    (data / "link.csv").symlink_to(outside)
    (data / "deep").mkdir()
    (data / "deep" / "up").symlink_to(tmp_path)
    assert "outside.csv" in names(outside)[0]
    monkeypatch.setenv("PENSTOCK_DATA_ROOT", str(data))
    assert names(data / "a.csv") == ["a.csv"]
    for path in (
        outside,
        f"{data}/../outside.csv",
        data / "link.csv",
        data / "l*.csv",
        f"{data}/../*.csv",
        data / "deep" / "up" / "*.csv",
        data / "deep",
        outside.as_uri(),
        "/etc/passwd",
    ):
        error = refused(path)
        assert error.what == "A path that climbs out of the data directory", path
        assert error.todo
    with pytest.raises(SourceError, match="climbs out"):
        LocalPlace(str(outside)).fetch(Store(tmp_path / "store"), None)
    with pytest.raises(SourceError, match="climbs out"):
        check_confined(str(tmp_path / "dataset"))  # a neighbour whose name begins alike


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/x", "C:x", "c:\\x", "..\\x", "\\x", "a\\..\\..\\x"])
def test_names_that_climb_are_refused(name: str):
    """Whatever system they were made for."""
    with pytest.raises(SourceError, match="climbs out"):
        check_inside(name, "rows.zip")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("s3://bucket/a/*.csv", "s3://bucket/a/*.csv"),
        ("ftp://me:s3cret@host:21/a.csv", "ftp://host:21/a.csv"),
        ("ftp://me:s3c/ret@host/a.csv", "ftp://host/a.csv"),
        ("sftp://s3cret@host/a@b.csv", "sftp://host/a@b.csv"),
        ("abfs://rows@account.dfs.core.windows.net/a.csv", "abfs://rows@account.dfs.core.windows.net/a.csv"),
        ("az://rows/a.csv?sv=1&sig=s3cret", "az://rows/a.csv?…"),
        ("s3://bucket/year=202?/a.csv", "s3://bucket/year=202?/a.csv"),
    ],
)
def test_an_address_is_shown_without_secrets(path: str, expected: str):
    """What receipts and messages hold."""
    assert shown(path) == expected


def test_memory_files_go_by_the_same_door(memory, tmp_path: Path):
    """Any file system of fsspec: single files, patterns, directories, what is near."""
    for name in ("a.csv", "b.csv", "sub/c.csv", "sub/_d.csv", "n.pdf"):
        memory.pipe(f"/rows/{name}", b"x\n1\n")
    assert names("memory://rows/*.csv") == ["a.csv", "b.csv"]
    assert names("memory://rows/**/*.csv", suffixes=()) == ["a.csv", "b.csv", "sub/_d.csv", "sub/c.csv"]
    assert names("memory://rows") == ["a.csv", "b.csv", "sub/c.csv"]
    assert names("memory://rows/s*") == ["sub/c.csv"]
    assert refused("memory://rows/aa.csv").expected == "did you mean 'a.csv'?"
    assert refused("memory://rows/*.cvs").what == "The pattern matches no file"
    memory.pipe("/pdfs/n.pdf", b"x")
    assert refused("memory://pdfs").got == "1 files: .pdf"
    source = CsvSource(name="t", path="memory://rows", file_column="file")
    taken = snapshot(source, Store(tmp_path / "store"))
    assert (taken.n_rows, taken.uri) == (3, "memory://rows")


def test_what_is_unchanged_is_not_fetched_again(memory, tmp_path: Path, monkeypatch):
    """Size and time stand in where a store has no ETag; a changed file is fetched, its neighbour is not."""
    memory.pipe("/rows/a.csv", b"x\n1\n")
    memory.pipe("/rows/b.csv", b"x\n2\n")
    opened: list[str] = []
    plain = System.open
    monkeypatch.setattr(System, "open", lambda self, path: opened.append(path) or plain(self, path))
    store, source = Store(tmp_path / "store"), CsvSource(name="t", path="memory://rows/*.csv")
    first, state = snapshot(source, store), source.state()
    assert (len(opened), source.state()) == (2, state)
    assert snapshot(source, store).sha256 == first.sha256
    assert len(opened) == 2
    memory.pipe("/rows/b.csv", b"x\n3\n")
    assert source.state() != state
    assert read_snapshot(snapshot(source, store), store)["x"].to_pylist() == ["1", "3"]
    assert opened[2:] == ["/rows/b.csv"]


def test_an_object_that_is_gone_or_altered_is_fetched_again(memory, tmp_path: Path):
    """The note of the last run is not believed before its bytes have been seen."""
    memory.pipe("/rows/a.csv", b"x\n1\n")
    store, source = Store(tmp_path / "store"), CsvSource(name="t", path="memory://rows/a.csv")
    taken = snapshot(source, store)
    assert earlier_snapshot(source, store) == taken
    file = tmp_path / "store" / taken.parts[0].file.path
    file.unlink()
    assert earlier_snapshot(source, store) is None
    assert snapshot(source, store).sha256 == taken.sha256
    file.write_bytes(b"x\n9\n")
    assert read_snapshot(snapshot(source, store), store)["x"].to_pylist() == ["1"]


def test_a_damaged_note_is_ignored(memory, tmp_path: Path):
    """As is one that another release wrote."""
    memory.pipe("/rows/a.csv", b"x\n1\n")
    store, source = Store(tmp_path / "store"), CsvSource(name="t", path="memory://rows/a.csv")
    taken = snapshot(source, store)
    (note,) = (tmp_path / "store" / "collected").iterdir()
    for text in (b"", b"{", b'{"kind": "csv"}', b"\xff\xfe"):
        note.write_bytes(text)
        assert earlier_snapshot(source, store) is None
    remember(source, taken, store)
    assert earlier_snapshot(source, store) == taken


def test_a_new_password_is_the_same_place(tmp_path: Path):
    """The note is found again, and neither it nor its name holds the secret."""
    store = Store(tmp_path / "store")
    (tmp_path / "a.csv").write_text("x\n1\n")
    taken = snapshot(CsvSource(name="t", path=str(tmp_path / "a.csv")), store)
    old, new = (
        CsvSource(name="t", path=f"ftp://me:{word}@host/a.csv", access=Access(password=word))
        for word in ("s3cret", "x")
    )
    remember(old, taken.model_copy(update={"name": "t", "uri": old.uri}), store)
    assert earlier_snapshot(new, store) is not None
    notes = list((tmp_path / "store" / "collected").iterdir())
    assert notes
    assert all(b"s3cret" not in note.read_bytes() and "s3cret" not in note.name for note in notes)


def test_a_large_file_is_refused_before_it_comes(memory, tmp_path: Path):
    """By what the store says of it, and by what comes."""
    memory.pipe("/rows/a.csv", b"x\n" + b"1\n" * 100)
    source = CsvSource(name="t", path="memory://rows/a.csv", access=Access(max_bytes=100))
    with pytest.raises(SourceError, match="larger than allowed"):
        snapshot(source, Store(tmp_path / "store"))
    assert not list((tmp_path / "store").rglob("*.csv"))


class Shaky:
    """A file system's error that heals after some tries."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)

    def __call__(self) -> str:
        """Fail, as long as there is an error left."""
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def test_a_passing_trouble_is_tried_again(memory):
    """As often as `tries` says, and no error of the user's is."""
    system = System("memory://x", Access(tries=3, backoff=0.001))
    assert system.call("x", Shaky(ConnectionResetError(), TimeoutError())) == "done"
    with pytest.raises(SourceUnavailable):
        system.call("x", Shaky(*(ConnectionResetError() for _ in range(3))))
    denied = Shaky(PermissionError("no"), PermissionError("no"))
    with pytest.raises(SourceError, match="denied"):
        system.call("x", denied)
    assert len(denied.errors) == 1


def test_no_error_of_a_file_system_tells_a_secret(memory, monkeypatch):
    """Neither its words, nor what caused it, whether the secret is in the spec, the address or the environment."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "env-s3cret")
    access = Access(tries=1, options={"group": {"key": "opt-s3cret"}}, password="pw-s3cret")
    for words in ("env-s3cret", "opt-s3cret", "pw-s3cret", "https://h/x?sig=query-s3cret"):
        system = System("memory://x", Access(tries=1))
        system.access = access
        system._secrets = (*access.secrets(), "env-s3cret")
        with pytest.raises(SourceError) as caught:
            system.call("x", Shaky(ValueError(f"bad {words}!")))
        assert "s3cret" not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None
    assert "s3cret" not in repr(access)
    assert "s3cret" not in str(access.model_dump())
    assert "s3cret" not in access.model_dump_json()


@pytest.mark.parametrize(
    ("address", "extra"), [("gs://b/a.csv", "gs"), ("abfs://c/a.csv", "azure"), ("az://c/a", "azure")]
)
def test_a_missing_package_is_named(address: str, extra: str, monkeypatch):
    """What to type stands in the error."""

    def absent(scheme: str) -> None:
        raise ImportError(f"Please install what reads {scheme}")

    monkeypatch.setattr(fsspec, "get_filesystem_class", absent)
    assert refused(address).todo == f"pip install 'penstock[{extra}]'"


def test_addresses_that_reach_through_others_are_refused(data: Path):
    """They would lead past the data directory and the limits."""
    for address in (f"simplecache::file://{data}/a.csv", f"zip://a.csv::file://{data}/a.zip", f"local://{data}/a.csv"):
        assert "reaches through" in refused(address).what
    assert "s3cret" not in str(refused("simplecache::ftp://me:s3cret@host/a.csv"))


def test_an_unknown_scheme_is_told():
    """With the one that is most like it."""
    error = refused("s33://bucket/a.csv")
    assert error.what == "No file system is known for s33://"
    assert error.expected == "did you mean 's3'?"


def test_options_are_laid_open_for_the_file_system_alone():
    """Whole numbers and switches keep their type."""
    access = Access(options={"key": "k", "port": 21, "anon": True, "client_kwargs": {"region_name": "eu"}})
    opened = {"key": "k", "port": 21, "anon": True, "client_kwargs": {"region_name": "eu"}}
    assert access.opened_options() == opened
    assert set(access.secrets()) == {"k", "eu"}


def test_every_error_tells_what_to_do(data: Path):
    """What, where, and the way out."""
    for path in (data / "aa.csv", data / "*.x", "s33://b/a", "gs://x::y"):
        error = refused(path)
        assert isinstance(error, PenstockError)
        assert error.where
        assert error.todo or error.expected
