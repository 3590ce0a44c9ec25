"""A Sphinx extension: how the book shows the chapters' executed notebooks.

The committed notebook is changed in memory only (`read`): an exercise becomes a box with its hints, its
solution a collapsed cell after the stub, and graded cells lose their hidden tests. Without this module in
`_config.yml` the pages and downloads would leak; `tools.book_scan` therefore looks at every built site.
All surgery on cells belongs to `dlcourse.course.sources`.
"""

import filecmp
import os
import re

import nbformat
from docutils import nodes
from docutils.statemachine import StringList
from myst_nb.core.render import MditRenderMixin
from sphinx.transforms import SphinxTransform
from sphinx.util.docutils import SphinxDirective
from sphinx.util.index_entries import split_index_msg

from dlcourse.course import exercises, sources
from tools import book_launch, book_pages

CHAPTER = re.compile(r"notebooks/(\d\d)_(\w+)$")
EXERCISE_TITLE = re.compile(r"#+\s*(?:Exercise\b[^:]*:\s*)?(.*)")
TABS = {"tab-rust": "Rust", "tab-numpy": "NumPy", "tab-torch": "PyTorch"}
SHOW_SOLUTION = {"code_prompt_show": "Show a solution", "code_prompt_hide": "Hide the solution"}


def tags(cell):
    return cell.metadata.get("tags", [])


def grade_id(cell):
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


# --- The reader: one notebook in, the notebook the book shows out ---------------------------------------


def read(text):
    """Parse an executed notebook and return what the book shows; SOLUTIONS=hidden leaves solutions out."""
    hide = os.environ.get("SOLUTIONS") == "hidden"
    notebook = nbformat.reads(text, as_version=4)
    notebook.cells = [new for cell in notebook.cells for new in shown(cell, hide)]
    return notebook


def shown(cell, hide_solutions=False):
    """The cells that stand in the book for this one."""
    if "exercise" in tags(cell):
        cell.source = exercise_box(cell)
    elif "exercise-solution" in tags(cell):
        return [stub(cell)] if hide_solutions else [stub(cell), solution(cell)]
    elif "exercise-check" in tags(cell):
        cell.source = sources.visible(cell.source)
        if hide_solutions:
            cell.outputs = []  # they praise an answer that is not there
    elif cell.cell_type == "code" and cell.source.startswith("selfcheck("):
        cell.metadata.tags = [*tags(cell), "remove-input"]  # its output is the question
    for output in cell.get("outputs", []):
        output.get("data", {}).pop(book_pages.CLAIM, None)  # for the claims page; here it has no renderer
    return [cell]


def stub(cell):
    new = nbformat.v4.new_code_cell(sources.stub(cell.source), metadata={"tags": ["exercise-stub"]})
    new.id = f"{cell.id[:59]}-stub"  # ids have at most 64 characters
    return new


def solution(cell):
    cell.source = sources.solved(cell.source)
    cell.metadata.tags = [*tags(cell), "hide-cell"]
    cell.metadata["mystnb"] = {**cell.metadata.get("mystnb", {}), **SHOW_SOLUTION}
    return cell


def exercise_box(cell):
    """The exercise's text as an `{exercise}` directive, fenced longer than any fence inside it."""
    heading, _, body = cell.source.partition("\n")
    title = EXERCISE_TITLE.match(heading)
    if not title:
        raise ValueError(f"exercise {grade_id(cell)!r}: expected a heading first, got {heading!r}")
    fence = longer_fence(body)
    return f"{fence}{{exercise}} {title[1]}\n:name: {grade_id(cell)}\n\n{body.strip()}\n{fence}"


def longer_fence(text):
    return "`" * max(3, 1 + max((len(ticks) for ticks in re.findall(r"^\s*(`{3,})", text, re.M)), default=0))


# --- Directives, transforms, hooks ----------------------------------------------------------------------


class ExerciseBox(SphinxDirective):
    """A numbered box: title, difficulty, minutes and source, the task, and three collapsed hints."""

    has_content = True
    required_arguments = 1
    final_argument_whitespace = True
    option_spec = {"name": str}

    def run(self):
        label = self.options["name"]
        name = label.removesuffix("-text")
        try:
            entry = exercises.entry(name, exercises.Exercise)
        except ValueError as error:
            raise self.error(f"exercise {name!r}: {error}") from None
        number = self.register(label)
        box = nodes.container("", classes=["exercise"], ids=[label])
        inline, _ = self.state.inline_text(f"{number}: {self.arguments[0]}", self.lineno)
        box += nodes.paragraph("", "", *inline, classes=["exercise-title"])
        box += nodes.paragraph("", entry.facts, classes=["exercise-facts"])
        self.parse(list(self.content), box)
        for count, hint in enumerate(entry.hints, 1):
            fence = longer_fence(hint)
            self.parse([f"{fence}{{dropdown}} Hint {count}", ":class-container: hint", "", hint, fence], box)
        return [box]

    def parse(self, lines, into):
        text = "\n".join(lines).splitlines()
        self.state.nested_parse(StringList(text, self.env.docname), self.content_offset, into)

    def register(self, label):
        """Number the exercise within its chapter and make it a target for `{ref}`."""
        count = self.env.temp_data["exercises"] = self.env.temp_data.get("exercises", 0) + 1
        chapter = CHAPTER.match(self.env.docname)
        number = f"Exercise {int(chapter[1])}.{count}" if chapter else f"Exercise {count}"
        standard = self.env.get_domain("std")
        target = label.lower()  # Sphinx asks for labels in small letters, whatever the exercise is called
        standard.anonlabels[target] = self.env.docname, label
        standard.labels[target] = self.env.docname, label, number
        if chapter:
            entries = sources.ROOT / "dlcourse" / "course" / "exercises" / f"{chapter[2]}.py"
            self.env.note_dependency(str(entries))
        return number


def cell_tags(node):
    metadata = node.get("cell_metadata") if isinstance(node, nodes.container) else None
    return (metadata or {}).get("tags", [])


def tab_label(node):
    return next((TABS[tag] for tag in cell_tags(node) if tag in TABS), None)


def tab_part(part, *children):
    return nodes.container("", *children, classes=[f"sd-{part}"], design_component=part, is_div=True)


class Tabs(SphinxTransform):
    """Put adjacent cells tagged tab-rust, tab-numpy, tab-torch into one tab set."""

    default_priority = 799  # before sphinx-design turns its components into inputs and labels

    def apply(self):
        for first in [node for node in self.document.findall(nodes.container) if tab_label(node)]:
            parent = first.parent
            if parent.get("design_component") == "tab-content":
                continue  # moved with an earlier cell
            start = end = parent.index(first)
            while end < len(parent) and tab_label(parent[end]):
                end += 1
            items = [self.tab(cell) for cell in parent[start:end]]
            tab_set = tab_part("tab-set", *items)
            tab_set["classes"].append("triplet")
            parent[start:end] = [tab_set]

    def tab(self, cell):
        label = nodes.rubric("", tab_label(cell), classes=["sd-tab-label"])
        return tab_part("tab-item", label, tab_part("tab-content", cell))


def give_sphinx_its_numbers(app, env):
    """Let Sphinx compare its numbers with its own last ones: where they differ it writes a page anew."""
    env.toc_fignumbers = getattr(env, "fignumbers_of_sphinx", env.toc_fignumbers)
    return []


def number_by_chapter(app, env):
    """Number figures, tables and equations 7.1, 7.2, … by the number in the chapter's file name."""
    env.fignumbers_of_sphinx = env.toc_fignumbers
    env.toc_fignumbers = {
        docname: {kind: by_chapter(docname, numbers) for kind, numbers in kinds.items()}
        for docname, kinds in env.toc_fignumbers.items()
    }
    return []


def by_chapter(docname, numbers):
    chapter = CHAPTER.match(docname)
    return {id: (int(chapter[1]), n) for n, id in enumerate(numbers, 1)} if chapter else numbers


def highlight_rust():
    """Let `%%rust` cells be highlighted as Rust; Python is the notebook's language."""
    original = MditRenderMixin._render_nb_cell_code_source

    def render(self, token):
        original(self, token)
        if sources.is_rust(token.content):
            self.current_node[-1]["language"] = "rust"

    MditRenderMixin._render_nb_cell_code_source = render


def write_downloads(app, exception):
    """Replace the notebooks offered for download by the student's: stubs, no outputs, no hidden tests."""
    if exception or app.builder.format != "html":
        return
    for docname in app.env.found_docs:
        path = app.env.doc2path(docname)
        copy = app.outdir / "_sources" / f"{docname}.ipynb"
        if str(path).endswith(".ipynb") and copy.exists() and filecmp.cmp(path, copy, shallow=False):
            nbformat.write(sources.student(nbformat.read(path, as_version=4)), copy)


def keep_index_entries(app, env):
    """Give the search every page's index entries: Sphinx forgets those of pages it does not write."""
    kept = env._search_index_index_entries
    kept.clear()
    for docname, entries in env.get_domain("index").entries.items():
        terms = [
            (term, target, main)
            for kind, value, target, main, _ in entries
            for term in split_index_msg(kind, value)
        ]
        kept[docname] = sorted(set(terms))
    return []


def setup(app):
    app.add_directive("exercise", ExerciseBox)
    app.add_transform(Tabs)
    app.connect("env-get-updated", give_sphinx_its_numbers, priority=100)  # before its own numbering
    app.connect("env-get-updated", number_by_chapter, priority=900)  # and after it
    app.connect("env-updated", keep_index_entries)
    app.connect("build-finished", write_downloads)
    highlight_rust()
    book_pages.setup(app)
    book_launch.setup(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
