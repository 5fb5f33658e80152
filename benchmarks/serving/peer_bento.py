"""The model as a service of BentoML's."""

import os
from pathlib import Path
from typing import Any

import bentoml  # type: ignore[import-not-found]  # it is in another environment
import joblib
import pandas as pd


@bentoml.service(traffic={"timeout": 60})
class Offers:
    """Predicts rows."""

    def __init__(self) -> None:
        self.model = joblib.load(Path(os.environ["PEER_FOLDER"]) / "model.joblib")

    @bentoml.api  # type: ignore[untyped-decorator]  # see above
    def predict(self, rows: list[dict[str, Any]]) -> list[list[float]]:
        """Predict rows."""
        shares: list[list[float]] = self.model.predict_proba(pd.DataFrame(rows)).tolist()
        return shares
