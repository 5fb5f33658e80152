"""The dossier as markdown for a page of artifacts."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from penstock.report.markdown import LIMIT, dossier_markdown, escaped, table

GFM = MarkdownIt("gfm-like", {"linkify": False}).enable("table")


def test_markdown_stays_below_a_megabyte_with_the_heaviest_figures(facts):
    """Pictures are made smaller until they fit, and the last resort is said."""
    heavy = facts.model_copy(update={"figures": facts.figures * 16, "evaluation": facts.figures * 12})
    text = dossier_markdown(heavy)
    assert len(text.encode()) < LIMIT + 20_000
    assert text.count("data:image/png;base64,") >= 10


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
