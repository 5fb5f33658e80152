"""Which picture stands where."""

from __future__ import annotations

from penstock.report.arranged import cleaning_arranged, evaluation_arranged
from penstock.report.facts import Picture
from penstock.report.html import dossier_html
from penstock.steps.audit import StepAudit


def picture(name):
    """Return a picture of that name."""
    return Picture(name=name, title=name, caption="", png=b"\x89PNG" + bytes(20))


def step(kind):
    """Return the account of a step."""
    return StepAudit(step=kind, nature="learned", rows_in=9, rows_out=9)


def test_pictures_of_the_model_stand_in_their_sections_and_unknown_ones_are_shown():
    """What a later release draws is not lost."""
    names = ("leaderboard", "intervals", "roc", "learning-curve", "effects", "slices", "challenge", "never heard of")
    found = evaluation_arranged([picture(name) for name in names])
    told = {place: [p.name for p in pictures] for place, pictures in found._asdict().items()}
    assert told == {
        "leaderboard": ["leaderboard", "learning-curve"],
        "predictions": ["roc", "never heard of"],
        "reasons": ["effects"],
        "slices": ["slices"],
        "champion": ["challenge"],
    }


def test_before_and_after_stands_beside_its_step():
    """By number, by kind, or both; where it cannot be told which step is meant, below the table."""
    typing = step("typing").model_copy(update={"nature": "typing"})
    steps = [typing, step("fill"), step("rare"), step("fill"), step("fill_by_group")]
    names = ("step-3", "step-1-fill", "step-rare", "step-fill-by-group", "step-fill", "step-9", "before-after", "boxes")
    beside, others = cleaning_arranged([picture(name) for name in names], steps)
    assert [[p.name for p in some] for some in beside.steps] == [
        [],
        ["step-1-fill"],
        ["step-rare"],
        ["step-3"],
        ["step-fill-by-group"],
    ]
    assert [p.name for p in beside.whole] == ["step-fill", "step-9", "before-after"]
    assert [p.name for p in others] == ["boxes"]


def test_every_picture_is_on_the_page_once(facts):
    """But for the intervals, which the table of scores draws itself."""
    names = ("step-1", "before-after", "boxes", "odd")
    evaluation = ("leaderboard", "intervals", "roc", "importance", "slices", "challenge", "odd-2")
    told = {"figures": tuple(map(picture, names)), "evaluation": tuple(map(picture, evaluation))}
    text = dossier_html(facts.model_copy(update=told)).decode()
    for name in {*names, *evaluation} - {"intervals"}:
        assert text.count(f'id="figure-{name}"') == 1, name
    assert "figure-intervals" not in text


def test_names_that_a_figure_shortens_are_told_in_full(facts):
    """On hover, and below the figure for those who cannot hover."""
    long = picture("boxes").model_copy(update={"names": {"mean co…": "mean concavity of the <b>nucleus</b>"}})
    text = dossier_html(facts.model_copy(update={"figures": (long,)})).decode()
    assert 'title="mean co… = mean concavity of the &lt;b&gt;nucleus&lt;/b&gt;"' in text
    assert "<dt>mean co…</dt><dd>mean concavity of the &lt;b&gt;nucleus&lt;/b&gt;</dd>" in text
