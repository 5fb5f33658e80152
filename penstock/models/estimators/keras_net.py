"""The residual network, learned by Keras 3."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin

from penstock.models.estimators.net import Batch, Labels, Network, Numbers, Watch, Weights


class _Keras(Network):
    def _learn(self, rows: Batch, outputs: int, *, labels: bool, watch: Watch) -> None:
        # TensorFlow tells of its own optimiser's attempts on the error stream, as it is imported and as it compiles.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        import keras

        n_numbers = rows.numbers.shape[1]
        begun = self.begun(n_numbers, outputs)
        model, tables, layers = self._built(keras, n_numbers, outputs)
        for layer, values in zip(tables, begun.tables, strict=True):
            layer.set_weights([values])
        for layer, (matrix, bias) in zip(layers, begun.layers, strict=True):
            layer.set_weights([matrix.T, bias])
        losses = keras.losses
        loss: Any = losses.MeanSquaredError()
        if labels:
            many = losses.SparseCategoricalCrossentropy(from_logits=True)
            loss = many if outputs > 1 else losses.BinaryCrossentropy(from_logits=True)
        descent = keras.optimizers.AdamW(self.learning_rate, weight_decay=self.decay)
        model.compile(optimizer=descent, loss=loss, jit_compile=False)
        inputs = [rows.numbers, *(rows.codes[:, i : i + 1].astype(np.int32) for i in range(rows.codes.shape[1]))]
        y = rows.y.astype(np.int64 if labels and outputs > 1 else np.float32)
        for epoch in range(1, watch.most + 1):
            steps = self.steps(len(y), epoch)
            at = np.concatenate(steps)
            model.fit(
                [part[at] for part in inputs],
                y[at],
                sample_weight=rows.weights[at],
                batch_size=len(steps[0]),
                epochs=1,
                shuffle=False,
                verbose=0,
            )
            learned = Weights(
                [np.array(layer.get_weights()[0]) for layer in tables],
                [(np.ascontiguousarray(m.T), np.array(b)) for m, b in (layer.get_weights() for layer in layers)],
            )
            if watch.ends(epoch, learned):
                break
        keras.backend.clear_session()

    def _built(self, keras: Any, n_numbers: int, outputs: int) -> tuple[Any, list[Any], list[Any]]:
        kinds = keras.layers
        numbers = keras.Input((n_numbers,))
        codes = [keras.Input((1,), dtype="int32") for _ in self.embedded]
        tables = [kinds.Embedding(n, size) for n, size in self.embedded]
        layers = [kinds.Dense(n_out) for _, n_out in self.shapes(n_numbers, outputs)]
        parts = [numbers, *(kinds.Flatten()(table(code)) for table, code in zip(tables, codes, strict=True))]
        first, *middle, last = layers
        done = kinds.ReLU()(first(kinds.Concatenate()(parts) if len(parts) > 1 else numbers))
        for i, (inner, outer) in enumerate(zip(middle[::2], middle[1::2], strict=True)):
            hidden = kinds.Dropout(self.dropout, seed=self.seed + i)(kinds.ReLU()(inner(done)))
            done = kinds.Add()([done, outer(hidden)])
        return keras.Model([numbers, *codes], last(kinds.ReLU()(done))), tables, layers


class KerasClassifier(ClassifierMixin, Labels, _Keras):
    """The network for labels."""


class KerasRegressor(RegressorMixin, Numbers, _Keras):
    """The network for numbers, by squared error, on a target that is scaled for the fit."""
