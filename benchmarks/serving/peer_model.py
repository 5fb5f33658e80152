"""Fits the model in a peer's own environment, as its users would: a ColumnTransformer before the boosting.

It imports nothing of this project, for none of it is there.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import joblib
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder


def main(table: Path, folder: Path, settings: dict[str, float]) -> None:
    """Fit, and store as joblib; where MLflow is installed, as a model of MLflow's."""
    rows = pd.read_csv(table)
    features, target = rows.drop(columns="bought"), rows["bought"]
    texts = [name for name in features if str(name).startswith("category")]
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    columns = make_column_transformer((encoder, texts), remainder="passthrough")
    boosting = HistGradientBoostingClassifier(
        max_iter=int(settings["trees"]),
        max_leaf_nodes=int(settings["leaves"]),
        learning_rate=settings["learning_rate"],
        early_stopping=False,
    )
    model = make_pipeline(columns, boosting).fit(features, target)
    joblib.dump(model, folder / "model.joblib")
    try:
        import mlflow  # type: ignore[import-not-found]  # it is in another environment
    except ImportError:
        return
    signature = mlflow.models.infer_signature(features.head(100), model.predict(features.head(100)))
    # By default it stores with skops, which does not trust what the boosting is made of.
    how = {"signature": signature, "serialization_format": "cloudpickle"}
    mlflow.sklearn.save_model(model, str(folder / "mlflow"), **how)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3]))
