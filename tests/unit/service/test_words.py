"""Small words of HTTP: settings, negotiation, request ids, names in messages."""

from __future__ import annotations

import pytest

from deploy.service.envelope import told_without_values, valid_or_new
from deploy.service.negotiate import wants_html
from deploy.service.problems import MAX_FAULTS, Fault, Problem, from_error, shown_name
from deploy.service.settings import Settings
from penstock.errors import NotFound, RequestError, SpecError, StoreError

CHROME = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "page"),
    [
        (CHROME, True),
        ("", False),
        ("*/*", False),
        ("application/json", False),
        ("text/html;q=0.4, application/json", False),
        ("application/json;q=0.1, text/html;q=0.2", True),
        ("text/html;q=nonsense", False),
        ("text/*", False),
    ],
)
def test_a_browser_gets_a_page_and_everybody_else_json(accept, page):
    """Wildcards ask for nothing in particular: programs send them."""
    assert wants_html(accept) is page


@pytest.mark.parametrize("given", ["a", "order-17", "00-4bf92f3577b34da6a3ce929d0e0e4736-00", "A:b_c.d"])
def test_a_plain_request_id_is_kept(given):
    """The caller's own id comes back."""
    assert valid_or_new(given) == given


@pytest.mark.parametrize("given", [None, "", " a", "a b", "x" * 129, "a\r\nset-cookie: x", "ä", "<script>"])
def test_any_other_request_id_is_replaced(given):
    """Nothing that could break a header or a log line is repeated."""
    assert valid_or_new(given) != given
    assert valid_or_new(given) != valid_or_new(given)


def test_settings_survive_the_environment():
    """What a parent process writes, a worker reads."""
    settings = Settings(artifacts="x/y", default_model="churn", max_rows=7, poll_seconds=0.5)
    assert Settings.from_environment(settings.to_environment()) == settings


@pytest.mark.parametrize("given", [{"PENSTOCK_MAX_ROWS": "many"}, {"PENSTOCK_POLL_SECONDS": "0"}])
def test_a_bad_setting_is_named_and_not_quoted(given):
    """The error names the variable and what it wants."""
    with pytest.raises(SpecError) as caught:
        Settings.from_environment(given)
    assert next(iter(given)) in str(caught.value)
    assert "many" not in str(caught.value)


def test_an_error_is_told_without_its_text():
    """A log line has the type and the place, and not what the error quotes."""
    try:
        float("s3cr3t")
    except ValueError as error:
        told = told_without_values(error)
    assert "ValueError" in told
    assert "test_words" in told
    assert "s3cr3t" not in told


def test_only_errors_written_for_callers_reach_them():
    """A store's error names paths of the machine; the caller learns none."""
    assert from_error(RequestError("Two columns are named 'a'")).status == 422
    absent = from_error(NotFound("There is no version 's3cr3t'", where="/srv/x"))
    assert absent.status == 404
    assert "s3cr3t" not in str(absent.body("id"))
    problem = from_error(StoreError("gone", where="/srv/secret"))
    assert problem.status == 500
    assert "/srv" not in str(problem.body("id"))


def test_a_problem_is_bounded():
    """A thousand faults and a name of a megabyte make a short answer."""
    problem = Problem(422, "x", "y", (Fault(row=i, message="bad") for i in range(1000)))
    assert len(problem.body("id")["errors"]) == MAX_FAULTS
    assert len(shown_name("x" * 1_000_000)) < 200
