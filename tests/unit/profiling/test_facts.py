"""What a profile says of a table, against pandas and SciPy."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from penstock.arrays.infer import infer_column
from penstock.errors import DataError, SourceError
from penstock.profiling import profile
from penstock.profiling.pairs import SAMPLE, cramers_v, sampled, spearman


def whats(seen, sort):
    """Return the columns that an alert of a sort names."""
    return [alert.column for alert in seen.facts.alerts if alert.sort == sort]


def test_numbers_agree_with_pandas(table, seen):
    """A reader may compute any number again and find the same."""
    look = seen.facts.column("height")
    numbers = look.profile.numbers
    assert numbers.mean == pytest.approx(table["height"].mean())
    assert numbers.sd == pytest.approx(table["height"].std())
    assert numbers.skew == pytest.approx(stats.skew(table["height"]))
    assert numbers.quantiles[4] == pytest.approx(table["height"].median())
    counts, _ = np.histogram(table["height"], look.histogram.edges)
    assert look.histogram.counts == tuple(counts)
    assert sum(look.histogram.counts) == len(table)


def test_the_most_frequent_values_and_the_rest_make_all_cells(table, seen):
    """Whoever adds up the bars gets the column."""
    look = seen.facts.column("shade")
    assert [(level.value, level.count) for level in look.tops] == list(table["shade"].value_counts().items())
    for look in seen.facts.columns:
        assert sum(level.count for level in look.tops) + look.rest == look.profile.n


def test_repeated_rows_are_counted_exactly_and_shown(seen):
    """Four rows stand twice: they are found among all others, and shown as they came."""
    repeats = seen.facts.duplicates
    assert (repeats.n_rows, repeats.n_groups) == (4, 4)
    assert [row.row for row in repeats.examples] == [0, 1, 2, 3]
    assert repeats.examples[0].cells[0] == "P-0000"


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", None]),
            st.sampled_from([0.0, -0.0, 1.5, None]),
            st.sampled_from([True, False, None]),
            st.integers(0, 2),
        ),
        min_size=2,
        max_size=30,
    )
)
def test_any_table_has_as_many_repeated_rows_as_pandas_counts(rows):
    """Missing cells are equal to each other, and so are both zeros."""
    frame = pd.DataFrame(rows, columns=["text", "number", "truth", "count"])
    assert profile(frame).facts.duplicates.n_rows == int(frame.duplicated().sum())


def test_columns_missing_in_the_same_rows_are_named(table, seen):
    """A pattern tells of a form that was not filled in."""
    missing = seen.facts.missing
    assert [(pair.one, pair.two, pair.share) for pair in missing.together] == [("gone", "too", 1.0)]
    assert missing.patterns[0].columns == ("gone", "too")
    assert missing.patterns[0].n_rows == int(table["gone"].isna().sum())
    assert missing.complete_rows == len(table.dropna())
    assert "gone" in whats(seen, "together")


def test_copies_recodings_and_constants_are_told(seen):
    """What says nothing, or nothing new, is told as such."""
    assert [(twin.column, twin.other, twin.sort) for twin in seen.facts.relations.twins] == [
        ("tint", "shade", "recoding")
    ]
    assert whats(seen, "constant") == ["same"]
    assert "zeros" in whats(seen, "zeros")


def test_a_copy_is_told_from_a_recoding_by_the_rarest_level():
    """Columns that differ in the names of rare levels alone are no copies."""
    names = [f"n{i // 2}" for i in range(400)]
    frame = pd.DataFrame({"a": names, "b": names, "c": [f"{n}x" if n == "n199" else n for n in names]})
    found = {twin.column: twin.sort for twin in profile(frame).facts.relations.twins}
    assert found == {"b": "copy", "c": "recoding"}


def test_strengths_agree_with_scipy(table, seen):
    """Spearman over pairs of numbers, Cramér's V from a table, and Pearson over all rows."""
    pair = next(p for p in seen.facts.relations.pairs if {p.one, p.two} == {"width", "height"})
    assert pair.strength == pytest.approx(stats.spearmanr(table["width"], table["height"]).statistic)
    assert pair.pearson == pytest.approx(table["width"].corr(table["height"]))
    independent = np.outer([30, 70], [40, 60]) / 1.0
    assert cramers_v(independent) == 0.0
    numbers = np.array([[1.0, 2.0, 3.0, np.nan] * 5, [3.0, 2.0, 1.0, 1.5] * 5])
    # Ranks are those within the whole column, and so a gap in one of two moves them a little.
    assert spearman(numbers)[0, 1] == pytest.approx(-1.0, abs=0.02)


def test_a_sample_is_the_same_every_time_and_said_to_be_one():
    """Same table, same page."""
    rows = sampled(10 * SAMPLE)
    assert len(np.unique(rows)) == SAMPLE
    assert np.array_equal(rows, sampled(10 * SAMPLE))
    frame = pd.DataFrame({"a": np.arange(SAMPLE + 10) % 17, "b": np.arange(SAMPLE + 10) % 13})
    assert f"over {SAMPLE:,} rows drawn with a fixed seed" in profile(frame).html()


def test_the_target_is_looked_at_in_every_feature(table, seen):
    """The share of a label in each group is pandas' own, and the strongest feature comes first."""
    target = seen.facts.target
    assert (target.task, target.of) == ("binary", "share of broken = yes")
    first = next(feature for feature in target.features if feature.column == "shade")
    for group in first.groups:
        own = table.loc[table["shade"] == group.label, "broken"]
        assert group.n == len(own)
        assert group.value == pytest.approx((own == "yes").mean())
        assert group.low <= group.value <= group.high
    strengths = [abs(feature.strength or 0.0) for feature in target.features]
    assert strengths == sorted(strengths, reverse=True)
    assert target.features[0].column in ("shade", "tint")


def test_what_a_run_would_refuse_as_a_target_is_said():
    """Looking is allowed where learning is not."""
    seen = profile(pd.DataFrame({"a": range(10), "b": ["x", "y"] * 5}), target="b")
    assert "too few rows" in seen.facts.target.note
    assert seen.facts.target.note in seen.html().replace("&#39;", "'")


def test_a_series_is_seen_along_its_dates(seen):
    """Days in even steps: a line for each number, and how it goes on."""
    series = seen.facts.series
    assert series.time == "when"
    assert sum(series.counts) == 400
    assert [line.column for line in series.lines][:2] == ["width", "height"]


def test_a_season_shows_in_the_autocorrelation():
    """Seven steps before is like today."""
    days = np.arange(140)
    frame = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=140), "sold": np.sin(days * 2 * np.pi / 7)})
    correlation = profile(frame).facts.series.lines[0].correlation
    assert int(np.argmax(correlation)) + 1 == 7


def test_columns_are_typed_as_a_run_types_them(table, seen):
    """Kind, role and evidence are the arrays stage's, and the override is a line that a spec takes."""
    import pyarrow as pa

    raw = pa.Table.from_pandas(table, preserve_index=False)
    for look in seen.facts.columns:
        if look.role == "target":
            continue
        column = infer_column(look.name, raw[look.name])
        assert (look.kind, look.role, look.evidence) == (column.kind, column.role, column.evidence)
    assert seen.facts.column("shade").override.startswith("columns: {shade: {role: ignored}}")


def test_nothing_is_told_of_a_private_column_but_its_name_and_gaps(table):
    """Neither a value nor what follows from one stands on the page or in the JSON."""
    seen = profile(table, private=["shade", "gone", "broken"], target="broken")
    told = seen.html() + seen.to_json()
    look = seen.facts.column("gone")
    assert look.private
    assert look.profile.missing == int(table["gone"].isna().sum())
    assert (look.profile.distinct, look.tops, look.first, look.evidence, look.histogram) == (0, (), (), "", None)
    assert "green" not in told
    # The widths that are not hidden say these, too, but not all of them are shown.
    assert str(table["gone"].iloc[200]) not in told
    assert "shade" not in seen.facts.relations.columns
    assert seen.facts.missing.columns == ("too",)


def test_the_json_is_the_same_for_the_same_table(table):
    """Threads do not show, nor does anything of this machine's clock."""
    first, again = (profile(table, name="parts", target="broken") for _ in range(2))
    assert first.to_json() == again.to_json()
    assert first.html() == again.html()
    assert json.loads(first.to_json())["n_rows"] == len(table)


def test_a_name_that_is_not_there_is_refused(table):
    """A slip of the fingers is told before anything is computed."""
    with pytest.raises(DataError, match="no column 'widht'"):
        profile(table, private=["widht"])
    with pytest.raises(SourceError, match="no such file"):
        profile("nowhere.csv")
