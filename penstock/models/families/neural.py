"""Neural networks."""

from __future__ import annotations

import itertools
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from penstock.models.encoder import EncodingKind
from penstock.models.families.base import BaseFamily
from penstock.models.families.drawing import even, scaled, whole
from penstock.models.families.linear import PRODUCT, THOUSAND, ScaledFamily
from penstock.table import Target


class PerceptronFamily(ScaledFamily):
    """The mean of some multi-layer perceptrons, on pieces of numbers and one column for each level.

    Alone a perceptron is behind boosting on most tables. Numbers as pieces between their quantiles and the mean of four
    networks bring it level, and it errs elsewhere, so that ensembles gain by it.
    """

    encoding: ClassVar[EncodingKind] = "quantile"
    kind: Literal["mlp"] = "mlp"
    stops_early: ClassVar[bool] = True
    epochs: int | None = Field(default=None, ge=1)
    layers: tuple[int, ...] = Field(default=(64, 32), min_length=1, max_length=4)
    nets: int = Field(default=4, ge=1, le=64)
    # 0 takes numbers as the encoding has them.
    pieces: int = Field(default=16, ge=0, le=256)
    learning_rate: float = Field(default=0.002, gt=0)
    l2: float = Field(default=1e-4, ge=0)

    @classmethod
    def portfolio(cls, target: Target, n_rows: int, n_columns: int) -> tuple[Self, ...]:
        """Return the usual networks, and wider ones that take numbers undivided and are held back more."""
        return cls(), cls(layers=(128, 64), pieces=0, l2=0.01, learning_rate=0.001)

    def varied(self, rng: np.random.Generator, target: Target, n_rows: int) -> Self:
        """Return another configuration of the search space."""
        shapes = ((32,), (64,), (64, 32), (128, 64), (64, 64, 32))
        pieces = (0, 8, 16, 32)
        return self.model_copy(
            update={
                "layers": shapes[int(rng.integers(len(shapes)))],
                "pieces": pieces[int(rng.integers(len(pieces)))],
                # Quicker ones jump from epoch to epoch, and the one that a fold stops at is the luckiest.
                "learning_rate": scaled(rng, 0.0005, 0.004),
                "l2": scaled(rng, 1e-6, 1.0),
            }
        )

    def with_rounds(self, rounds: int) -> Self:
        """Return the same configuration that goes through all rows so often and doesn't stop early."""
        return self.model_copy(update={"epochs": rounds})

    def cost(self, target: Target, n_rows: int, n_features: int) -> float:
        """Return about how many milliseconds its fitted estimator takes for one row."""
        sizes = (n_features * max(1, self.pieces), *self.layers, max(1, len(target.labels)))
        coefficients = self.nets * sum(a * b for a, b in itertools.pairwise(sizes))
        return PRODUCT * len(sizes) + THOUSAND * coefficients / 1000

    def estimator(self, target: Target, n_rows: int, seed: int, threads: int) -> Any:
        """Return perceptrons."""
        from penstock.models.estimators.perceptron import PerceptronClassifier, PerceptronRegressor

        build = PerceptronClassifier if target.is_classification else PerceptronRegressor
        # More rows make an epoch of more steps, of which it takes about as many.
        usual = int(np.clip(400_000 / max(n_rows, 1), 15, 60))
        return build(
            layers=self.layers,
            nets=self.nets,
            pieces=self.pieces,
            epochs=self.epochs or usual,
            most=self.epochs or 4 * usual,
            learning_rate=self.learning_rate,
            l2=self.l2,
            seed=seed,
        )


class NetworkFamily(BaseFamily):
    """A residual network with embeddings for codes, whichever library learns it."""

    stops_early: ClassVar[bool] = True
    epochs: int | None = Field(default=None, ge=1)
    width: int = Field(default=96, ge=2, le=1024)
    blocks: int = Field(default=2, ge=0, le=6)
    dropout: float = Field(default=0.1, ge=0, lt=1)
    learning_rate: float = Field(default=0.002, gt=0)
    decay: float = Field(default=0.01, ge=0)

    def varied(self, rng: np.random.Generator, target: Target, n_rows: int) -> Self:
        """Return another configuration of the search space."""
        return self.model_copy(
            update={
                "width": whole(rng, 32, 256),
                "blocks": int(rng.integers(1, 4)),
                "dropout": even(rng, 0.0, 0.4),
                "learning_rate": scaled(rng, 0.0005, 0.01),
                "decay": scaled(rng, 0.001, 0.3),
            }
        )

    def with_rounds(self, rounds: int) -> Self:
        """Return the same configuration that goes through all rows so often and doesn't stop early."""
        return self.model_copy(update={"epochs": rounds})

    def cost(self, target: Target, n_rows: int, n_features: int) -> float:
        """Return about how many milliseconds its fitted estimator takes for one row."""
        inputs, outputs = 4 * n_features, max(1, len(target.labels))
        coefficients = self.width * (inputs + 2 * self.blocks * self.width + outputs)
        return PRODUCT * (2 + 2 * self.blocks) + THOUSAND * coefficients / 1000

    def told(self, n_rows: int, seed: int) -> dict[str, Any]:
        """Return what either library's network is told."""
        usual = int(np.clip(300_000 / max(n_rows, 1), 12, 40))
        return {
            "width": self.width,
            "blocks": self.blocks,
            "dropout": self.dropout,
            "epochs": self.epochs or usual,
            "most": self.epochs or 4 * usual,
            "learning_rate": self.learning_rate,
            "decay": self.decay,
            "seed": seed,
        }


class TorchFamily(NetworkFamily):
    """The network, learned by PyTorch."""

    kind: Literal["torch"] = "torch"
    extra: ClassVar[str] = "torch"
    package: ClassVar[str] = "torch"

    def estimator(self, target: Target, n_rows: int, seed: int, threads: int) -> Any:
        """Return a network that PyTorch learns."""
        from penstock.models.estimators.torch_net import TorchClassifier, TorchRegressor

        build = TorchClassifier if target.is_classification else TorchRegressor
        return build(**self.told(n_rows, seed))


class KerasFamily(NetworkFamily):
    """The network, learned by Keras."""

    kind: Literal["keras"] = "keras"
    extra: ClassVar[str] = "keras"
    package: ClassVar[str] = "keras"

    def estimator(self, target: Target, n_rows: int, seed: int, threads: int) -> Any:
        """Return a network that Keras learns."""
        from penstock.models.estimators.keras_net import KerasClassifier, KerasRegressor

        build = KerasClassifier if target.is_classification else KerasRegressor
        return build(**self.told(n_rows, seed))
