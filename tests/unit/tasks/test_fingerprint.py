"""A stage's code is the text of every module that it can come to run, and of no other."""

from __future__ import annotations

import ast
import os
import sys
import textwrap
import time
from pathlib import Path

import pytest

from tasks.fingerprint import code_of

STAGES = ("collect", "arrays", "wrangle", "explore", "train", "evaluate", "publish", "dossier")


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Return a function that writes modules of a local package, and puts it on the path."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(**modules: str) -> None:
        for name, text in modules.items():
            path = tmp_path / "brook" / f"{name.replace('__in__', '__init__')}.py"
            path.parent.mkdir(exist_ok=True)
            path.write_text(textwrap.dedent(text))
            os.utime(path, (1, 1))

    write(__in__="")
    return write


def names(*roots: str) -> set[str]:
    return {name for name, _ in code_of(roots).modules}


def test_imports_inside_functions_count(project):
    """What a body imports when it is entered is code of the stage."""
    project(a="def f():\n    from brook.b import g\n", b="import brook.c\n", c="")
    assert names("brook.a") == {"brook", "brook.a", "brook.b", "brook.c"}


def test_changed_text_changes_the_digest_of_those_who_import_it_alone(project):
    """A helper's edit reaches who stands on it."""
    project(a="import brook.b", b="x = 1", other="x = 1")
    before = {root: code_of([root]).digest for root in ("brook.a", "brook.other")}
    project(b="x = 2")
    after = {root: code_of([root]).digest for root in ("brook.a", "brook.other")}
    assert after["brook.a"] != before["brook.a"]
    assert after["brook.other"] == before["brook.other"]


def test_relative_imports_and_conditions_are_followed(project):
    """Imports count in every form and every block."""
    project(
        a="""
        from . import b
        try:
            from .c import x
        except ImportError:
            from .d import x
        if True:
            import brook.e as e
        with open(__file__):
            pass
        match 1:
            case 1:
                import brook.f
        """,
        b="", c="x = 1", d="x = 1", e="", f="",
    )  # fmt: skip
    assert names("brook.a") == {"brook"} | {f"brook.{m}" for m in "abcdef"}


def test_what_only_a_type_checker_reads_does_not_count(project):
    """It never runs."""
    project(
        a="""
        import typing
        from typing import TYPE_CHECKING
        if TYPE_CHECKING:
            from brook.b import B
        else:
            import brook.c
        if typing.TYPE_CHECKING:
            import brook.d
        """,
        b="B = 1", c="", d="",
    )  # fmt: skip
    assert names("brook.a") == {"brook", "brook.a", "brook.c"}


def test_what_a_package_loads_on_request_is_followed_for_the_names_asked_for(project):
    """Passing through a package drags in nothing that it would load only when asked."""
    project(
        __in__="""
        def __getattr__(name):
            if name == "B":
                from brook.b import B
                return B
            if name == "C":
                from brook.c import C
                return C
            raise AttributeError(name)
        """,
        a="from brook.plain import x", plain="x = 1", asks="from brook import B", b="B = 1", c="C = 1",
    )  # fmt: skip
    assert names("brook.a") == {"brook", "brook.a", "brook.plain"}
    assert names("brook.asks") == {"brook", "brook.asks", "brook.b"}


def test_modules_named_in_import_module_are_followed(project):
    """A constant name is as good as a statement."""
    project(a="from importlib import import_module\ndef f():\n    return import_module('brook.b')\n", b="")
    assert names("brook.a") == {"brook", "brook.a", "brook.b"}


def test_imports_in_a_circle_end(project):
    """Two modules may import each other."""
    project(a="import brook.b", b="import brook.a")
    assert names("brook.a") == {"brook", "brook.a", "brook.b"}


def test_installed_libraries_and_the_standard_library_are_left_to_their_versions(project):
    """Their text is not read."""
    project(a="import json, numpy, pydantic.main\nfrom sklearn.linear_model import Ridge\n")
    assert names("brook.a") == {"brook", "brook.a"}


def test_what_lies_beside_an_installers_records_is_installed(project, tmp_path):
    """A folder of packages is one, whatever it is called."""
    project(a="x = 1")
    assert names("brook.a") == {"brook", "brook.a"}
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "brook-1.0.dist-info").mkdir()
    (tmp_path / "brook").rename(tmp_path / "other" / "brook")
    sys.path.insert(0, str(tmp_path / "other"))
    try:
        with pytest.raises(ModuleNotFoundError):
            code_of(["brook.a"])
    finally:
        sys.path.remove(str(tmp_path / "other"))


def test_a_file_that_cannot_be_parsed_counts_as_text(project):
    """A module for another Python, imported where this one never comes."""
    project(a="import brook.b", b="def (:")
    assert names("brook.a") == {"brook", "brook.a", "brook.b"}


def test_where_the_files_lie_does_not_count(project, tmp_path, monkeypatch):
    """The same text elsewhere is the same code."""
    project(a="x = 1")
    here = code_of(["brook.a"])
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "brook").rename(elsewhere / "brook")
    monkeypatch.setattr(sys, "path", [str(elsewhere), *[p for p in sys.path if p != str(tmp_path)]])
    assert code_of(["brook.a"]).digest == here.digest


def test_code_written_since_this_process_began_is_not_certain(project, tmp_path):
    """Which text is running cannot be told then."""
    project(a="x = 1")
    assert code_of(["brook.a"]).is_certain
    later = time.time() + 5
    os.utime(tmp_path / "brook" / "a.py", (later, later))
    assert not code_of(["brook.a"]).is_certain


def test_a_root_that_is_not_there_is_an_error():
    """A key without its code would be the same for all code."""
    with pytest.raises(ModuleNotFoundError):
        code_of(["penstock.no_such_module"])


@pytest.mark.parametrize("stage", STAGES)
def test_every_door_is_its_own_first_module(stage):
    """A door's own text is part of its key."""
    assert f"tasks.{stage}" in names(f"tasks.{stage}")


@pytest.mark.parametrize(
    ("room", "stages"),
    [
        ("penstock.plots", {"explore", "dossier"}),
        ("penstock.report", {"dossier"}),
        ("penstock.models", {"train", "evaluate"}),
        ("penstock.gate", {"evaluate"}),
        ("penstock.sources", {"collect"}),
    ],
)
def test_a_room_is_known_to_the_stages_that_need_it_alone(room, stages):
    """A plot does not retrain; a model does not collect; a source does not draw."""
    standing = {
        s for s in STAGES if s != "publish" and any(n == room or n.startswith(f"{room}.") for n in names(f"tasks.{s}"))
    }
    assert standing == stages


def test_a_cleaning_step_does_not_collect_again():
    """Steps are known from the wrangle stage on."""
    step = "penstock.steps.missing.fill"
    assert {s for s in ("collect", "arrays", "wrangle", "train", "evaluate") if step in names(f"tasks.{s}")} == {
        "wrangle", "train", "evaluate",
    }  # fmt: skip


def test_no_stage_imports_what_cannot_be_followed(root):
    """A module whose name is computed would be missing from every key."""
    loose = []
    for name, _ in code_of(f"tasks.{s}" for s in STAGES).modules:
        path = root / (name.replace(".", "/") + ".py")
        tree = ast.parse((path if path.exists() else path.with_suffix("") / "__init__.py").read_bytes())
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if called in ("import_module", "__import__") and not isinstance(node.args[0], ast.Constant):
                    loose.append(f"{name}:{node.lineno}")
    assert loose == []


def test_nothing_is_imported_by_looking(project, tmp_path):
    """Modules are read, never run."""
    project(a="import brook.loud", loud=f"open({str(tmp_path / 'ran')!r}, 'w')")
    code_of(["brook.a"])
    assert not Path(tmp_path / "ran").exists()
    assert "brook.loud" not in sys.modules
