"""Who draws: the bytes are the same, whoever does."""

from __future__ import annotations

import pytest

from penstock.explore.hands import Hands
from penstock.explore.sketch import Sketch
from penstock.plots.copies import copies


def _sketches(n=3):
    return [Sketch(f"f{i}", "", "", copies, (("once", "twice"), (i, 1), (i, 2))) for i in range(n)]


def _drawn(sketches, *, helper):
    with Hands(helper=helper) as hands:
        for sketch in sketches:
            hands.give(sketch)
        return hands.drawn()


def test_a_second_process_draws_the_same_bytes(monkeypatch):
    """All that it draws is what this process would have drawn, and it does draw."""
    alone = _drawn(_sketches(), helper=False)
    with Hands(helper=True) as hands:
        for sketch in _sketches():
            hands.give(sketch)
        # This process leaves everything to the helper.
        hands._dismiss()
        monkeypatch.setattr("penstock.explore.hands.picture", None)
        assert hands.drawn() == alone


def test_a_helper_that_cannot_start_is_done_without(monkeypatch):
    """On a machine that forbids processes the figures are the same."""

    def refuse():
        raise OSError("no processes here")

    alone = _drawn(_sketches(), helper=False)
    monkeypatch.setattr("penstock.explore.hands._executor", refuse)
    assert _drawn(_sketches(), helper=True) == alone


class _Dies:
    """An executor whose process is killed at its first figure."""

    def submit(self, function, *given):
        from concurrent.futures import Future
        from concurrent.futures.process import BrokenProcessPool

        future = Future()
        future.set_exception(BrokenProcessPool("killed"))
        return future

    def shutdown(self, *, wait, kill_workers):
        """Nothing is left to end."""


def test_what_a_killed_helper_was_to_draw_is_drawn_here(monkeypatch):
    """No figure is lost with it."""
    alone = _drawn(_sketches(), helper=False)
    monkeypatch.setattr("penstock.explore.hands._executor", _Dies)
    assert _drawn(_sketches(), helper=True) == alone


def test_a_figure_that_fails_says_so():
    """No picture is passed over in silence."""
    with pytest.raises(TypeError):
        _drawn([Sketch("bad", "", "", copies, ())], helper=False)
