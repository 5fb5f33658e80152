"""The other servers, each in an environment of its own, made once and kept under a folder for caches."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.ground import ROOT
from benchmarks.serving.offers import LEARNING_RATE, LEAVES, TREES

HERE = ROOT / "benchmarks" / "serving"
Rows = list[dict[str, Any]]


def _cache() -> Path:
    home = os.environ.get("PENSTOCK_BENCH_CACHE")
    return Path(home) if home else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "penstock-bench"


@dataclass(frozen=True)
class Peer:
    """One server: what is installed for it, how it is started, and how it is asked."""

    name: str
    pins: tuple[str, ...]
    command: tuple[str, ...]  # {bin}, {port} and {folder} are filled in
    health: str
    one: str
    many: str
    body: Callable[[Rows, bool], Any]

    @property
    def home(self) -> Path:
        """Its environment."""
        return _cache() / self.name

    def installed(self) -> str:
        """Install it unless it is there; return why it cannot be, empty where it can."""
        done = self.home / ".installed"
        if done.exists() and done.read_text() == " ".join(self.pins):
            return ""
        try:
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(self.home)], check=True, capture_output=True)
            pip = [str(self.home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-input", *self.pins]
            subprocess.run(pip, check=True, capture_output=True, text=True)
        except (OSError, subprocess.CalledProcessError) as error:
            told = str(getattr(error, "stderr", "") or error).strip().splitlines()
            return told[-1][:200] if told else "it cannot be installed"
        done.write_text(" ".join(self.pins))
        return ""

    def fitted(self, table: Path, folder: Path) -> str:
        """Fit its model in its environment; return why that fails, empty where it does not."""
        settings = json.dumps({"trees": TREES, "leaves": LEAVES, "learning_rate": LEARNING_RATE})
        words = [str(self.home / "bin" / "python"), str(HERE / "peer_model.py"), str(table), str(folder), settings]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            return done.stderr.strip().splitlines()[-1][:200]
        if self.name == "mlserver":
            told = {
                "name": "offers",
                "implementation": "mlserver_sklearn.SKLearnModel",
                "parameters": {"uri": "./model.joblib"},
            }
            (folder / "model-settings.json").write_text(json.dumps(told))
        return ""

    def words(self, port: int, folder: Path) -> list[str]:
        """Return what starts it."""
        return [word.format(bin=self.home / "bin", port=port, folder=folder) for word in self.command]

    def environment(self, port: int, folder: Path) -> dict[str, str]:
        """Return the variables that it is started with; none of them sends anything anywhere."""
        return {
            "PEER_FOLDER": str(folder),
            "PATH": f"{self.home / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(HERE),
            "MLSERVER_HTTP_PORT": str(port),
            "MLSERVER_GRPC_PORT": str(port + 1),
            "MLSERVER_METRICS_PORT": str(port + 2),
            "MLSERVER_PARALLEL_WORKERS": "0",
            "BENTOML_DO_NOT_TRACK": "True",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DO_NOT_TRACK": "1",
        }


def _columns(rows: Rows, _: bool) -> dict[str, Any]:
    """Return rows as the Open Inference Protocol has them."""
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    inputs = [
        {
            "name": name,
            "shape": [len(values), 1],
            "datatype": "BYTES" if isinstance(values[0], str) else "FP64",
            "data": values,
        }
        for name, values in columns.items()
    ]
    return {"parameters": {"content_type": "pd"}, "inputs": inputs, "outputs": [{"name": "predict_proba"}]}


_SKLEARN = ("scikit-learn==1.9.1", "pandas==3.1.1", "joblib==1.6.0")
PEERS = (
    Peer(
        name="mlflow",
        pins=("mlflow==3.17.2",),
        command=("{bin}/mlflow", "models", "serve", "-m", "{folder}/mlflow", "-p", "{port}", "--env-manager", "local"),
        health="/ping",
        one="/invocations",
        many="/invocations",
        body=lambda rows, _: {"dataframe_records": rows},
    ),
    Peer(
        name="bentoml",
        pins=("bentoml==1.4.39", *_SKLEARN),
        command=("{bin}/bentoml", "serve", "peer_bento:Offers", "-p", "{port}", "--working-dir", str(HERE)),
        health="/readyz",
        one="/predict",
        many="/predict",
        body=lambda rows, _: {"rows": rows},
    ),
    Peer(
        name="mlserver",
        pins=("mlserver==1.7.1", "mlserver-sklearn==1.7.1"),
        command=("{bin}/mlserver", "start", "{folder}"),
        health="/v2/health/ready",
        one="/v2/models/offers/infer",
        many="/v2/models/offers/infer",
        body=_columns,
    ),
    Peer(
        name="fastapi",
        pins=("fastapi==0.150.0", "uvicorn[standard]==0.54.0", *_SKLEARN),
        command=("{bin}/uvicorn", "peer_fastapi:app", "--port", "{port}", "--log-level", "warning"),
        health="/",
        one="/predict",
        many="/batch",
        body=lambda rows, is_one: rows[0] if is_one else {"rows": rows},
    ),
)
