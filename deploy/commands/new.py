"""`penstock new`: a project of your own, outside the clone, that runs at once."""

from __future__ import annotations

import tempfile
from pathlib import Path

from rich.markup import escape

from deploy.commands.console import out
from penstock.errors import SpecError

README = """\
# {name}

    penstock check iris.yaml      what penstock understands of the data
    penstock run iris.yaml        the whole way, to a published model
    penstock serve                http://127.0.0.1:8000

`iris.yaml` is the spec: what you decided. `iris.lock.yaml`, written by the first run, is what was inferred.
Commit both.
Put your own tables into `data/` and start from them: `penstock init data/my.csv --target COLUMN`.
"""
SPEC = """\
name: iris
source: data/iris.csv
target: species
"""
IGNORED = "artifacts/\n"


def new(folder: Path) -> int:
    """Make the project, whole or not at all.

    Raises
    ------
    SpecError
        The folder is there already and holds something.
    """
    folder = folder.resolve()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SpecError("The folder is there already and is not empty", where=str(folder), todo="Choose another.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    (beside / "data").mkdir()
    (beside / "data" / "iris.csv").write_text(_iris(), encoding="utf-8")
    (beside / "iris.yaml").write_text(SPEC, encoding="utf-8")
    (beside / "README.md").write_text(README.format(name=folder.name), encoding="utf-8")
    (beside / ".gitignore").write_text(IGNORED, encoding="utf-8")
    beside.chmod(0o755)
    beside.replace(folder)
    out().print(f"Made {escape(str(folder))}. Next:\n  cd {escape(str(folder))}\n  penstock run iris.yaml")
    return 0


def _iris() -> str:
    from sklearn.datasets import load_iris

    data = load_iris()
    names = [n.removesuffix(" (cm)").replace(" ", "_") for n in data.feature_names]
    rows = (
        ",".join([*(repr(float(v)) for v in row), str(data.target_names[label])])
        for row, label in zip(data.data, data.target, strict=True)
    )
    return "\n".join([",".join([*names, "species"]), *rows]) + "\n"
