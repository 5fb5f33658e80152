"""The libraries that a fitted model was made with, and whether they are the ones that open it."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version

LIBRARIES = ("joblib", "lightgbm", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy")


def environment() -> dict[str, str]:
    """Return the versions of Python and of the libraries whose objects a bundle holds, and the machine's kind."""
    return dict(_environment())


@lru_cache(maxsize=1)
def _environment() -> dict[str, str]:
    # Looking up a version parses the metadata of its package: 5 ms each, and it cannot change under a process.
    found = {"python": platform.python_version(), "machine": f"{platform.system()} {platform.machine()}"}
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found


def differences(made_with: Mapping[str, object]) -> list[str]:
    """Return, in a sentence each, where this environment is another than the one that a bundle was made with."""
    here = environment()
    return [
        f"made with {library} {made_with[library]}, opened with {here.get(library, 'none')}"
        for library in ("python", *LIBRARIES)
        if library in made_with and str(made_with[library]) != here.get(library)
    ]
