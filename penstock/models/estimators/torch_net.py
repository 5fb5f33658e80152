"""The residual network, learned by PyTorch on one thread."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin

from penstock.models.estimators.net import Batch, Labels, Network, Numbers, Watch, Weights


class _Torch(Network):
    def _learn(self, rows: Batch, outputs: int, *, labels: bool, watch: Watch) -> None:
        import torch

        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            # What is left out is drawn from PyTorch's global generator; it is put back afterwards.
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(self.seed)
                self._epochs(torch, rows, outputs, labels=labels, watch=watch)
        finally:
            torch.set_num_threads(threads)

    def _epochs(self, torch: Any, rows: Batch, outputs: int, *, labels: bool, watch: Watch) -> None:
        begun = self.begun(rows.numbers.shape[1], outputs)
        tables = [torch.nn.Parameter(torch.from_numpy(t.copy())) for t in begun.tables]
        layers = [tuple(torch.nn.Parameter(torch.from_numpy(p.copy())) for p in layer) for layer in begun.layers]
        parameters = [*tables, *(p for layer in layers for p in layer)]
        descent = torch.optim.AdamW(parameters, lr=self.learning_rate, weight_decay=self.decay)
        numbers, codes = torch.from_numpy(rows.numbers), torch.from_numpy(rows.codes)
        kind = np.int64 if labels and outputs > 1 else np.float32
        y, weights = torch.from_numpy(rows.y.astype(kind)), torch.from_numpy(rows.weights)
        for epoch in range(1, watch.most + 1):
            for step in self.steps(len(rows.y), epoch):
                at = torch.from_numpy(step)
                raw = self._forward(torch, tables, layers, numbers[at], codes[at])
                loss = (weights[at] * _loss(torch, raw, y[at], labels=labels)).mean()
                descent.zero_grad()
                loss.backward()
                descent.step()
            learned = Weights(
                [t.detach().numpy().copy() for t in tables],
                [(w.detach().numpy().copy(), b.detach().numpy().copy()) for w, b in layers],
            )
            if watch.ends(epoch, learned):
                return

    def _forward(self, torch: Any, tables: list[Any], layers: list[Any], numbers: Any, codes: Any) -> Any:
        linear, drop = torch.nn.functional.linear, torch.nn.functional.dropout
        parts = [numbers, *(table[codes[:, i]] for i, table in enumerate(tables))]
        first, *middle, last = layers
        done = torch.relu(linear(torch.cat(parts, dim=1), *first))
        for inner, outer in zip(middle[::2], middle[1::2], strict=True):
            hidden = drop(torch.relu(linear(done, *inner)), self.dropout)
            done = done + linear(hidden, *outer)
        return linear(torch.relu(done), *last)


class TorchClassifier(ClassifierMixin, Labels, _Torch):
    """The network for labels."""


class TorchRegressor(RegressorMixin, Numbers, _Torch):
    """The network for numbers, by squared error, on a target that is scaled for the fit."""


def _loss(torch: Any, raw: Any, y: Any, *, labels: bool) -> Any:
    functional = torch.nn.functional
    if not labels:
        return (raw[:, 0] - y) ** 2
    if raw.shape[1] == 1:
        return functional.binary_cross_entropy_with_logits(raw[:, 0], y, reduction="none")
    return functional.cross_entropy(raw, y, reduction="none")
