"""What a stage's code is: the source of every module on its static import graph, found without importing any of it.

Installed libraries enter a key by their version, everything else by its text. An import counts wherever it stands,
inside functions too. A package's `__init__` that is only passed through on the way to a submodule counts as text, with
what it imports at once; what it imports when asked for (in `__getattr__`) is followed for the names asked for.
"""

from __future__ import annotations

import ast
import hashlib
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

# A file changed after this process began may have been imported before: which text is running cannot be told.
_BEGAN = time.time()
# Python 3.11 may fail ("AST constructor recursion depth mismatch") when two threads parse at once, as two keys can be.
_one_at_a_time = threading.Lock()
# By their text even where they are installed as a wheel.
_OWN = frozenset({"penstock", "tasks"})


@dataclass(frozen=True)
class Ask:
    """One import: the module, the names taken from it, and whether it waits in a package's `__getattr__`."""

    module: str
    names: tuple[str, ...] = ()
    on_request: bool = False


@dataclass(frozen=True)
class Code:
    """The modules of a graph by name, with the sha256 of their bytes and the time that the newest was written."""

    modules: tuple[tuple[str, str], ...]
    written: float

    @property
    def digest(self) -> str:
        """The sha256 over names and texts; where the files lie does not count."""
        return hashlib.sha256(repr(self.modules).encode()).hexdigest()

    @property
    def is_certain(self) -> bool:
        """Whether no file has changed since this process began."""
        return self.written <= _BEGAN


def code_of(roots: Iterable[str]) -> Code:
    """Return the code that some modules stand on, themselves included.

    Parameters
    ----------
    roots : iterable of str
        Dotted names of modules.

    Raises
    ------
    ModuleNotFoundError
        A root is not there.
    """
    with _one_at_a_time:
        walk = _Walk()
        for root in roots:
            if not walk.follow(Ask(root)):
                raise ModuleNotFoundError(f"No module named {root!r}", name=root)
    read = {name: _read(path) for name, path in walk.files.items()}
    modules = tuple(sorted((name, text.sha256) for name, text in read.items()))
    return Code(modules=modules, written=max((text.written for text in read.values()), default=0.0))


class _Walk:
    def __init__(self) -> None:
        self.files: dict[str, str] = {}
        self.done: set[tuple[str, bool] | Ask] = set()
        self.found: dict[str, ModuleSpec | None] = {}

    def follow(self, ask: Ask) -> bool:
        """Follow one import, and return whether it leads to a module that is ours."""
        if not self._is_ours(ask.module.partition(".")[0]) or self._locate(ask.module) is None:
            return False
        if ask in self.done:
            return True
        self.done.add(ask)
        parents = ask.module.split(".")
        for depth in range(1, len(parents)):
            self._enter(".".join(parents[:depth]), passing=True)
        submodules = [name for name in ask.names if self._locate(f"{ask.module}.{name}") is not None]
        # `from package import submodule` passes through, like `import package.submodule`.
        self._enter(ask.module, passing=bool(ask.names) and len(submodules) == len(ask.names))
        for name in submodules:
            self.follow(Ask(f"{ask.module}.{name}"))
        for waiting in self._asks(ask.module):
            if waiting.on_request and _wants(ask, waiting):
                self.follow(waiting)
        return True

    def _enter(self, module: str, passing: bool) -> None:
        if (module, passing) in self.done or (module, False) in self.done:
            return
        self.done.add((module, passing))
        path = self._locate(module)
        if path:
            self.files[module] = path
        for ask in self._asks(module, lazy=not passing):
            if not ask.on_request:
                self.follow(ask)

    def _asks(self, module: str, lazy: bool = True) -> tuple[Ask, ...]:
        path = self._locate(module)
        if not path or not path.endswith(".py"):
            return ()
        text = _read(path)
        package = module if Path(path).name == "__init__.py" else module.rpartition(".")[0]
        at_once, later = _imports(text.data, package)
        return at_once + later if lazy else at_once

    def _locate(self, module: str) -> str | None:
        """Return a module's file, empty text for a namespace package, None where there is no such module."""
        spec = self._find(module)
        if spec is None:
            return None
        return spec.origin if spec.has_location and spec.origin else ""

    def _find(self, module: str) -> ModuleSpec | None:
        if module not in self.found:
            parent, _, _ = module.rpartition(".")
            above = self._find(parent) if parent else None
            within = above.submodule_search_locations if above else None
            inside = bool(parent) and within is None
            self.found[module] = None if inside else PathFinder.find_spec(module, within)
        return self.found[module]

    def _is_ours(self, top: str) -> bool:
        if top in _OWN:
            return True
        if top in sys.stdlib_module_names:
            return False
        spec = self._find(top)
        places = [] if spec is None else [*(spec.submodule_search_locations or [spec.origin or ""])]
        return bool(places) and not any(_is_installed_in(str(Path(place).parent)) for place in places)


@lru_cache(maxsize=256)
def _is_installed_in(folder: str) -> bool:
    """Whether a folder of the import path is one that installers write to: they leave their records beside packages."""
    parts = set(Path(folder).parts)
    return bool({"site-packages", "dist-packages"} & parts) or any(Path(folder).glob("*.dist-info"))


def _wants(ask: Ask, waiting: Ask) -> bool:
    # A whole module that waits may hold any of the names.
    return bool(ask.names) and (not waiting.names or "*" in ask.names or bool(set(waiting.names) & set(ask.names)))


@dataclass(frozen=True)
class _Text:
    data: bytes
    sha256: str
    written: float


def _read(path: str) -> _Text:
    stat = Path(path).stat()
    return _read_once(path, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size)


# The time of change cannot be set by anyone: an edited file is another one, whatever its other times say.
@lru_cache(maxsize=4096)
def _read_once(path: str, mtime_ns: int, ctime_ns: int, size: int) -> _Text:  # noqa: ARG001 - for the cache alone
    data = Path(path).read_bytes()
    return _Text(data, hashlib.sha256(data).hexdigest(), mtime_ns / 1e9)


@lru_cache(maxsize=4096)
def _imports(source: bytes, package: str) -> tuple[tuple[Ask, ...], tuple[Ask, ...]]:
    """Return what a module imports at once, and what it imports inside functions."""
    at_once: list[Ask] = []
    later: list[Ask] = []
    try:
        tree = ast.parse(source)
    except SyntaxError:
        # This Python cannot run it either; as text it counts all the same.
        return (), ()
    for node, function in _statements(tree.body, function=None):
        for ask in _asked_by(node, package, on_request=function == "__getattr__"):
            (at_once if function is None else later).append(ask)
    if b"import_module" in source or b"__import__" in source:
        later += [Ask(name) for name in _named_in_calls(tree)]
    return tuple(at_once), tuple(later)


def _statements(body: Iterable[ast.stmt], function: str | None) -> Iterator[tuple[ast.stmt, str | None]]:
    """Yield every statement that can run, with the outermost function that it stands in."""
    for node in body:
        yield node, function
        # What only a type checker reads never runs.
        blocks = ("orelse",) if isinstance(node, ast.If) and _names_type_checking(node.test) else _BLOCKS
        is_function = function is None and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        within = getattr(node, "name", None) if is_function else function
        for block in blocks:
            yield from _statements(getattr(node, block, ()), within)
        for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
            yield from _statements(part.body, within)


_BLOCKS = ("body", "orelse", "finalbody")


def _names_type_checking(test: ast.expr) -> bool:
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def _asked_by(node: ast.AST, package: str, on_request: bool) -> Iterator[Ask]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield Ask(alias.name, (), on_request)
    elif isinstance(node, ast.ImportFrom):
        above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
        module = ".".join([*above, *([node.module] if node.module else [])])
        yield Ask(module, tuple(alias.name for alias in node.names), on_request)


def _named_in_calls(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in ("import_module", "__import__") and isinstance(node.args[0].value, str):
                yield node.args[0].value
