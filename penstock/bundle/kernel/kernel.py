"""A compiled pipeline: learned steps, encodings and engine, restored from data alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from penstock.blocks import Blocks
from penstock.bundle.kernel.engines.engine import Engine, Floats, NoKernel
from penstock.bundle.kernel.state import NotPlain, read, written
from penstock.errors import BundleError
from penstock.frozen import canonical_json
from penstock.models.encoding.encoding import STATE, Encoding
from penstock.steps.base import CellStep, Learned
from penstock.table import Target

if TYPE_CHECKING:
    import pandas as pd

Compile = Callable[[Any, tuple[str, ...], Target, Sequence[int] | None], Engine]
Opening = Callable[[Mapping[str, bytes]], Engine]
FORMAT = 1
ABOUT, STATE_FILE, ARRAYS = "kernel.json", "front.json", "front.npz"


@dataclass(frozen=True, eq=False)
class Kernel:
    """What answers rows at the plan's cut.

    Attributes
    ----------
    steps : tuple of Learned or CellStep
        What runs from the cut on, in order.
    encodings : mapping of str to Encoding
        What the rows behind them become, by name.
    engine : Engine
        What answers encoded rows.
    """

    steps: tuple[Learned | CellStep, ...]
    encodings: Mapping[str, Encoding]
    engine: Engine

    @classmethod
    def of(cls, pipeline: Any, target: Target, places: Sequence[int] | None, compiled: Compile) -> Kernel:
        """Compile a fitted pipeline of `steps`, `encode` and `model`.

        Parameters
        ----------
        pipeline : Recipe
            The pipeline.
        target : Target
            What it predicts.
        places : sequence of int, optional
            Where its classes stand among the labels; None where they are all there, in order.
        compiled : callable
            Compiles the model.

        Raises
        ------
        NoKernel
            Some part of it has no compiled form; the message says which, in words.
        """
        if [name for name, _ in getattr(pipeline, "steps", ())] != ["steps", "encode", "model"]:
            raise NoKernel("it is no pipeline of steps, encoding and model")
        (_, transformer), (_, encoder), (_, model) = pipeline.steps
        each = getattr(encoder, "each_", None)
        fitted = {str(encoder.kind): encoder} if each is None else dict(each)
        if any(not isinstance(encoding, Encoding) for encoding in fitted.values()):
            raise NoKernel("its encoder has no compiled form")
        encodings = {name: _bare(encoding) for name, encoding in fitted.items()}
        kernel = cls(tuple(transformer.learned_), encodings, compiled(model, tuple(encodings), target, places))
        # Read back from what is written: what answers from now on is what will be opened.
        return replace(kernel, **_front(*kernel._written()))

    @classmethod
    def opened(cls, files: Mapping[str, bytes], opened: Opening) -> Kernel:
        """Restore a kernel from its files, by names relative to its folder.

        Raises
        ------
        BundleError
            Another release wrote it, in a way that this one does not know.
        """
        about = json.loads(files[ABOUT])
        if about.get("format") != FORMAT:
            raise BundleError(
                "The kernel was written by another release of penstock",
                got=f"format {about.get('format')}",
                expected=f"format {FORMAT}",
            )
        rest = {name: data for name, data in files.items() if name not in (ABOUT, STATE_FILE, ARRAYS)}
        return cls(**_front(files[STATE_FILE], files[ARRAYS]), engine=opened(rest))

    def files(self) -> dict[str, bytes]:
        """Return what it is stored as, by names relative to its folder."""
        text, arrays = self._written()
        about = canonical_json({"format": FORMAT, "encodings": list(self.encodings)})
        return {ABOUT: about, STATE_FILE: text, ARRAYS: arrays, **self.engine.files()}

    def encode(self, cut: pd.DataFrame) -> dict[str, Floats]:
        """Return what the engine takes of rows at the cut, one at least: an array for each encoding."""
        blocks = Blocks.of(cut)
        for step in self.steps:
            blocks = step.on(blocks)
        frame = blocks.frame()
        return {name: np.ascontiguousarray(encoding.encoded(frame)) for name, encoding in self.encodings.items()}

    def estimates(self, cut: pd.DataFrame) -> Floats:
        """Return probabilities of shape (n_rows, n_labels) or values of shape (n_rows,) for rows at the cut."""
        return self.engine.answer(self.encode(cut))

    def extended(self, cut: pd.DataFrame) -> Kernel:
        """Return the same with more recent rows known, given as they are at the cut."""
        blocks = Blocks.of(cut)
        longer: list[Learned | CellStep] = []
        for step in self.steps:
            longer.append(step.extended(blocks) if isinstance(step, Learned) else step)
            blocks = longer[-1].on(blocks)
        return replace(self, steps=tuple(longer))

    def _written(self) -> tuple[bytes, bytes]:
        state = {name: {key: getattr(encoding, key) for key in STATE} for name, encoding in self.encodings.items()}
        try:
            return written({"steps": self.steps, "encodings": state})
        except NotPlain as found:
            raise NoKernel(f"a step or an encoding holds {found}") from found


def _bare(fitted: Any) -> Encoding:
    return _encoding({key: getattr(fitted, key) for key in STATE})


def _encoding(state: Mapping[str, Any]) -> Encoding:
    made = Encoding()
    for key, value in state.items():
        setattr(made, key, value)
    return made


def _front(text: bytes, arrays: bytes) -> dict[str, Any]:
    state = read(text, arrays)
    return {
        "steps": state["steps"],
        "encodings": {name: _encoding(values) for name, values in state["encodings"].items()},
    }
