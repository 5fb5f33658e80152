"""Words from anybody's data, made safe to draw."""

from __future__ import annotations

import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.plots.png import png_bytes
from penstock.plots.sheet import sheet, styled
from penstock.plots.words import axis, full_names, listed, number, word


@settings(max_examples=30)
@given(st.text(max_size=60))
def test_any_text_can_be_drawn_without_a_warning(text):
    """Dollar signs, control signs and letters that no font has neither raise nor warn."""
    with styled(), warnings.catch_warnings():
        warnings.simplefilter("error")
        figure, (ax,) = sheet(1, across=1, width=2.0, height=1.0)
        ax.set_xlabel(word(text))
        assert png_bytes(figure).startswith(b"\x89PNG")


@given(st.text(max_size=200), st.integers(2, 40))
def test_a_word_is_one_line_of_bounded_width(text, width):
    """No column name can push the panels off the sheet."""
    made = word(text, width)
    assert "\n" not in made
    assert len(made.replace("\\$", "$")) <= width


def test_an_axis_label_has_its_unit():
    """The unit stands in brackets."""
    assert axis("radius", "mm") == "radius [mm]"
    assert axis("radius") == "radius"


def test_names_that_a_figure_cuts_are_told_in_full():
    """By what is seen of them, wherever they stand in a text; those that fit are not."""
    long = "the_price_in_$_of_everything_that_was_ever_sold"
    figure, (ax,) = sheet(1, across=1, width=2.0, height=1.0)
    ax.set_title(f"{word(long, 16)} = {word('short', 16)}")
    assert full_names(figure, ["short", long, "another_name"]) == {"the_price_in_$_…": long}


def test_a_long_list_of_names_is_cut_and_counted():
    """The reader learns how many were not named."""
    assert listed([f"c{i}" for i in range(20)], most=2) == "c0, c1 and 18 more"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert not listed([])


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (141_200.0, "141,200"),
        (1.5, "1.500"),
        (0.012345, "0.01235"),
        (-3.0, "-3"),
        (float("nan"), "—"),
        (9.99e20, "9.990e+20"),
    ],
)
def test_numbers_read_well(value, told):
    """Large numbers stand in full, small ones with four digits."""
    assert number(value) == told
