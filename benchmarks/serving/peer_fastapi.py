"""A model behind FastAPI as tutorials write it by hand: a typed body, a frame of one row, `predict_proba`."""

import os
from pathlib import Path
from typing import Any

import joblib
import pandas as pd
from fastapi import FastAPI
from pydantic import create_model

app = FastAPI()
model = joblib.load(Path(os.environ["PEER_FOLDER"]) / "model.joblib")
FIELDS: dict[str, Any] = dict.fromkeys((f"number_{i}" for i in range(8)), (float | None, None))
FIELDS |= dict.fromkeys((f"category_{i}" for i in range(6)), (str | None, None))
Row: Any = create_model("Row", **FIELDS)
Rows: Any = create_model("Rows", rows=(list[Row], ...))


@app.get("/")
def ready() -> dict[str, str]:
    """Answer that it runs."""
    return {"status": "ready"}


@app.post("/predict")
def predict(row: Row) -> dict[str, Any]:
    """Predict one row."""
    return answers([row])[0]


@app.post("/batch")
def batch(body: Rows) -> list[dict[str, Any]]:
    """Predict many rows."""
    return answers(body.rows)  # type: ignore[attr-defined]  # it is made when this runs


def answers(rows: list[Any]) -> list[dict[str, Any]]:
    """Return a label and probabilities for each row."""
    shares = model.predict_proba(pd.DataFrame([row.model_dump() for row in rows]))
    labels = [str(label) for label in model.classes_]
    return [
        {"prediction": labels[row.argmax()], "probabilities": dict(zip(labels, row.tolist(), strict=True))}
        for row in shares
    ]
