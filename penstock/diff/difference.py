"""What a comparison comes to, as one frozen record: changes by what they are of."""

from __future__ import annotations

from penstock.frozen import Frozen

MOST_CHANGES = 200


class Change(Frozen):
    """One thing that is other than it was; empty `before` means new, empty `after` gone."""

    what: str
    before: str = ""
    after: str = ""
    note: str = ""


class Part(Frozen):
    """The changes of one kind; `more` counts those beyond the first two hundred."""

    name: str
    title: str
    changes: tuple[Change, ...] = ()
    more: int = 0

    @classmethod
    def of(cls, name: str, title: str, changes: list[Change]) -> Part:
        """Return a part with as many changes as are told."""
        return cls(
            name=name, title=title, changes=tuple(changes[:MOST_CHANGES]), more=max(0, len(changes) - MOST_CHANGES)
        )


class Difference(Frozen):
    """All that changed from one run or version to another."""

    one: str
    other: str
    one_made_at: str
    other_made_at: str
    parts: tuple[Part, ...]

    @property
    def changed(self) -> tuple[Part, ...]:
        """The parts in which something changed."""
        return tuple(part for part in self.parts if part.changes)

    @property
    def same(self) -> tuple[Part, ...]:
        """The parts in which nothing did."""
        return tuple(part for part in self.parts if not part.changes)

    def lead(self) -> str:
        """Say in a sentence what changed."""
        if not self.changed:
            return f"Nothing changed between {self.one} and {self.other}."
        names = ", ".join(part.title.lower() for part in self.changed)
        rest = f" The same are: {', '.join(part.title.lower() for part in self.same)}." if self.same else ""
        return f"Changed from {self.one} to {self.other}: {names}.{rest}"
