"""YAML in, plain values out: YAML 1.2 words, `${env:NAME}`, `${secret:NAME}`, and errors that name file and line."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml

from penstock.errors import SpecError

_ENV = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}")
_SECRET = re.compile(r"\$\{secret:([^{}]+)\}")

# Gives the value of a secret by its name. The library has no secrets of its own: a flow hands in Prefect's.
Secrets = Callable[[str], str]


class _Loader(yaml.SafeLoader):
    """YAML 1.2's idea of a plain word: `on`, `yes`, `no` and dates are text, as a column's name or a label may be."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":bool", ":timestamp"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)


def _no_duplicates(loader: _Loader, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
    found: dict[object, object] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=deep)
        if key in found:
            raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} stands twice", key_node.start_mark)
        found[key] = loader.construct_object(value_node, deep=True)
    return found


_Loader.add_constructor("tag:yaml.org,2002:map", _no_duplicates)


def read_yaml(path: Path) -> dict[str, Any]:
    """Return a YAML file's mapping.

    Raises
    ------
    SpecError
        The file is absent, is not YAML, or is not a mapping.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(
            "The spec cannot be read",
            where=str(path),
            got=str(getattr(error, "strerror", None) or error),
            todo="Make one with: penstock init SOURCE --target COLUMN --out SPEC.yaml",
        ) from error
    try:
        value = yaml.load(text, _Loader)  # noqa: S506 - derived from SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise SpecError(
            "The spec is not YAML", where=f"{path}{line}", got=str(getattr(error, "problem", None) or error)
        ) from error
    if not isinstance(value, dict):
        raise SpecError("The spec is not a mapping of keys", where=str(path), expected="name:, source: and target:")
    return value


def plain_value(text: str) -> Any:
    """Return what a text stands for as a value of a spec; what is no YAML stands for itself.

    Examples
    --------
    >>> plain_value("2"), plain_value("*.csv"), plain_value("[a, b]"), plain_value("yes")
    (2, '*.csv', ['a', 'b'], 'yes')
    """
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - derived from SafeLoader
    except yaml.YAMLError:
        return text


def line_of(path: Path, location: Sequence[str | int]) -> str:
    """Return `file:line` of a place in a YAML file, as near as the file has it."""
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), _Loader)
    except (OSError, yaml.YAMLError, UnicodeDecodeError):
        return str(path)
    line = node.start_mark.line if node is not None else 0
    for step in location:
        if isinstance(node, yaml.MappingNode):
            pair = next(((k, v) for k, v in node.value if k.value == str(step)), None)
            if pair is None:
                break
            line, node = pair[0].start_mark.line, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line
        else:
            break
    return f"{path}:{line + 1}"


def fill_in(value: Any, where: str, secrets: Secrets | None = None) -> Any:
    """Replace `${env:NAME}` and `${secret:NAME}` in every text of a nested value.

    Parameters
    ----------
    value : any
        Text, or lists and mappings of it.
    where : str
        What errors call the file.
    secrets : callable, optional
        Gives the value of a secret by its name.

    Raises
    ------
    SpecError
        The environment has no such variable, or there is nobody to ask for secrets.
    """
    if isinstance(value, str):
        filled = _ENV.sub(lambda found: _from_environment(found.group(1), where), value)
        return _SECRET.sub(lambda found: _from_secrets(found.group(1).strip(), where, secrets), filled)
    if isinstance(value, dict):
        return {k: fill_in(v, where, secrets) for k, v in value.items()}
    if isinstance(value, list):
        return [fill_in(v, where, secrets) for v in value]
    return value


def _from_secrets(name: str, where: str, secrets: Secrets | None) -> str:
    if secrets is None:
        raise SpecError(
            f"The secret {name!r} cannot be had here",
            where=where,
            expected="${env:NAME}, or a run where Prefect is installed",
            todo="Put it into an environment variable, and name that.",
        )
    return secrets(name)


def _from_environment(name: str, where: str) -> str:
    if name not in os.environ:
        raise SpecError(f"The environment variable {name} is not set", where=where, todo=f"Set it: export {name}=…")
    return os.environ[name]


def write_yaml(value: dict[str, Any]) -> str:
    """Return a mapping as YAML that `read_yaml` reads back unchanged: a line a key, in order, small values inline."""
    if not value:
        return "{}\n"
    return "".join(_line({key: item}, nested=isinstance(item, dict | list)) for key, item in value.items())


def _line(pair: dict[str, Any], nested: bool) -> str:
    style = None if nested else False
    return yaml.dump(pair, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120, default_flow_style=style)


class _Dumper(yaml.SafeDumper):
    """Quotes every text that YAML 1.1 or 1.2 would read as something else, and lists by their items, not by anchors."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    # Line ends of other alphabets are printed raw in every style but the double quotes, and read back as a blank.
    odd = any(not (c.isprintable() or c == "\n") or c in "\x85\u2028\u2029\ufeff" for c in text)
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if odd else None)


_Dumper.add_representer(str, _text)
