"""The source of a user's own function: found once, where the spec is read, and carried along from then on.

What is carried is text. So a stage's cache key, the lock and the signed bundle hold the very code that ran, and a
service that never saw the project runs it too.
"""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import sys
import sysconfig
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from penstock.errors import SpecError
from penstock.steps.code.loading import Entry
from penstock.table import closest

MOST_BYTES = 1 << 20


def captured(declared: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return a step that names `use: MODULE:NAME` with its kind, its source, and the versions of its packages.

    Parameters
    ----------
    declared : mapping
        The step as the spec has it.
    folder : pathlib.Path
        Where modules are looked for first: the spec's folder. Then the current one, and Python's path.

    Raises
    ------
    SpecError
        There is no such module or function, its source is not Python text, or a package is not installed.
    """
    entry = Entry.parsed(str(declared["use"]))
    roots = _roots(folder)
    source = Source(roots).collect(entry.module)
    kind = _kind(entry, source[entry.module])
    versions = _versions(declared.get("packages", ()), entry)
    return {**declared, "kind": declared.get("kind", kind), "source": source, "packages": versions}


def captured_class(declared: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return an estimator that names `use: MODULE:NAME` with its source, or with the version of its library.

    A library's class travels by version where its own package is too large to travel, or is more than Python.

    Parameters
    ----------
    declared, folder
        As for `captured`.

    Raises
    ------
    SpecError
        As for `captured`; or the library has no such class.
    """
    entry = Entry.parsed(str(declared["use"]))
    home = next((root for root in _roots(folder) if _file(root, entry.module)), None)
    own = entry.module.partition(".")[0]
    library = importlib.metadata.packages_distributions().get(own, ()) if home and _is_installed(home) else ()
    if not library or not _is_compiled(library[0]):
        return {key: value for key, value in captured(declared, folder).items() if key != "kind"}
    module = importlib.import_module(entry.module)
    if not hasattr(module, entry.name):
        known = [name for name in vars(module) if not name.startswith("_")]
        raise SpecError(
            f"The module {entry.module!r} has no class {entry.name!r}",
            where=f"use: {entry}",
            expected=closest(entry.name, known),
        )
    versions = _versions(declared.get("packages", ()), entry)
    return {**declared, "packages": {library[0]: importlib.metadata.version(library[0]), **versions}}


def _is_compiled(library: str) -> bool:
    """Whether an installed library is more than a little Python."""
    files = importlib.metadata.files(library) or ()
    size = sum(file.size or 0 for file in files if file.suffix == ".py")
    return size > MOST_BYTES or any(file.suffix in (".so", ".pyd", ".dylib") for file in files)


def _roots(folder: Path) -> tuple[Path, ...]:
    places = [folder.absolute(), Path.cwd(), *(Path(p) for p in sys.path if p)]
    return tuple(dict.fromkeys(p for p in places if p.is_dir()))


@dataclass
class Source:
    """The modules that a module needs and that are no installed library, by name."""

    roots: Sequence[Path]
    found: dict[str, str] = field(default_factory=dict)

    def collect(self, module: str) -> dict[str, str]:
        """Return the source of a module, of the packages around it, and of what it imports from beside itself.

        Raises
        ------
        SpecError
            There is no such module, or it is too large or no Python.
        """
        home = next((root for root in self.roots if _file(root, module)), None)
        if home is None:
            raise SpecError(
                f"There is no module {module!r} to take a function from",
                where=f"use: {module}:…",
                expected=f"{module.replace('.', '/')}.py beside the spec, in the current folder or on PYTHONPATH",
            )
        # What is installed has a version; of it only the package itself is taken along.
        own = module.partition(".")[0] if _is_installed(home) else ""
        self._take(home, module, own)
        size = sum(len(text.encode()) for text in self.found.values())
        if size > MOST_BYTES:
            raise SpecError(
                f"The source of {module!r} is too large to travel in a bundle",
                got=f"{size:,} bytes in {len(self.found)} modules",
                expected=f"at most {MOST_BYTES:,}",
                todo="Move the function to a module that imports less, or name the rest under `packages`.",
            )
        return dict(sorted(self.found.items()))

    def _take(self, home: Path, module: str, own: str) -> None:
        path = _file(home, module)
        if path is None or module in self.found or (own and module.partition(".")[0] != own):
            return
        try:
            text = path.read_text(encoding="utf-8")
            tree = ast.parse(text)
        except (SyntaxError, UnicodeDecodeError, OSError) as error:
            raise SpecError(
                f"The module {module!r} cannot be read as Python",
                where=str(path),
                got=f"{type(error).__name__}: {error}",
            ) from error
        self.found[module] = text
        parent = module.rpartition(".")[0]
        if parent:
            self._take(home, parent, own)
        is_package = path.name == "__init__.py"
        for name in _imported(tree, module if is_package else parent):
            self._take(home, name, own)


def _file(root: Path, module: str) -> Path | None:
    base = root.joinpath(*module.split("."))
    return next((p for p in (base.with_suffix(".py"), base / "__init__.py") if p.is_file()), None)


def _is_installed(root: Path) -> bool:
    libraries = {Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    return root.resolve() in libraries or "site-packages" in root.parts


def _imported(tree: ast.AST, package: str) -> Iterable[str]:
    """Return all names that may be modules: `from a import b` may mean the module `a.b`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".") if package else []
            base = ".".join([*parts[: len(parts) - node.level + 1], *([node.module] if node.module else [])])
            start = base if node.level else (node.module or "")
            yield start
            yield from (f"{start}.{alias.name}" for alias in node.names)


def _kind(entry: Entry, text: str) -> str:
    """Return which of the two kinds a name is, by what its module says of it."""
    tree = ast.parse(text)
    names: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            methods = {part.name for part in node.body if isinstance(part, ast.FunctionDef)}
            learns = isinstance(node, ast.ClassDef) and ("fit" in methods or bool(node.bases))
            names[node.name] = "learned_code" if learns else "code"
        elif isinstance(node, ast.Assign | ast.ImportFrom | ast.Import):
            targets = node.targets if isinstance(node, ast.Assign) else node.names
            named = (getattr(t, "id", None) or getattr(t, "asname", None) or getattr(t, "name", "") for t in targets)
            names |= dict.fromkeys(filter(None, named), "code")
    if entry.name not in names:
        raise SpecError(
            f"The module {entry.module!r} has no function or class {entry.name!r}",
            where=f"use: {entry}",
            expected=closest(entry.name, list(names)),
        )
    return names[entry.name]


def _versions(packages: Any, entry: Entry) -> dict[str, str]:
    wanted = [packages] if isinstance(packages, str) else packages
    if isinstance(wanted, Mapping):
        wanted = [f"{name}=={version}" if version else name for name, version in wanted.items()]
    versions: dict[str, str] = {}
    for text in wanted:
        try:
            requirement = Requirement(str(text))
            version = importlib.metadata.version(requirement.name)
        except InvalidRequirement as error:
            raise SpecError(
                f"`packages` of {entry} has an entry that names no package",
                got=repr(text),
                expected="a name, or a name with a version: rapidfuzz>=3",
            ) from error
        except importlib.metadata.PackageNotFoundError as error:
            raise SpecError(
                f"{entry} needs a package that is not installed", got=str(text), todo=f"pip install '{text}'"
            ) from error
        if not requirement.specifier.contains(version, prereleases=True):
            raise SpecError(
                f"{entry} needs another version of {requirement.name}", got=version, expected=str(requirement.specifier)
            )
        versions[requirement.name] = version
    return dict(sorted(versions.items()))
