"""The stage: figures thought out one after the other, drawn beside that, and put into the store."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from penstock.explore.absence import duplicates, missing
from penstock.explore.course import along_time
from penstock.explore.hands import Hands
from penstock.explore.kinds import boxes, categories, dates, histograms, target
from penstock.explore.rates import rates
from penstock.explore.relations import relations
from penstock.explore.sample import Sample, take_sample
from penstock.explore.sketch import Sketch
from penstock.explore.steps import before_after
from penstock.receipts import Explored, Figure, Wrangled
from penstock.steps.audit import Audit
from penstock.store import Store

# Of fewer cells the figures are drawn before a second process has started.
WORTH_A_HELPER = 200_000


def explore(wrangled: Wrangled, seed: int, store: Store, *, helper: bool | None = None) -> Explored:
    """Draw the training rows and put the pictures into the store.

    Parameters
    ----------
    wrangled : Wrangled
        The wrangle stage's receipt.
    seed : int
        Chooses the rows that are drawn as points where there are more than 5,000.
    store : Store
        Where the tables are and the pictures go.
    helper : bool, optional
        Whether a second process draws too; by default where the table is large enough.

    Returns
    -------
    Explored
        PNGs of at most 100 kB, the same bytes for the same receipt and seed.
    """
    if helper is None:
        helper = wrangled.clean.n_rows * len(wrangled.clean.columns) >= WORTH_A_HELPER
    made: list[Sketch] = []
    with Hands(helper) as hands:
        sample = take_sample(wrangled, seed, store)
        audit = Audit.model_validate_json(store.read_bytes(wrangled.audit))
        for sketch in sketches(sample, audit) if sample.n_train else ():
            made.append(sketch)
            hands.give(sketch)
        pictures = hands.drawn()
    figures = tuple(
        Figure(
            name=sketch.name,
            title=sketch.title,
            caption=sketch.caption,
            file=store.put_bytes(png, "png", "image/png"),
            names=sketch.names,
        )
        for sketch, png in zip(made, pictures, strict=True)
    )
    return Explored(figures=figures, n_rows=len(sample.drawn))


def sketches(sample: Sample, audit: Audit) -> Iterator[Sketch]:
    """Give the figures of some training rows, before they are drawn.

    Parameters
    ----------
    sample : Sample
        The rows.
    audit : Audit
        What the wrangle stage did to them.
    """
    makers: tuple[Callable[[Sample], Iterator[Sketch]], ...] = (
        target,
        histograms,
        categories,
        boxes,
        dates,
        rates,
        relations,
        along_time,
        missing,
    )
    for make in makers:
        yield from make(sample)
    yield from duplicates(sample, audit)
    yield from before_after(sample, audit)
