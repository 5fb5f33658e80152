"""The one engine: sources say scores, links make answers of them, members weigh them, one map calibrates."""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Literal
from zipfile import BadZipFile

import numpy as np

from penstock.bundle.kernel.engines.engine import Floats
from penstock.bundle.kernel.engines.sources import Always, Bells, Layers, Residual, Source, Trees
from penstock.bundle.kernel.engines.symmetric import SymmetricTrees
from penstock.bundle.kernel.npz import arrays_in
from penstock.errors import BundleError
from penstock.frozen import Frozen, canonical_json
from penstock.rowwise import MOST_ODDS, each_against_the_rest, softmax, stretched

FORMAT = 1
FACTS, ARRAYS = "engine.json", "engine.npz"
# exp(40) is beyond any count; beyond 709 it is infinite.
MOST_EXPONENT = 40.0
KINDS: dict[str, Any] = {kind.kind: kind for kind in (Trees, SymmetricTrees, Layers, Bells, Residual, Always)}
Link = Literal["odds", "softmax", "rest", "mean", "line", "exp"]


class Voice(Frozen):
    """How the scores of one fitted estimator become its answer.

    `source` says which scores, `first` and `width` which of their columns. Then by `link`: log odds of the second
    label (`odds`); scores of all labels (`softmax`) or each against the rest (`rest`); sums over `centre` trees
    (`mean`); `centre + spread * score` (`line`); a logarithm (`exp`). `start` is added to log odds and scores.
    """

    source: int
    first: int
    width: int
    link: Link
    centre: float = 0.0
    spread: float = 1.0
    start: tuple[float, ...] = ()


class Undone(Frozen):
    """A logarithmic scale: exp of an estimate held between two ends, times a factor against bias, less a shift."""

    shift: float
    low: float
    high: float
    smear: float


class Share(Frozen):
    """What one member counts: the plain mean of its voices, back on the target's scale, times its weight."""

    voices: tuple[int, ...]
    weight: float = 1.0
    undone: Undone | None = None


class Map(Frozen):
    """The last map of probabilities."""

    slope: float
    biases: tuple[float, ...]


class Facts(Frozen):
    """All of an engine but its arrays."""

    format: int = FORMAT
    sources: tuple[tuple[str, str], ...]
    voices: tuple[Voice, ...]
    shares: tuple[Share, ...]
    n_labels: int = 0
    calibration: Map | None = None
    places: tuple[int, ...] | None = None


class BlendEngine:
    """A fitted model that answers encoded rows; one estimator is a blend of one.

    Parameters
    ----------
    sources : sequence of Source
        Where scores come from.
    facts : Facts
        What is made of them.
    """

    def __init__(self, sources: Sequence[Source], facts: Facts) -> None:
        self.sources, self.facts = tuple(sources), facts
        self.encodings: tuple[str, ...] = tuple(dict.fromkeys(source.encoding for source in sources))
        firsts = np.cumsum([0, *(source.width for source in sources)]).tolist()
        voices = facts.voices
        columns = [range(firsts[v.source] + v.first, firsts[v.source] + v.first + v.width) for v in voices]
        # Voices of one link and width are answered in one go.
        groups: dict[tuple[str, int], list[int]] = {}
        for i, voice in enumerate(voices):
            groups.setdefault((voice.link, voice.width), []).append(i)
        self._steps = [
            _Step([voices[i] for i in group], [columns[i] for i in group], firsts[-1]) for group in groups.values()
        ]
        place = {i: at for at, i in enumerate(i for group in groups.values() for i in group)}
        self._shares = [(tuple(place[i] for i in share.voices), share.weight, share.undone) for share in facts.shares]
        first = facts.shares[0]
        # One estimator as it is, which most of what follows for a blend is nothing to.
        self._is_one = len(voices) == 1 and len(facts.shares) == 1 and first.weight == 1.0 and first.undone is None
        self._biases = None if facts.calibration is None else np.array(facts.calibration.biases)
        if self._biases is not None and facts.places is not None:
            self._biases = self._biases[list(facts.places)]

    def answer(self, encoded: Mapping[str, Floats]) -> Floats:
        """Return probabilities of shape (n_rows, n_labels) in the order of the labels, or values of shape (n_rows,).

        Parameters
        ----------
        encoded : mapping of str to numpy.ndarray
            One row or more: for each encoding float64 of shape (n_rows, n_features).
        """
        if self._is_one:
            (source,), (step,) = self.sources, self._steps
            return self._finished(step.answers(source.scores(encoded[source.encoding]))[:, 0])
        parts = [source.scores(encoded[source.encoding]) for source in self.sources]
        scores = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
        told = [step.answers(scores) for step in self._steps]
        answers = told[0] if len(told) == 1 else np.concatenate(told, axis=1)
        total: Any = None
        for voices, weight, undone in self._shares:
            part = answers[:, voices[0]] if len(voices) == 1 else _mean(answers, voices)
            if undone is not None:
                part = np.exp(np.clip(part, undone.low, undone.high)) * undone.smear - undone.shift
            # One times is the same bits; it is left out for a model of its own.
            part = part if weight == 1.0 else weight * part
            total = part if total is None else total + part
        return self._finished(total)

    def _finished(self, total: Floats) -> Floats:
        facts = self.facts
        if not facts.n_labels:
            return total[:, 0]
        if facts.calibration is not None and self._biases is not None:
            total = stretched(total, facts.calibration.slope, self._biases)
        if facts.places is None:
            return total
        # A label that training rows lacked has probability 0.
        whole = np.zeros((len(total), facts.n_labels))
        whole[:, list(facts.places)] = total
        return whole

    def files(self) -> dict[str, bytes]:
        """Return its files by name: facts as JSON, and arrays without objects."""
        sink = io.BytesIO()
        arrays: Any = {
            f"{i}.{name}": part for i, source in enumerate(self.sources) for name, part in source.data().items()
        }
        np.savez(sink, allow_pickle=False, **arrays)
        return {FACTS: canonical_json(self.facts), ARRAYS: sink.getvalue()}


def opened(files: Mapping[str, bytes]) -> BlendEngine:
    """Return an engine from its files.

    Parameters
    ----------
    files : mapping of str to bytes
        As `files` gave them.

    Raises
    ------
    BundleError
        They are of another release, or no engine's.
    """
    try:
        told = json.loads(files[FACTS])
        if told.get("format") != FORMAT:
            raise BundleError(
                "The kernel is of another release",
                got=f"format {told.get('format')!r:.20}",
                expected=f"format {FORMAT}",
                todo="Use the release of penstock that wrote it, or publish the model again.",
            )
        facts = Facts.model_validate(told)
        arrays = arrays_in(files[ARRAYS])
        sources = []
        for i, (kind, encoding) in enumerate(facts.sources):
            own = {n.partition(".")[2]: a for n, a in arrays.items() if n.partition(".")[0] == str(i)}
            sources.append(KINDS[kind].made(encoding, own))
    except (KeyError, ValueError, OSError, EOFError, BadZipFile, zlib.error) as e:
        if isinstance(e, BundleError):
            raise
        raise BundleError(
            "The kernel's engine cannot be read",
            got=type(e).__name__,
            todo="Publish the model again.",
        ) from e
    return BlendEngine(sources, facts)


class _Step:
    """The answers of voices that have one link and as many scores each."""

    def __init__(self, voices: Sequence[Voice], columns: Sequence[range], n_columns: int) -> None:
        first = voices[0]
        self.link, self.n, self.width = first.link, len(voices), first.width
        self.columns = np.concatenate([np.array(c, dtype=np.intp) for c in columns])
        self.whole = self.columns.tolist() == list(range(n_columns))
        self.centre = np.array([[v.centre] for v in voices])
        self.spread = np.array([[v.spread] for v in voices])
        starts = [v.start or (0.0,) * self.width for v in voices]
        self.start = np.array(starts) if any(v.start for v in voices) else None

    def answers(self, scores: Floats) -> Floats:
        """Return probabilities of shape (n_rows, n_voices, n_labels), or values of shape (n_rows, n_voices, 1)."""
        raw = scores if self.whole else scores.take(self.columns, axis=1)
        raw = raw.reshape(len(raw), self.n, self.width)
        if self.start is not None:
            raw = raw + self.start
        if self.link == "odds":
            return _both_sides(raw)
        if self.link == "mean":
            return np.asarray(raw / self.centre)
        if self.link == "line":
            return np.asarray(self.centre + self.spread * raw)
        if self.link == "exp":
            return np.exp(np.clip(raw, -MOST_EXPONENT, MOST_EXPONENT))
        likely = softmax if self.link == "softmax" else each_against_the_rest
        return likely(raw.reshape(-1, self.width)).reshape(raw.shape)


def _mean(answers: Floats, voices: tuple[int, ...]) -> Floats:
    total = answers[:, voices[0]] + answers[:, voices[1]]
    for voice in voices[2:]:
        total += answers[:, voice]
    return np.asarray(total / len(voices))


def _both_sides(raw: Floats) -> Floats:
    """Return probabilities of both labels, shape (n_rows, n_voices, 2), for log odds of shape (n_rows, n_voices, 1)."""
    if raw.size == 1:
        odds = raw.item()
        both = np.array([[[odds, -odds]]])
    else:
        both = np.empty((*raw.shape[:2], 2))
        both[:, :, :1] = raw
        np.negative(raw, out=both[:, :, 1:])
    np.minimum(both, MOST_ODDS, out=both)
    np.exp(both, out=both)
    both += 1.0
    shares: Floats = np.reciprocal(both, out=both)
    return shares
