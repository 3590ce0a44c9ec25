"""After the tests: the table of the layers that they checked."""

from tests import tables


def pytest_terminal_summary(terminalreporter):
    if tables.FOUND:
        terminalreporter.section("gradients and mutants, as found by this run", sep="-")
        for line in tables.lines():
            terminalreporter.write_line(line)
