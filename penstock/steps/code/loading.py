"""Carried source made into modules again, under names of their own: versions of one module live side by side."""

from __future__ import annotations

import builtins
import importlib.metadata
import linecache
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from types import ModuleType
from typing import Any, NamedTuple, Self

from penstock.errors import BundleError, SpecError
from penstock.frozen import digest_of

# Modules of carried source are named `penstock_user.<digest>.<module>`.
NAMESPACE = "penstock_user"
# Libraries that a user's code imports enter a stage's key by the versions that its step declares.
_ordinary_import = builtins.__import__
# A service opens bundles in threads, and a module must not be seen half run.
_one_at_a_time = threading.RLock()


class Entry(NamedTuple):
    """A function or class by its module and its name."""

    module: str
    name: str

    @classmethod
    def parsed(cls, text: str) -> Self:
        """Read `my_pkg.features:basket_value`.

        Raises
        ------
        SpecError
            It is not of this form.

        Examples
        --------
        >>> Entry.parsed("my_pkg.features:basket_value")
        Entry(module='my_pkg.features', name='basket_value')
        """
        module, colon, name = text.partition(":")
        if not colon or not name.isidentifier() or not all(part.isidentifier() for part in module.split(".")):
            raise SpecError(
                "`use` does not name a function",
                got=repr(text),
                expected="MODULE:NAME, as my_pkg.features:basket_value",
            )
        return cls(module, name)

    def __str__(self) -> str:
        return f"{self.module}:{self.name}"


def loaded(use: str, source: Mapping[str, str]) -> Any:  # whatever the user's module calls by that name
    """Return the function or class that `use` names, out of carried source.

    Parameters
    ----------
    use : str
        Its module and name.
    source : mapping of str to str
        The text of every module that it needs, by name.

    Raises
    ------
    SpecError
        The module fails as it is loaded, or has nothing of that name.
    """
    return _loaded(use, tuple(sorted(source.items())))


@lru_cache(maxsize=256)
def _loaded(use: str, source: tuple[tuple[str, str], ...]) -> Any:
    entry = Entry.parsed(use)
    with _one_at_a_time:
        module = _Modules(dict(source)).module(entry.module)
    try:
        return getattr(module, entry.name)
    except AttributeError as error:
        raise SpecError(f"The module {entry.module!r} has no {entry.name!r}", where=f"use: {use}") from error


def modules_of(source: Mapping[str, str]) -> Iterator[Callable[[], ModuleType]]:
    """Yield what loads each module of carried source, so that objects of its classes can be unpickled.

    What was pickled of them names a module of `penstock_user`, which is found among those that are loaded.
    """
    whole = _Modules(source)
    for name in sorted(source):
        yield partial(whole.module, name)


def missing_packages(packages: Mapping[str, str]) -> list[str]:
    """Return the packages, with their versions, that carried source was run with and that are not here.

    Examples
    --------
    >>> missing_packages({"numpy": "2.0", "no-such-package": "1.0"})
    ['no-such-package 1.0']
    """
    absent = []
    for name, version in packages.items():
        try:
            importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            absent.append(f"{name} {version}")
    return absent


def require_packages(use: str, packages: Mapping[str, str]) -> None:
    """Refuse to run carried source where a package that it declares is absent.

    Raises
    ------
    BundleError
        The first absent package is named, with the version that the source was run with.
    """
    absent = missing_packages(packages)
    if absent:
        raise BundleError(
            f"The function {use} needs a package that is not installed here",
            got=f"no {absent[0]}" + (f" and {len(absent) - 1} more" if absent[1:] else ""),
            todo=f"pip install '{absent[0].replace(' ', '==')}'",
        )


class _Modules:
    """The modules of one source. What they import from one another comes from here, all else from the machine."""

    def __init__(self, source: Mapping[str, str]) -> None:
        self._source = source
        self._prefix = f"{NAMESPACE}.{digest_of(source)[:16]}"
        self._builtins = {**vars(builtins), "__import__": self._import}

    def module(self, name: str) -> ModuleType:
        """Return a module, run once in the life of the process.

        Raises
        ------
        SpecError
            It fails as it is run; the error names its line.
        """
        full = f"{self._prefix}.{name}"
        if full in sys.modules:
            return sys.modules[full]
        text = self._source.get(name, "")
        is_package = any(other.startswith(f"{name}.") for other in self._source)
        path = f"<{name}>"
        module = ModuleType(full)
        module.__dict__.update(
            __file__=path, __package__=name if is_package else name.rpartition(".")[0], __builtins__=self._builtins
        )
        # A traceback, and whoever asks for the source of a function, find the text.
        linecache.cache[path] = (len(text), None, text.splitlines(keepends=True), path)
        # Dataclasses, enums and pickles look modules up by name, pickles also the packages around them.
        for around in (NAMESPACE, self._prefix):
            sys.modules.setdefault(around, ModuleType(around))
        sys.modules[full] = module
        try:
            exec(compile(text, path, "exec"), module.__dict__)  # noqa: S102 - the user's own code is what was asked for
        except Exception as error:
            del sys.modules[full]
            raise SpecError(
                f"The module {name!r} fails as it is loaded",
                where=f"line {line_in(error, path)} of {name}",
                got=f"{type(error).__name__}: {error}",
            ) from error
        return module

    def _import(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,  # noqa: A002 - the names of Python's own __import__
        locals: Mapping[str, Any] | None = None,  # noqa: A002
        fromlist: Sequence[str] = (),
        level: int = 0,
    ) -> ModuleType:
        package = str((globals or {}).get("__package__", ""))
        parts = package.split(".") if package else []
        whole = ".".join([*parts[: len(parts) - level + 1], *([name] if name else [])]) if level else name
        if not self._is_ours(whole):
            return _ordinary_import(name, globals, locals, fromlist, level)
        chain = whole.split(".")
        for i in range(1, len(chain) + 1):
            self._attach(".".join(chain[:i]))
        if not fromlist:
            return self.module(chain[0])
        for item in fromlist:
            if self._is_ours(f"{whole}.{item}"):
                self._attach(f"{whole}.{item}")
        return self.module(whole)

    def _attach(self, name: str) -> None:
        module = self.module(name)
        parent, _, own = name.rpartition(".")
        if parent:
            setattr(self.module(parent), own, module)

    def _is_ours(self, name: str) -> bool:
        return name in self._source or any(other.startswith(f"{name}.") for other in self._source)


def line_in(error: BaseException, path: str) -> int:
    """Return the line of a carried module at which an exception came out of it; 0 where it did not."""
    line, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == path:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
