"""Labels: which spellings mean one class, and which of two classes is the positive one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from penstock.errors import SpecError
from penstock.table import closest
from penstock.target import fold

_POSITIVE = frozenset(
    {"yes", "y", "true", "t", "positive", "pos", "malignant", "bad", "default", "defaulted", "churned", "churn"}
    | {"fraud", "fraudulent", "spam", "failed", "failure", "fail", "sick", "disease", "diseased", "dead", "died"}
    | {"deceased", "abnormal", "attack", "infected", "case", "event", "cancelled", "canceled", "left"}
)


def merged_spellings(counts: dict[str, int]) -> dict[str, str]:
    """Return each spelling that is not the most frequent of its kind, with the one that is."""
    groups: dict[str, list[str]] = {}
    for text in counts:
        groups.setdefault(fold(text), []).append(text)
    # Where case is all that tells two labels apart, it is meant.
    if len(groups) < 2:
        return {}
    best = {f: max(same, key=lambda t: (counts[t], t)) for f, same in groups.items()}
    return {t: best[f] for f, same in groups.items() for t in same if t != best[f]}


def positive_label(kept: dict[str, int], variants: dict[str, str], decided: str | None) -> tuple[str, str]:
    """Return the positive one of two labels, and the words that say why.

    Raises
    ------
    SpecError
        The spec's `positive` is none of the labels.
    """
    labels = sorted(kept)
    if decided is not None:
        by_fold = {fold(label): label for label in labels} if len({fold(x) for x in labels}) == 2 else {}
        asked = str(decided).strip()
        found = asked if asked in kept else variants.get(asked, by_fold.get(fold(asked)))
        if found is None:
            raise SpecError(
                f"The positive label {asked!r} is none of the labels", where="positive", expected=closest(asked, labels)
            )
        return found, f"positive label {found!r} as decided"
    known = [label for label in labels if fold(label) in _POSITIVE]
    if len(known) == 1:
        return known[0], f"positive label {known[0]!r} by its word; `positive` overrides it"
    if "1" in labels and (set(labels) - {"1"}) <= {"0", "-1"}:
        return "1", "positive label '1'; `positive` overrides it"
    rarer = min(labels, key=lambda label: (kept[label], label))
    return rarer, f"positive label {rarer!r}, the rarer one; `positive` overrides it"


def in_rank_order(
    labels: Sequence[str], totals: Mapping[str, int], ranks: Sequence[str], target: str, *, private: bool
) -> tuple[str, ...]:
    """Return labels in the order that the spec gives, in their own spelling.

    Parameters
    ----------
    labels : sequence of str
        Those that can be learned.
    totals : mapping of str to int
        All that there are, with their rows.
    ranks : sequence of str
        The order, from the lowest to the highest.
    target : str
        The column's name.
    private : bool
        Whether nobody may be told its labels.

    Raises
    ------
    SpecError
        A label has no rank or two, or what has a rank is no label.

    Examples
    --------
    >>> in_rank_order(["High", "low"], {"High": 9, "low": 9, "mid": 1}, ["low", "mid", "high"], "y", private=False)
    ('low', 'High')
    """
    known = {fold(label): label for label in totals}
    placed = [known.get(fold(rank)) for rank in ranks]
    lost = next((rank for rank, label in zip(ranks, placed, strict=True) if label is None), None)
    where = f"columns.{target}.ordinal"
    if lost is not None or len(set(placed)) < len(placed):
        raise SpecError(
            f"`ordinal` names {lost!r}, which is no label of {target!r}" if lost else "`ordinal` names a label twice",
            where=where,
            expected="each of its labels once" if private or lost is None else closest(lost, list(totals)),
        )
    without = [label for label in labels if label not in placed]
    if without:
        raise SpecError(
            f"`ordinal` gives {len(without)} of the labels of {target!r} no rank",
            where=where,
            expected="each of its labels once" if private else ", ".join(map(repr, without[:8])) + " among the others",
        )
    return tuple(label for label in placed if label is not None and label in labels)
