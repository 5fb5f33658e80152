"""The house stands as it is drawn: who imports whom, what importing does, what the locks and the files may say."""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

import penstock

PACKAGES = ("penstock", "tasks", "flows", "deploy")
LOCKS = ("requirements.lock", "requirements-dev.lock")
MAX_LINES = 400

# In two parts each, so that this file does not say what it forbids.
HOSTS = ("pypi" + ".org", "python" + "hosted", "registry.npm" + "js", "deb.deb" + "ian", "conda.ana" + "conda")
PLACES = (
    "/wo" + "rk/",
    "/ro" + "ot/",
    "/fa" + "rm/",
    "/tmp/" + "lab",
    "/opt/" + "wheels",
    "/ho" + "me/",
    "/Us" + "ers/",
)

IMPORT_ALL = """
import importlib, json, logging, pkgutil, sys
names = sys.argv[1:]
if {"tasks", "flows"} & set(names):
    import prefect.main  # it sets up logging as it is imported: its doing, not ours
handlers = list(logging.getLogger().handlers)
for package in list(names):
    found = pkgutil.walk_packages(importlib.import_module(package).__path__, package + ".")
    names += [module.name for module in found if not module.name.endswith("__main__")]
for name in names:
    importlib.import_module(name)
print(json.dumps({"imported": names, "loaded": sorted({name.split(".")[0] for name in sys.modules}),
                  "threads": __import__("threading").active_count(),
                  "logging": logging.getLogger().handlers != handlers}))
"""


@pytest.fixture(scope="module")
def files(root, need):
    """Return every text file that is tracked or would be, as (path, text)."""
    listed = subprocess.run(
        [need("git"), "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root, capture_output=True, text=True, check=True,
    ).stdout.split("\0")  # fmt: skip
    texts = []
    for name in filter(None, listed):
        path = root / name
        if path.is_file():
            data = path.read_bytes()
            if b"\0" not in data:
                texts.append((name, data.decode()))
    return texts


def import_all(names, tmp_path, **environment):
    """Import the named packages' every module in a fresh process whose folders are all empty."""
    empty = tmp_path / "empty"
    empty.mkdir()
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        "PYTHONDONTWRITEBYTECODE": "1",
        **{name: str(empty) for name in ("HOME", "TMPDIR", "PENSTOCK_HOME")},
        # These two libraries make their own folder on import; it is theirs, and looked at by no test.
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "MPLCONFIGDIR": str(tmp_path / "matplotlib"),
        **environment,
    }
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, *names],
        cwd=empty, env=env, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1]), [str(p.relative_to(empty)) for p in empty.rglob("*")], done


def test_nobody_imports_upwards(root, monkeypatch, capsys):
    """The import contracts of pyproject.toml hold, the exhaustive one of the library's rooms among them."""
    monkeypatch.chdir(root)
    status = lint_imports(config_filename="pyproject.toml", no_cache=True, no_logo=True)
    assert status == 0, capsys.readouterr().out


@pytest.mark.parametrize("package", PACKAGES)
def test_importing_does_nothing(package, tmp_path):
    """No directory is made, no key, no log handler, no thread, and nothing is printed."""
    seen, made, done = import_all([package], tmp_path)
    assert len(seen["imported"]) > 1
    assert made == []
    assert not seen["logging"]
    assert seen["threads"] == 1
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""


def test_the_service_loads_neither_prefect_nor_plotting(tmp_path):
    """A serving process pays for what it serves with, and for nothing of training."""
    seen, _, _ = import_all(["deploy.service"], tmp_path)
    assert not {"prefect", "matplotlib", "seaborn", "flows", "tasks"} & set(seen["loaded"])


def test_the_library_loads_neither_prefect_nor_http(tmp_path):
    """The library is a library: it can be used where there is neither a flow nor a server."""
    seen, _, _ = import_all(["penstock"], tmp_path)
    assert not {"prefect", "fastapi", "starlette", "uvicorn", "flows", "tasks", "deploy"} & set(seen["loaded"])


def test_no_file_names_a_registry_or_a_place_on_one_machine(files):
    """What is tracked works for everyone: it names no download host and no path of whoever wrote it."""
    wrong = []
    for name, text in files:
        # A container has paths of its own.
        forbidden = HOSTS if Path(name).name.startswith("Dockerfile") else HOSTS + PLACES
        wrong += [f"{name}: {word}" for word in forbidden if word in text]
    assert wrong == []


def test_no_module_outgrows_its_noun(files):
    """A module beyond 400 lines holds a second noun."""
    long = {name: n for name, text in files if name.endswith(".py") and (n := len(text.splitlines())) > MAX_LINES}
    assert long == {}


def test_every_package_says_what_it_is(files):
    """Each package's `__init__` begins with its sentence."""
    silent = [
        name
        for name, text in files
        if name.startswith(tuple(f"{p}/" for p in PACKAGES)) and name.endswith("__init__.py") and text[:3] != '"""'
    ]
    assert silent == []


def locked(root, name):
    """Return a lock's lines, joined, as {requirement with its marker: hashes}."""
    lines = (root / name).read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    entries = {}
    for line in filter(None, lines):
        requirement, *hashes = line.split(" --hash=")
        entries[requirement.strip()] = {text.strip() for text in hashes}
    return entries


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_holds_names_versions_and_hashes_only(root, name):
    """Each line pins a release and proves it; no option, index, host or path stands beside it."""
    entries = locked(root, name)
    for requirement, hashes in entries.items():
        assert re.match(r"^[a-z0-9][a-z0-9._-]*==[^ ]+( ; .+)?$", requirement), requirement
        assert hashes, requirement
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", text) for text in hashes), requirement
        assert "/" not in requirement


def test_developing_installs_what_running_installs(root):
    """The runtime lock is a part of the other: tests see the very releases that users get."""
    runtime, dev = (locked(root, name) for name in LOCKS)
    assert {name: dev.get(name) for name in runtime} == runtime


def test_the_locks_hold_all_that_pyproject_asks_for(root):
    """A dependency added to pyproject.toml is missed here before it is missed at run time."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    extras, groups = project["project"]["optional-dependencies"], project["dependency-groups"]
    runtime = [*project["project"]["dependencies"], *extras["flows"], *groups["build"]]
    develop = [*runtime, *(text for text in groups["dev"] if isinstance(text, str))]
    for name, wanted in zip(LOCKS, (runtime, develop), strict=True):
        have = {entry.split("==")[0] for entry in locked(root, name)}
        names = {re.split(r"[<>=!~\[; ]", text)[0].lower().replace("_", "-") for text in wanted}
        assert names <= have, f"run `make lock`: {name} lacks {sorted(names - have)}"


def test_no_record_has_a_field_that_makes_it_look_like_a_mapping():
    """Prefect turns a task's records into dicts, and `dict()` asks whatever has `keys` for them."""
    from penstock.frozen import Frozen

    for found in pkgutil.walk_packages(penstock.__path__, "penstock."):
        importlib.import_module(found.name)
    waiting, wrong = [Frozen], []
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        wrong += [kind.__qualname__] if "keys" in kind.model_fields else []
    assert wrong == []
