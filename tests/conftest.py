"""The built book and a browser, for the tests that need them; at the end, the table of the layers checked."""

import os

import pytest

from tests import tables


@pytest.fixture(scope="module")
def site():
    """The folder of the built book, brought up to date."""
    from tools import book

    book.build("shown")
    return book.HTML


@pytest.fixture(scope="module")
def address(site):
    """The built book, served on this machine."""
    from tools.browser import serve

    with serve(site) as url:
        yield url


@pytest.fixture(scope="module")
def browser():
    """A running browser; with CI=true there must be one, elsewhere the test is skipped without it."""
    pytest.importorskip("websocket", reason="the browser is driven through websocket-client")
    from tools.browser import Browser, find

    if not find() and os.environ.get("CI") != "true":
        pytest.skip("no chromium: install it to test the pages in a browser")
    assert find(), "no chromium: with CI=true the pages must be tested in a browser"
    with Browser(timeout=120) as running:
        yield running


def pytest_terminal_summary(terminalreporter):
    if tables.FOUND:
        terminalreporter.section("gradients and mutants, as found by this run", sep="-")
        for line in tables.lines():
            terminalreporter.write_line(line)
