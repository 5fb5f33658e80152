"""A bundle: a fitted model with its schema, plan, look-ups and profile, and the one way in which it predicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import pyarrow as pa

from penstock.arrays.profile import Profile
from penstock.bundle.carried import Carried
from penstock.bundle.estimates import estimates_of, with_history
from penstock.bundle.example import Value, schema_example
from penstock.bundle.fitted import Fitted, as_signed
from penstock.bundle.kernel.kernel import Kernel
from penstock.bundle.keys import Trust
from penstock.bundle.layout import ModelHome
from penstock.bundle.looking import Looking
from penstock.bundle.manifest import REPORT, Manifest
from penstock.bundle.noting import notes_on, tidied
from penstock.bundle.observed import Observed
from penstock.bundle.opening import opened
from penstock.bundle.predictions import Note, Predictions
from penstock.bundle.probe import answers_to, check_answers, rows_of
from penstock.bundle.promises import Promises
from penstock.bundle.quick import Quick
from penstock.bundle.renewal import renewed_by
from penstock.bundle.rows import Given, as_columns
from penstock.bundle.seeking import Seeking
from penstock.errors import DataError, NotFound, RequestError, Tampered
from penstock.expect.outcome import Outcome
from penstock.metrics.aim import Aim
from penstock.receipts import Verdict
from penstock.series.history import refuse_misfits
from penstock.series.rule import HISTORY, SeriesRule
from penstock.steps.plan import Plan
from penstock.steps.relations.lookup import Lookup
from penstock.table import TableSchema, Target

if TYPE_CHECKING:
    import pandas as pd

# Rows in any shape that a caller may have them in.
Raw: TypeAlias = "pa.Table | pd.DataFrame | Mapping[str, Sequence[object]] | Sequence[Mapping[str, object]]"


@dataclass(frozen=True, eq=False)
class Bundle:
    """A model that answers raw rows.

    Attributes
    ----------
    name, version, digest : str
        Which model, which of its versions, and its content digest; the last two are empty before it is sealed.
    schema : TableSchema
        The columns, and the target among them.
    plan : Plan
        The steps. Those before the cut run here; those from the cut on are inside the estimator.
    lookups : mapping of str to Lookup
        The tables that it carries.
    carried : mapping of str to Carried
        What is signed of them: their version, and of when they are.
    fitted : Fitted
        The fitted scikit-learn pipeline that takes the frame at the cut; see `estimator`.
    profile : Profile
        What the training rows held.
    promises : Promises
        The old names of fields that it still reads, and what it expects of files of rows.
    manifest : Manifest, optional
        What was signed; None before it is sealed.
    metrics, verdict, card
        What the candidate was judged by, and its model card.
    notes : tuple of str
        What a careful reader should know, such as libraries that differ.
    folder : pathlib.Path, optional
        Where it was opened.
    series : SeriesRule, optional
        Of a forecast, how rows are series.
    history : pyarrow.Table, optional
        Of a forecast, the last raw rows of every series.
    aim : Aim
        What good means for it, and how its answers are made of estimates.
    kernel : Kernel, optional
        The compiled form of the pipeline, which then answers in its place.
    looking : Looking, optional
        Of a forecast, how it looks back.
    """

    name: str
    schema: TableSchema
    plan: Plan
    lookups: Mapping[str, Lookup]
    fitted: Fitted
    profile: Profile
    carried: Mapping[str, Carried] = field(default_factory=dict)
    version: str = ""
    digest: str = ""
    manifest: Manifest | None = None
    metrics: Mapping[str, Any] = field(default_factory=dict)  # JSON of the evaluate stage
    verdict: Verdict | None = None
    card: str = ""
    notes: tuple[str, ...] = ()
    folder: Path | None = None
    promises: Promises = field(default_factory=Promises)
    series: SeriesRule | None = None
    history: pa.Table | None = None
    aim: Aim = field(default_factory=Aim)
    kernel: Kernel | None = None
    looking: Looking | None = field(init=False, repr=False)
    _features: tuple[str, ...] = field(init=False, repr=False)
    _silent: frozenset[str] = field(init=False, repr=False)
    _observed: Observed = field(init=False, repr=False)
    _quick: Quick | None = field(init=False, repr=False)
    _seeking: Seeking = field(init=False, repr=False)
    _versions: dict[str, str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Work out once what every prediction needs."""
        looking = None
        if self.series is not None and self.history is not None:
            looking = Looking(self.series, self.schema, self.history)
        _set(self, "looking", looking)
        # What is worked out of the past is nobody's to send, and warns of nothing.
        features = tuple(c for c in self.schema.features if c.table != HISTORY or looking is None)
        _set(self, "_features", tuple(c.name for c in features))
        # Identifiers, the target and what was left out may come along: they are ignored.
        _set(self, "_silent", frozenset((*self.schema.names, self.target.name)))
        _set(self, "_observed", Observed(features, self.profile, tidied(self.plan, self._features)))
        _set(self, "_seeking", Seeking(self.lookups, self.carried))
        _set(self, "_versions", {name: record.version for name, record in self.carried.items()})
        # Rows that have to be looked back for go the long way.
        alone = self.kernel is not None and looking is None
        _set(self, "_quick", Quick.of(self, features, self._observed) if alone else None)

    @property
    def estimator(self) -> Any:  # any fitted estimator
        """The fitted scikit-learn pipeline; where a kernel answers, its signed file is opened when this is asked."""
        return self.fitted.get()

    @property
    def target(self) -> Target:
        """What is predicted.

        Raises
        ------
        DataError
            The schema names no target.
        """
        if self.schema.target is None:
            raise DataError("The schema of a model names no target")
        return self.schema.target

    @classmethod
    def assemble(
        cls,
        name: str,
        schema: TableSchema,
        plan: Plan,
        lookups: Mapping[str, Lookup],
        estimator: object,
        profile: Profile,
        carried: Mapping[str, Carried] | None = None,
        *,
        series: SeriesRule | None = None,
        history: pa.Table | None = None,
        aim: Aim | None = None,
    ) -> Self:
        """Return a bundle that is not sealed: it predicts as it will when it is."""
        parts = name, schema, plan, dict(lookups), Fitted.at_hand(estimator), profile, dict(carried or {})
        return cls(*parts, series=series, history=history, aim=aim or Aim())

    @classmethod
    def load(
        cls, where: str | Path, *, name: str | None = None, twin: bool = False, trusted: Trust | None = None
    ) -> Self:
        """Open a sealed bundle: verify every byte, then deserialise those very bytes, then ask the probes again.

        Parameters
        ----------
        where : str or pathlib.Path
            A version's directory, or a model's, whose pointer is then followed.
        name : str, optional
            The model that it must be; by default the one whose directory it lies in.
        twin : bool
            Open the twin, fitted on training rows only, instead of the served model.
        trusted : Trust, optional
            The keys whose signature counts; by default those of this user and of PENSTOCK_TRUSTED_KEYS.

        Raises
        ------
        NotFound
            There is no such bundle.
        NotSigned
            It bears no signature, or none by a trusted key.
        Tampered
            Any byte, file or name is other than it was signed.
        BundleError
            Its proof fails: it does not open here, or does not answer as it did when it was sealed.
        StoreError
            The disk would not give a file: worth another try.
        """
        where = Path(where)
        trust = trusted or Trust.standard()
        if (where / "CURRENT.json").is_file():
            home = ModelHome.at(where, name)
            pointer = home.read_pointer(trust)
            found = cls._open(home.version_folder(pointer.version), home.name, twin, trust)
            if found.digest != pointer.digest:
                raise Tampered("The bundle is not the one that the pointer names", where=str(found.folder))
            return found.renewed(pointer.as_of)
        if (where / "versions").is_dir():
            raise NotFound("Nothing has been published here", where=str(where), expected="a pointer, CURRENT.json")
        return cls._open(where, name, twin, trust)

    @classmethod
    def _open(cls, folder: Path, name: str | None, twin: bool, trust: Trust) -> Self:
        contents, probe = opened(folder, name, twin, trust)
        found = cls(**contents)
        answers = answers_to(found.predict, rows_of(probe), str(folder))
        if not twin:
            # The stored answers are the served model's.
            check_answers(probe, answers, str(folder))
        return found

    @property
    def interval_level(self) -> float | None:
        """Which share of true values `low` and `high` hold; None where answers have no such ends."""
        ends = self.aim.offsets if self.series is None else self.series.widths
        return None if ends is None else ends.level

    @property
    def lookup_versions(self) -> dict[str, str]:
        """The version of each look-up that it carries, by table."""
        return self._versions

    @property
    def keys(self) -> dict[str, str]:
        """The columns of a row by which something is looked up, and the tables that it is looked up in."""
        return self._seeking.keys

    def renewed(self, as_of: Mapping[str, str]) -> Self:
        """Return the same model, with its look-ups as late as they were seen to be unchanged."""
        carried = renewed_by(self.carried, as_of)
        return self if carried == self.carried else replace(self, carried=carried)

    def report(self) -> bytes | None:
        """Return the run's report, one HTML page, hashed against the manifest; None where it has none.

        Raises
        ------
        Tampered
            It is not the one that was signed.
        """
        if self.manifest is None or self.folder is None or REPORT not in self.manifest.files:
            return None
        return as_signed(self.folder / REPORT, self.manifest.files[REPORT], "report")

    def at_cut(self, raw: Raw) -> pd.DataFrame:
        """Return rows as the estimator takes them: cast, looked up, and through the steps before the cut."""
        columns, _ = self._columns(self.promises.renamed(as_columns(raw))[0], time())
        return self.plan.apply_cells(self.schema.cast(columns, self._features).frame)

    def predict(self, raw: Raw, history: Raw | None = None, *, now: float | None = None) -> Predictions:
        """Predict raw rows.

        Parameters
        ----------
        raw : pyarrow.Table, pandas.DataFrame, mapping of str to sequence, or sequence of mappings
            Rows as a source or a caller has them, n_rows of them. Identifiers and the target may come along; columns
            that the model carries itself need not.
        history : the same, optional
            More recent actual rows, for a model that looks back: they are laid over those that it carries. In a
            forecast the last actual value that is sent of a series is the one that its rows are forecast from.
        now : float, optional
            Seconds since 1970, by which look-ups are told to be too old; by default the clock's.

        Returns
        -------
        Predictions
            One answer a row, in order. A row with a cell that cannot be read, or that lies outside a declared domain,
            has none; what else is odd is a warning.

        Raises
        ------
        RequestError
            Two columns have one name, or the columns differ in length; a row of a forecast lies where nothing can be
            said of it (see `Looking.back`); or history is sent to a model that looks at none.
        """
        quick = self._quick if history is None else None
        if quick is not None and (answer := quick.of_rows(raw)) is not None:
            return answer
        given, renamed = self.promises.renamed(as_columns(raw))
        columns, sought = self._columns(given, time() if now is None else now)
        if self.looking is not None:
            return self._forecast(self.looking, given, columns, (*renamed, *sought), history)
        if quick is not None and (answer := quick.of_columns(columns, given, renamed, sought)) is not None:
            return answer
        fitted = self._answering if history is None else self._knowing(history)
        cast = self.schema.cast(columns, self._features)
        misfits = (*cast.misfits, *self._observed.outside(cast.frame))
        estimates = estimates_of(self.target, fitted, self.plan.apply_cells(cast.frame))
        offsets = self.aim.offsets
        low, high = offsets.around(estimates) if offsets is not None else (None, None)
        return Predictions(
            target=self.target,
            estimates=estimates,
            notes=(*renamed, *notes_on(given.columns, self._silent, self._observed, cast.frame, misfits), *sought),
            misfits=misfits,
            model=self.name,
            version=self.version,
            lookups=self._versions,
            low=low,
            high=high,
            decision=self.aim.decision,
        )

    def predict_row(self, row: Mapping[str, object]) -> Predictions:
        """Predict one raw row as `predict([row])` does, in the quickest way that there is."""
        answer = self._quick.answer(row) if self._quick is not None else None
        return answer if answer is not None else self.predict([row])

    def _forecast(
        self,
        looking: Looking,
        given: Given,
        columns: Mapping[str, Any],
        notes: tuple[Note, ...],
        history: Raw | None,
    ) -> Predictions:
        cast = self.schema.cast(columns, looking.read)
        sent = None if history is None else self.promises.renamed(as_columns(history))[0]
        looked = looking.back(cast.frame, columns, sent)
        unread = {(m.column, m.row) for m in cast.misfits}
        misfits = [*cast.misfits, *self._observed.outside(looked.frame)]
        misfits += [m for m in looked.misfits if (m.column, m.row) not in unread]
        estimates = estimates_of(self.target, self._answering, self.plan.apply_cells(looked.frame))
        told = notes_on(given.columns, self._silent, self._observed, looked.frame, misfits)
        widths = looking.rule.widths
        low, high = widths.around(estimates, looked.steps, looked.scale) if widths is not None else (None, None)
        return Predictions(
            target=self.target,
            estimates=estimates,
            notes=(*notes, *told, *looked.notes),
            misfits=tuple(misfits),
            model=self.name,
            version=self.version,
            lookups=self._versions,
            low=low,
            high=high,
        )

    def example(self) -> dict[str, Value]:
        """Return a row to try the model with, nobody's record; of a forecast the step after the last actual value."""
        row = schema_example(self.schema, self.profile, self.keys)
        return row if self.looking is None else {**row, **self.looking.next_row()}

    def check(self, raw: pa.Table) -> Outcome:
        """Hold a table of rows to be predicted to what its model's spec expects of such a table.

        Raises
        ------
        SpecError
            An expectation cannot be asked of these columns.
        """
        given, _ = self.promises.renamed(as_columns(raw))
        return self.promises.check(given, self.schema)

    @property
    def fields(self) -> tuple[str, ...]:
        """The names under which it knows what a caller sends: its columns', and those that they had before."""
        return (*self.schema.names, *self.promises.old_names)

    def _columns(self, given: Given, now: float) -> tuple[dict[str, Any], list[Note]]:
        sent = {name: values for name, values in given.columns.items() if name in self._silent}
        columns, notes = self._seeking.extend(sent, given.n_rows, now)
        if not columns:
            # Rows without a single known field are rows all the same.
            columns[self._features[0]] = [None] * given.n_rows
        return columns, notes

    def _knowing(self, history: Raw) -> Any:
        """Return what answers, with steps that know the rows that were sent of the past."""
        if not self.plan.uses_history:
            raise RequestError("This model looks at no history", where=HISTORY, todo="Send the rows alone.")
        # What is looked up for the past warns of nothing: nobody asks for it to be predicted.
        columns, _ = self._columns(self.promises.renamed(as_columns(history))[0], 0.0)
        cast = self.schema.cast(columns, self._features)
        refuse_misfits(cast.misfits)
        return with_history(self._answering, self.plan.apply_cells(cast.frame))

    @property
    def _answering(self) -> Any:  # a kernel, or any fitted estimator
        return self.kernel if self.kernel is not None else self.estimator


def _set(bundle: Bundle, name: str, value: object) -> None:
    object.__setattr__(bundle, name, value)
