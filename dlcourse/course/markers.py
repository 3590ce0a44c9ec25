"""The markers in an exercise's cells, and what a cell is without its answers.

The only place that knows their patterns; use the functions through `dlcourse.course.sources`.
"""

import re

STUBS = {
    "python": ["# YOUR CODE HERE", "raise NotImplementedError()"],
    "rust": ["// YOUR CODE HERE", "todo!()"],
}
COMMENTS = {"python": "### ", "rust": "// ### "}
MARKER = re.compile(r"([ \t]*)(### |// ### )(BEGIN|END) (SOLUTION|HIDDEN TESTS)[ \t]*")
LIKE_A_MARKER = re.compile(r"\s*(#|//).*\b(BEGIN|END)\W+(SOLUTION|HIDDEN)", re.IGNORECASE)


def is_rust(source):
    return source.lstrip().startswith("%%rust")


def language(source):
    return "rust" if is_rust(source) else "python"


def _regions(source):
    """Split into (kind, indent, lines), kind None outside the markers; ValueError if they are unbalanced."""
    regions, comment = [(None, "", [])], COMMENTS[language(source)]
    for line in source.split("\n"):
        marker, kind = MARKER.fullmatch(line), regions[-1][0]
        if marker is None:
            if LIKE_A_MARKER.match(line):
                raise ValueError(f"expected a marker like `{comment}BEGIN SOLUTION`, got `{line.strip()}`")
            regions[-1][2].append(line)
            continue
        indent, written, edge, named = marker.groups()
        if written != comment:
            raise ValueError(f"expected the marker `{comment}{edge} {named}`, got `{line.strip()}`")
        if (edge == "BEGIN") != (kind is None) or kind not in (None, named):
            raise ValueError(f"unbalanced markers: `{edge} {named}` {f'inside {kind}' if kind else 'alone'}")
        regions.append((named, indent, []) if edge == "BEGIN" else (None, "", []))
    if regions[-1][0]:
        raise ValueError(f"unbalanced markers: `BEGIN {regions[-1][0]}` without END")
    return regions


def kinds(source):
    return {kind for kind, _, _ in _regions(source) if kind}


def _rewrite(source, wanted, change):
    """Replace every region of the kind `wanted`, with its markers, by `change(indent, lines)`."""
    result = []
    for kind, indent, lines in _regions(source):
        if kind == wanted:
            lines = change(indent, lines)
        elif kind:
            start = indent + COMMENTS[language(source)]
            lines = [f"{start}BEGIN {kind}", *lines, f"{start}END {kind}"]
        result += lines
    return "\n".join(result)


def stub(source):
    """The cell as students get it: each solution is a line to replace, the code around it stays."""
    return _rewrite(source, "SOLUTION", lambda indent, _: [indent + line for line in STUBS[language(source)]])


def solved(source):
    """The cell with its solution and without markers."""
    return _rewrite(source, "SOLUTION", lambda _, lines: lines)


def visible(source):
    """The check without its hidden tests."""
    return _rewrite(source, "HIDDEN TESTS", lambda _, lines: []).rstrip()
