"""The dossier as HTML: everything in it, nothing out of it."""

from __future__ import annotations

import html.parser
import itertools
import re

import pytest

from penstock.receipts import Interval, LeaderboardRow
from penstock.report.coefficients import Coefficient, Coefficients
from penstock.report.explained import Explained, ImportanceFact
from penstock.report.facts import ColumnFact, EnvironmentFact, LineageFact
from penstock.report.gather import BYTES_A_COLUMN, ORDINARY_COLUMNS, PICTURE_BYTES
from penstock.report.html import dossier_html, span_ends
from penstock.report.script import script, script_source
from tests.unit.report.conftest import EVIL


class Page(html.parser.HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self.feed(data.decode())

    @property
    def policy(self) -> str:
        """What the page lets itself do."""
        return next(v for t, n, v in self.attributes if t == "meta" and n == "content" and "default-src" in v)

    def handle_starttag(self, tag, attrs):
        """Note a tag and its attributes."""
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data):
        """Note a text."""
        self.text += data


def test_the_page_asks_nothing_of_any_network(facts):
    """No address but of the page itself and of data in it; its own policy forbids the rest."""
    data = dossier_html(facts)
    page = Page(data)
    addresses = [
        (t, v)
        for t, n, v in page.attributes
        if n in ("src", "href", "srcset", "action", "data", "poster", "background")
    ]
    assert addresses
    assert all(value.startswith(("data:", "#")) for _, value in addresses)
    assert page.policy.startswith("default-src 'none'")
    style = data.decode().split("<style>")[1].split("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style


def test_nothing_from_the_data_becomes_markup(facts):
    """Hostile names, labels, reasons, values and spec are text; the one script is ours, and allowed by its digest."""
    data = dossier_html(facts.model_copy(update={"spec": f"name: {EVIL}", "spec_path": EVIL}))
    page = Page(data)
    assert page.tags.count("script") == 1
    assert data.decode().split("<script>")[1].split("</script>")[0] == script()
    assert f"script-src {script_source()};" in page.policy
    assert page.policy.count("script") == 1
    assert "alert(1)" in page.text
    assert "name: <script>alert(1)</script>" in page.text
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]


def test_the_page_needs_no_script(facts):
    """It reads whole where scripts are forbidden: nothing is hidden, and no button waits for what will not come."""
    page = Page(dossier_html(facts))
    assert not {"iframe", "object", "embed", "form", "input", "button", "template", "noscript"} & set(page.tags)
    assert not [1 for _, name, _ in page.attributes if name == "hidden"]


def test_everything_a_reader_looks_for_is_told(facts):
    """Verdict, version, scores, leaderboard, challenge, columns, cleaning, stages, lineage and commands are there."""
    text = " ".join(Page(dossier_html(facts)).text.split())
    for told in (
        "The gate let this model in",
        "Version 4-abcdef123456 is live",
        "It beats the baseline",
        "0.9000",
        "0.8500 to 0.9500",
        "0.9100 ± 0.010",
        "better by 0.02000 than 3-0a1b2c3d4e5f",
        "the interval leaves no doubt",
        "Worth a look: worst area",
        "Predicts",
        "459 trained on",
        "569",
        "missing",
        "1 min 15 s",
        "cached",
        "0000000000000000",
        "penstock serve",
        "curl -s http://127.0.0.1:8000/models/clinic/predict",
        "penstock rollback clinic",
        "Merged into their label: 4 cells",
        "10 columns of its 573 rows were looked up for 581 rows",
        "patient",
        "unique",
    ):
        assert told in text, told


def test_a_refused_model_is_told_with_the_way_to_publish_it(facts):
    """The reader learns the reasons and what to type."""
    verdict = facts.verdict.model_copy(update={"passed": False, "reasons": ("It is worse than the champion.",)})
    refused = facts.model_copy(
        update={"state": "refused", "version": None, "verdict": verdict, "artifacts": "/srv/my models"}
    )
    text = Page(dossier_html(refused)).text
    assert "The gate refused this model" in text
    assert "penstock publish run-7 --force REASON --artifacts '/srv/my models'" in text


def test_a_dossier_without_figures_champion_and_findings_is_whole(facts):
    """What a run does not have is left out or said."""
    bare = facts.model_copy(
        update={
            "figures": (),
            "evaluation": (),
            "challenge": None,
            "findings": (),
            "slices": (),
            "rejections": (),
            "stages": (),
            "state": "candidate",
            "version": None,
            "baseline": {},
            "cross_validation": {},
            "scores": {},
            "example": {},
        }
    )
    text = Page(dossier_html(bare)).text
    assert "No champion was live" in text
    assert "Nothing was found" in text
    assert "passed the gate" in text


def _widest(facts, n_columns):
    """Return facts at their bounds: every text as long as it gets, pictures as heavy as there is room for."""
    column = facts.columns[0].model_copy(
        update={
            "name": "c" * 200,
            "evidence": "e" * 240,
            "reads": "r" * 240,
            "values": "v" * 240,
            "doubts": ("d" * 60,) * 3,
            "proposals": ("p" * 120,) * 3,
        }
    )
    room = PICTURE_BYTES + BYTES_A_COLUMN * max(0, min(n_columns, 500) - ORDINARY_COLUMNS)
    heavy = facts.figures[0].model_copy(update={"png": bytes(100_000), "names": {f"n{i}": "m" * 90 for i in range(30)}})
    return facts.model_copy(
        update={
            "columns": (column,) * n_columns,
            "figures": (heavy,) * (room // 100_000),
            "leaderboard": facts.leaderboard * 30,
            "rejections": facts.rejections * 40,
            "slices": facts.slices * 40,
            "lineage": facts.lineage * 60,
            "example": {f"column {i}": "v" * 40 for i in range(2000)},
            "spec": "s" * 60_000,
        }
    )


def test_the_page_is_bounded(facts):
    """The largest facts that are gathered make five megabytes, and ten where there are five hundred columns."""
    assert len(dossier_html(_widest(facts, 65))) < 5_000_000
    assert len(dossier_html(_widest(facts, 600))) < 10_000_000


def test_the_same_facts_give_the_same_page(facts):
    """Nothing of the moment or the machine gets in."""
    assert dossier_html(facts) == dossier_html(facts)


def test_every_section_that_is_linked_is_there(facts):
    """The links at the top lead somewhere."""
    page = Page(dossier_html(facts))
    ids = {v for _, n, v in page.attributes if n == "id"}
    assert {v[1:] for _, n, v in page.attributes if n == "href" and v.startswith("#")} <= ids


def test_intervals_are_drawn_on_one_scale():
    """Both ends lie within the drawing, and a point is not drawn as a span."""
    score, base = Interval(value=3, low=2, high=4, n=9), Interval(value=0, low=0, high=1, n=9)
    assert span_ends(score, base) == {"low": "50.00", "high": "97.00", "base_low": "3.00", "base_high": "26.50"}
    assert span_ends(Interval(value=1, low=1, high=1, n=9), None) == {}


@pytest.mark.parametrize("scheme", ["prefers-color-scheme: dark", "@media print", "prefers-reduced-motion"])
def test_the_page_minds_the_readers_surroundings(facts, scheme):
    """It has colours for the dark, and rules for paper and for those whom motion disturbs."""
    assert scheme in dossier_html(facts).decode()


def test_pictures_have_a_text_for_those_who_do_not_see_them(facts):
    """Every image carries its title and its sentence."""
    page = Page(dossier_html(facts))
    texts = [v for t, n, v in page.attributes if t == "img" and n == "alt"]
    assert len(texts) == 2
    assert all(re.match(r"Title .*Seen ", text) for text in texts)


def test_facts_can_be_written_and_read(facts):
    """As JSON, pictures included, they are what they were."""
    assert type(facts).model_validate_json(facts.model_dump_json()) == facts


def test_rows_without_a_score_are_told_with_their_reason(facts):
    """A candidate that the budget stopped stands on the leaderboard."""
    row = LeaderboardRow(
        family="slow", metric="roc_auc", mean=None, sd=None, state="stopped", note="the budget ran out"
    )
    text = Page(dossier_html(facts.model_copy(update={"leaderboard": (row,)}))).text
    assert "the budget ran out" in text


def test_a_private_column_is_marked(facts):
    """Its name is told, and that its values are not."""
    column = ColumnFact(
        name="income",
        table="",
        kind="float",
        role="feature",
        unit="",
        serve="caller",
        private=True,
        missing=0.0,
        evidence="",
    )
    text = Page(dossier_html(facts.model_copy(update={"columns": (column,)}))).text
    assert "private" in text


def test_importance_stands_in_a_table_under_its_figure(facts):
    """In numbers for those who do not see the bars, private columns by their name alone."""
    fall = Interval(value=0.0321, low=0.01, high=0.05, n=40)
    row = ImportanceFact(feature="<b>ward</b>", private=True, fall=fall)
    told = Explained(metric="roc_auc", features=(row,), notes=("ROC AUC of 40 held-out rows.",))
    page = dossier_html(facts.model_copy(update={"explained": told})).decode()
    found = page[page.index('id="reasons"') :]
    found = found[: found.index("</section>")]
    assert "ROC AUC worsens by" in found
    assert '&lt;b&gt;ward&lt;/b&gt; <span class="tag">private</span>' in found
    assert "0.0321" in found
    assert "ROC AUC of 40 held-out rows." in found


def test_a_reader_without_eyes_or_mouse_finds_the_way(facts):
    """Landmarks, headings that skip no level, tables with heads, scrolling parts within the keyboard's reach."""
    page = Page(dossier_html(facts))
    for landmark in ("header", "nav", "main", "footer"):
        assert page.tags.count(landmark) == 1
    levels = [int(tag[1]) for tag in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(below - above <= 1 for above, below in itertools.pairwise(levels))
    assert page.tags.count("table") == page.tags.count("thead")
    regions = [v for t, n, v in page.attributes if (t, n) == ("div", "tabindex")]
    assert len(regions) == page.tags.count("table")
    assert {"aria-label", "aria-labelledby"} <= {n for _, n, _ in page.attributes}


def test_environment_spec_and_the_way_to_run_it_again_are_told(facts):
    """Releases, seed, the spec's text and the command."""
    libraries = EnvironmentFact(libraries={"numpy": "2.4.1"}, seed=11)
    told = {"environment": libraries, "spec": "name: clinic\n", "spec_path": "my specs/clinic.yaml"}
    text = " ".join(Page(dossier_html(facts.model_copy(update=told))).text.split())
    for part in ("numpy2.4.1", "seed11", "name: clinic", "penstock run 'my specs/clinic.yaml'", "penstock diff run-7"):
        assert part in text.replace(" 2.4.1", "2.4.1"), part


def test_digests_are_told_in_full(facts):
    """A digest that is cut cannot be compared."""
    line = LineageFact(stage="train", what="content of the model", digest="12ef" * 16)
    assert "12ef" * 16 in Page(dossier_html(facts.model_copy(update={"lineage": (line,)}))).text


def test_coefficients_are_shown_where_the_model_has_some(facts):
    """With what is not known as a dash, and names escaped."""
    assert b"Coefficients" not in dossier_html(facts)
    rows = (Coefficient(name="<b>age", estimate=1.25, error=0.5, p=0.0125), Coefficient(name="secret"))
    told = Coefficients(kind="gaussian", rows=rows, diagnostics={"adjusted_r2": 0.75}, notes=("2 columns left out",))
    page = dossier_html(facts.model_copy(update={"coefficients": told})).decode()
    assert 'href="#coefficients"' in page
    assert "&lt;b&gt;age" in page
    assert "<b>age" not in page
    for shown in ("1.25", "adjusted r2 0.75", "2 columns left out"):
        assert shown in page
