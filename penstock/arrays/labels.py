"""Labels: which spellings mean one class, and which of two classes is the positive one."""

from __future__ import annotations

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
