"""The dossier as markdown for a page of artifacts."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from PIL import Image

from penstock.report.facts import Picture
from penstock.report.markdown import LIMIT, MOST_PICTURES, PICTURE_LIMIT, dossier_markdown, escaped, table

GFM = MarkdownIt("gfm-like", {"linkify": False}).enable("table")


def images(text: str) -> list[str]:
    """Return the titles of the pictures in a text."""
    return re.findall(r"!\[([^\n]*)\]\(data:image/png;base64,[A-Za-z0-9+/=]+\)", text)


def test_markdown_stays_below_its_limit_with_the_heaviest_figures(facts):
    """What does not fit is counted, and is in the report."""
    heavy = facts.model_copy(update={"figures": facts.figures * 16, "evaluation": facts.figures * 12})
    text = dossier_markdown(heavy)
    assert len(text.encode()) <= LIMIT
    kept = len(images(text))
    assert 5 <= kept < 28
    assert f"{28 - kept} further figures are in the HTML report." in text


def test_the_most_telling_pictures_are_chosen_and_stand_in_their_order(facts, pictures):
    """Where there is no room for all, how good the model is comes before how a column is distributed."""
    light = pictures[0]

    def named(name: str) -> Picture:
        return light.model_copy(update={"name": name, "title": name})

    figures = tuple(named(f"column{i}") for i in range(40))
    evaluation = (named("roc"), named("residuals"), named("leaderboard"))
    text = dossier_markdown(facts.model_copy(update={"figures": (*figures, named("target")), "evaluation": evaluation}))
    shown = images(text)
    assert shown[:3] == ["roc", "residuals", "leaderboard"]
    assert shown[-1] == "target"
    assert len(shown) == MOST_PICTURES


def test_a_picture_that_is_too_large_is_made_smaller(facts):
    """No picture on the page is larger than 100 kB, whoever drew it."""
    noise = np.random.default_rng(0).integers(0, 255, (500, 500, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(noise).save(out, "PNG")
    assert len(out.getvalue()) > 5 * PICTURE_LIMIT
    large = facts.figures[0].model_copy(update={"png": out.getvalue()})
    text = dossier_markdown(facts.model_copy(update={"figures": (large,)}))
    sizes = [len(base64.b64decode(data)) for data in re.findall(r"base64,([A-Za-z0-9+/=]+)", text)]
    assert len(sizes) == 2
    assert max(sizes) <= PICTURE_LIMIT


def test_links_lead_where_they_say(facts):
    """An address with brackets or blanks in it ends where it ends."""
    url = "http://127.0.0.1:8000/models/a b(1)/x"
    tokens = [
        t for token in GFM.parse(dossier_markdown(facts, [("The *page*", url, "told")])) for t in token.children or []
    ]
    assert [t.attrs["href"] for t in tokens if t.type == "link_open"] == ["http://127.0.0.1:8000/models/a%20b%281%29/x"]


def test_pictures_are_in_the_text(facts):
    """Each with its title and sentence."""
    text = dossier_markdown(facts)
    assert len(re.findall(r"!\[[^\n]*\]\(data:image/png;base64,[A-Za-z0-9+/=]+\)", text)) == 2


def test_tables_are_tables(facts):
    """A parser of GitHub's markdown finds them whole: every row has as many cells as its head."""
    text = dossier_markdown(facts)
    assert sum(t.type == "table_open" for t in GFM.parse(text)) == 7
    for block in text.split("\n\n"):
        if block.startswith("| "):
            bars = [len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()]
            assert len(set(bars)) == 1


def test_nothing_from_the_data_becomes_markup_or_a_link(facts):
    """Hostile names and values are text; only pictures of our own are shown."""
    text = dossier_markdown(facts)
    tokens = [t for token in GFM.parse(text) for t in [token, *(token.children or [])]]
    assert not [t for t in tokens if t.type in ("html_block", "html_inline", "link_open")]
    sources = [str(t.attrs["src"]) for t in tokens if t.type == "image"]
    assert sources
    assert all(source.startswith("data:image/png;base64,") for source in sources)


@given(st.text(max_size=80))
def test_any_escaped_text_is_shown_as_it_is(text):
    """A parser gives back the words, and nothing but words."""
    line = "x " + escaped(text) + " x"
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(line)
    assert [t.type for t in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    children = tokens[1].children or []
    assert {t.type for t in children} <= {"text", "text_special"}
    assert "".join(t.content for t in children) == " ".join(f"x {' '.join(text.split())} x".split(" ")) or "\0" in text


def test_a_cell_cannot_end_its_table():
    """Pipes and line ends stay inside."""
    assert table(["a"], [["x | y\nz"]]).splitlines()[2] == r"| x \| y z |"


def test_commands_are_in_fences_that_hold(facts):
    """Backticks in a value cannot close the block."""
    example = {"x": "``` \n````"}
    tokens = GFM.parse(dossier_markdown(facts.model_copy(update={"example": example})))
    fences = [t for t in tokens if t.type == "fence"]
    assert any("curl" in t.content and "````" in t.content for t in fences)
