"""The page of a profile: all of it in one file, whatever the table holds."""

from __future__ import annotations

import base64
import hashlib
import html.parser
import re

import numpy as np
import pandas as pd
import pytest

from penstock.profiling import profile

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>"
RNG = np.random.default_rng(0)
TABLES = {
    "constant": pd.DataFrame({"a": [1] * 10, "b": ["x"] * 10}),
    "all missing": pd.DataFrame({"a": [None] * 10, "b": [np.nan] * 10}),
    "infinite": pd.DataFrame({"a": [np.inf, -np.inf] * 5, "b": [1.0, np.inf, 2.0, 3.0, 4.0] * 2}),
    "one row": pd.DataFrame({"a": [1], "b": ["x"], "d": [pd.Timestamp("2020-01-01")]}),
    "no row": pd.DataFrame({"a": [], "b": []}),
    "1,000 levels": pd.DataFrame({"a": [f"c{i % 1000}" for i in range(2000)], "b": RNG.normal(size=2000)}),
    "one name twice": pd.DataFrame([[1, "x"], [3, "y"]], columns=["a", "a"]),
    "no Latin": pd.DataFrame({"名前": ["山田", "佐藤"] * 20, "عربي": ["سلام", "نعم"] * 20}),
    "emoji": pd.DataFrame({"😀": ["🎉", "👍🏽"] * 20, "n": range(40)}),
    "HTML": pd.DataFrame({EVIL: [EVIL, "</title></script></style>"] * 20, "\"'>": range(40)}),
    "very long": pd.DataFrame({"t": ["x" * 100_000 + str(i) for i in range(20)], "long " * 200: range(20)}),
    "before 1900": pd.DataFrame({"d": ["1789-07-14", "1815-06-18", "0301-01-01", "1900-01-01"] * 10}),
    "huge": pd.DataFrame({"a": [1e308, -1e308, 1e-308] * 20, "b": [1e200, 2e200, 3e200] * 20, "y": [1, 2, 3] * 20}),
    "nested": pd.DataFrame({"a": [[1, 2], [3]] * 10, "b": [{"x": 1}, {"x": 2}] * 10}),
    "times": pd.DataFrame({"t": ["12:30", "23:59", "00:00"] * 20, "v": RNG.normal(size=60)}),
    "mixed": pd.DataFrame({"a": [1, "x", None, 2.5] * 20}),
    "truth": pd.DataFrame({"a": [True, False] * 30, "b": [True, None] * 30}),
}


class Page(html.parser.HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """Note a tag and its attributes."""
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data):
        """Note a text."""
        self.text += data


@pytest.mark.parametrize("name", TABLES)
def test_every_table_has_a_page_with_sentences_in_place_of_broken_charts(name):
    """No warning (they are errors here), no number that is none, and every section there."""
    table = TABLES[name]
    for target in (None, *([] if table.columns.duplicated().any() else table.columns[:3])):
        seen = profile(table, name=name, target=target)
        page = Page(seen.html())
        # Infinite cells are shown as they came.
        assert not re.search(r"\b(nan|None|NaN)\b" if name == "infinite" else r"\b(nan|inf|None|NaN)\b", page.text)
        places = {value for tag, key, value in page.attributes if tag == "section" and key == "id"}
        assert {"alerts", "columns", "relations", "missing", "duplicates", "rows", "each"} <= places
        assert page.tags.count("article") == len(table.columns)
        assert seen.to_json().startswith("{")


def test_a_script_in_a_cell_or_a_name_is_text():
    """What is on the page of tags and handlers is ours."""
    page = Page(profile(TABLES["HTML"], name=EVIL, target=EVIL).html())
    assert EVIL in page.text
    assert page.tags.count("script") == 1
    assert "img" not in page.tags
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]


def test_the_page_asks_nothing_of_any_network_and_allows_its_own_script_alone(seen):
    """The policy names the digests of the very style and script that stand there."""
    text = seen.html()
    page = Page(text)
    addresses = [v for _, name, v in page.attributes if name in ("src", "href", "action", "srcset")]
    assert all(address.startswith("#") for address in addresses)
    assert "url(" not in text
    assert "@import" not in text
    policy = next(v for tag, name, v in page.attributes if tag == "meta" and v.startswith("default-src 'none'"))
    for tag in ("style", "script"):
        (body,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert not [name for _, name, _ in page.attributes if name == "style"]


def test_every_chart_says_in_words_what_it_shows(seen):
    """Who cannot see a chart hears its title, and reads its caption."""
    text = seen.html()
    charts = re.findall(r'<svg class="chart[^>]*>', text)
    assert len(charts) > 20
    assert all('role="img"' in chart and re.search(r'aria-label="[^"]{20,}"', chart) for chart in charts)
    assert text.count("<figure>") == text.count("<figcaption>")
    # What is no chart of its own stands beside its numbers.
    assert all('aria-hidden="true"' in bar for bar in re.findall(r'<svg class="(?:share|spark)[^>]*>', text))


def test_links_lead_to_places_that_are_there(seen):
    """Each column of the table leads to its own part."""
    page = Page(seen.html())
    places = {value for _, name, value in page.attributes if name == "id"}
    assert {v[1:] for _, name, v in page.attributes if name == "href"} <= places


def test_the_pages_size_does_not_hang_on_the_rows():
    """A hundred times the rows make no larger page."""

    def page(n):
        rng = np.random.default_rng(0)
        frame = pd.DataFrame({f"x{i}": rng.normal(size=n) for i in range(5)})
        return len(profile(frame.assign(c=rng.choice(["a", "b"], n))).html())

    assert page(50_000) < 1.2 * page(500)


@pytest.mark.long
def test_five_hundred_columns_make_less_than_ten_megabytes():
    """A wide table is looked at whole."""
    frame = pd.DataFrame(RNG.normal(size=(200, 500)), columns=[f"col{i}" for i in range(500)])
    seen = profile(frame)
    assert len(seen.html()) < 10e6
    assert seen.facts.relations.left_out == 440
    assert "440 further columns" in seen.html()


def test_a_page_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    """Where writing fails, what was there before is still there, and nothing beside it."""
    seen = profile(pd.DataFrame({"a": [1, 2]}))
    place = tmp_path / "page.html"
    place.write_text("before")
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        seen.save(place)
    assert place.read_text() == "before"
    assert list(tmp_path.iterdir()) == [place]
