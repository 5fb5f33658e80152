"""The door of the evaluate stage: a candidate and raw held-out rows in, scores and a verdict out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefect import task

from penstock.errors import BundleError, NotFound
from penstock.frozen import Frozen
from penstock.receipts import Evaluated, Trained, Verdict, Wrangled
from penstock.slices import Gate, Typing
from penstock.store import Store
from tasks.caching import StageKey, entered
from tasks.records import RECEIPT


class Opponent(Frozen):
    """Whom a candidate is judged against: a version (its name ends in its digest), or none; and what was taken back.

    `aliases` are the names that the candidate's fields had before, `accepted` is why callers may be asked to change.
    """

    model: str
    version: str | None = None
    withdrawn: tuple[str, ...] = ()
    aliases: dict[str, tuple[str, ...]] = {}
    accepted: str = ""


def opponent_of(
    artifacts: str, model: str, digest: str, aliases: Mapping[str, tuple[str, ...]] | None = None, accepted: str = ""
) -> tuple[Opponent, str]:
    """Return a candidate's opponent, and the content digest of what is live (empty where nothing is).

    The opponent of a candidate that is live already is the one that it beat when it went live: judged against itself it
    would be judged anew after each publish, and a run in which nothing changed would not be free. What callers were
    asked to accept when it went live is accepted still.

    Raises
    ------
    BundleError
        There is a pointer, and it cannot be trusted.
    """
    from penstock.bundle.candidate import accepted_for
    from penstock.bundle.layout import ModelHome

    home = ModelHome(artifacts, model)
    try:
        pointer = home.read_pointer()
    except NotFound:
        return Opponent(model=model), ""
    withdrawn = tuple(gone for gone in pointer.withdrawn if gone == digest)
    version: str | None = pointer.version
    if pointer.digest == digest:
        verdict = _verdict_of(artifacts, model, pointer.version)
        # What is live may be damaged; its name is still what the candidate is up against, and publishing heals it.
        version = verdict.champion if verdict is not None else pointer.version
        accepted = accepted or (accepted_for(verdict) if verdict is not None else "")
    known = {} if version is None else {"aliases": dict(aliases or {}), "accepted": accepted}
    return Opponent.model_validate(
        {"model": model, "version": version, "withdrawn": withdrawn, **known}
    ), pointer.digest


def _verdict_of(artifacts: str, model: str, version: str) -> Verdict | None:
    from penstock.bundle.keys import Trust
    from penstock.bundle.layout import ModelHome
    from penstock.bundle.manifest import VERDICT
    from penstock.bundle.sealed import open_sealed

    folder = ModelHome(artifacts, model).version_folder(version)
    try:
        sealed = open_sealed(folder, Trust.standard(), name=model, keep=lambda path: path == VERDICT)
        return Verdict.model_validate_json(sealed.files[VERDICT])
    except (BundleError, KeyError, ValueError):
        return None


def _validated(inputs: Mapping[str, Any]) -> list[object]:
    """Return the winner's scores over the folds: they are told beside the others, and no part of what was fitted."""
    trained: Trained = inputs["trained"]
    return [[row.metric, row.mean, row.sd] for row in trained.leaderboard if row.chosen]


@task(
    name="evaluate",
    description="Scores of the twin on raw held-out rows, with intervals, and the verdict.",
    cache_policy=StageKey(
        stage="evaluate",
        code=(__name__,),
        libraries=("scikit-learn", "lightgbm", "xgboost-cpu", "numpy", "scipy", "pandas", "pyarrow", "joblib"),
        beside=_validated,
    ),
    result_serializer=RECEIPT,
)
def evaluate(
    wrangled: Wrangled, trained: Trained, opponent: Opponent, gate: Gate, typing: Typing, seed: int, artifacts: str
) -> Evaluated:
    """Judge a candidate.

    Parameters
    ----------
    wrangled : Wrangled
        Raw rows and their sides.
    trained : Trained
        The candidate.
    opponent : Opponent
        Whom it is judged against.
    gate : Gate
        What the spec allows.
    typing : Typing
        What is predicted, and what is known only after the fact.
    seed : int
        The stage's seed.
    artifacts : str
        The artifacts directory.
    """
    from penstock.bundle.layout import ModelHome
    from penstock.evaluate import evaluate as body

    entered("evaluate")
    home = ModelHome(artifacts, opponent.model)
    folder = home.version_folder(opponent.version) if opponent.version else None
    # A version that was beaten long ago may have been removed since: then nobody is there to be judged against.
    champion = folder if folder is not None and folder.is_dir() else None
    return body(
        wrangled,
        trained,
        champion,
        gate,
        typing,
        seed,
        Store(artifacts),
        withdrawn=opponent.withdrawn,
        aliases=opponent.aliases,
        accepted=opponent.accepted,
    )
