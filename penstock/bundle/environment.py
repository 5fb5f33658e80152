"""The libraries that a fitted model was made with, and opening it with those that are here."""

from __future__ import annotations

import io
import platform
import warnings
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version

from penstock.errors import BundleError

LIBRARIES = ("joblib", "lightgbm", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy", "xgboost-cpu")


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


def opens_alike(one: Mapping[str, object], other: Mapping[str, object]) -> bool:
    """Whether what one environment pickled opens in another with nothing to be said: the same libraries and Python x.y.

    Examples
    --------
    >>> opens_alike({"python": "3.11.7", "numpy": "2.4.0"}, {"python": "3.11.9", "numpy": "2.4.0"})
    True
    >>> opens_alike({"python": "3.11.7", "numpy": "2.4.0"}, {"python": "3.11.7", "numpy": "2.5.0"})
    False
    """
    minor = [str(e.get("python", "")).split(".")[:2] for e in (one, other)]
    return minor[0] == minor[1] and all(one.get(library) == other.get(library) for library in LIBRARIES)


def other_majors(made_with: Mapping[str, object]) -> list[str]:
    """Return the libraries whose first number is another here than where a bundle was made: they promise nothing.

    Examples
    --------
    >>> other_majors({"scikit-learn": "0.24.2", "numpy": environment()["numpy"]})
    ['scikit-learn']
    """
    here = environment()
    named = [library for library in LIBRARIES if library in made_with and library in here]
    return [name for name in named if str(made_with[name]).partition(".")[0] != here[name].partition(".")[0]]


def refuse_other_majors(made_with: Mapping[str, object], where: str) -> None:
    """Refuse what was made with a library of another major version, which promises nothing of what it answers here.

    Raises
    ------
    BundleError
        It was; the error names the libraries.
    """
    if others := other_majors(made_with):
        raise BundleError(
            "The model was made with a library of another major version",
            where=where,
            got=", ".join(f"{name} {made_with[name]}" for name in others),
            expected=", ".join(f"{name} {environment()[name]}" for name in others),
            todo="Install the versions that its manifest names, or train it again with those that are here.",
        )


def unpickled(data: bytes, made_with: Mapping[str, object], where: str) -> object:
    """Return the object that joblib wrote. Its bytes must have been proven: unpickling runs what they say.

    Raises
    ------
    BundleError
        It was made with a library of another major version, or it does not open here; the error names the libraries.
    """
    refuse_other_majors(made_with, where)
    # A version with a kernel is opened without it.
    import joblib

    opened: Callable[[io.BytesIO], object] = joblib.load
    try:
        with warnings.catch_warnings():
            # scikit-learn warns of every single object that another version pickled; `differences` says it once.
            warnings.simplefilter("ignore")
            return opened(io.BytesIO(data))
    except MemoryError:
        raise
    except Exception as error:
        raise BundleError(
            "The model cannot be opened with the libraries that are here",
            where=where,
            got="; ".join(differences(made_with)) or f"{type(error).__name__}: {error}",
            todo="Install the versions that its manifest names, or train it again with those that are here.",
        ) from error
