"""The book's generated pages: claims, API reference, performance and crates, all made while Sphinx reads."""

import ast
import html
import json
import re
from pathlib import Path

import nbformat
from docutils import nodes
from sphinx.util.docutils import SphinxDirective
from sphinxcontrib.bibtex.plugin import register_plugin
from sphinxcontrib.bibtex.style.referencing import BracketStyle
from sphinxcontrib.bibtex.style.referencing.author_year import AuthorYearReferenceStyle

from dlcourse.course import sources
from tools import book_begin, book_crates, book_map, book_reading, book_teaching

CLAIM = "application/vnd.dlcourse.claim+json"
PACKAGES = {  # dotted name -> heading on the API page; those without files are left out
    "dlcourse.reference": "NumPy, forward and backward by hand",
    "dlcourse.pytorch": "The same models in PyTorch",
    "dlcourse.autodiff": "Automatic differentiation",
    "dlcourse.data": "Data",
    "dlcourse": "Training, checkpoints, figures",
    "dlcourse.course": "What runs the course",
}
KEY = r"\b([a-z]{2,}(?:19|20)\d\d|dlvr)\b"


# --- Claims ---------------------------------------------------------------------------------------------


def claim_of(cell):
    """The claim that a cell's outputs carry, as a dict, or None."""
    for output in cell.get("outputs", []):
        if CLAIM in output.get("data", {}):
            return output["data"][CLAIM]
    return None


def collect_claims(paths):
    """Yield (claim, chapter's slug) for every claim in executed notebooks, in the order of the book."""
    for path in paths:
        for cell in nbformat.read(path, as_version=4).cells:
            if claim := claim_of(cell):
                yield claim, path.stem


def in_words(measured):
    """A claim's measurement: one text, or several with their names."""
    return "; ".join(f"{k}: {v}" for k, v in measured.items()) if isinstance(measured, dict) else measured


def claims_table(found):
    """The filterable table; `found` is what `collect_claims` yields."""
    rows = []
    for claim, slug in found:
        verdict = claim["verdict"]
        number = int(slug[:2])
        link = f'<a href="../notebooks/{slug}.html#claim-{claim["id"]}">Chapter {number}</a>'
        fields = [claim["source"], claim["says"], in_words(claim["measured"])]
        cells = "".join(f"<td>{html.escape(str(field))}</td>" for field in fields)
        mark = f'<td><span class="verdict">{html.escape(verdict)}</span></td>'
        code = f'<th scope="row">{html.escape(claim["id"])}</th>'
        kind = verdict.replace(" ", "-")
        rows.append(f'<tr data-verdict="{html.escape(kind)}">{code}{cells}{mark}<td>{link}</td></tr>')
    heads = "".join(
        f'<th scope="col">{name}</th>' for name in ("Id", "Source", "Claim", "Measured", "Verdict", "Cell")
    )
    return (
        '<div class="claims"><p class="claims-filter"><label>Filter <input type="search" '
        'placeholder="words, a source, a verdict"></label> <output></output></p>'
        '<div class="claims-scroll" tabindex="0" role="region" aria-label="Claims"><table>'
        f"<thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table></div></div>"
    )


class Claims(SphinxDirective):
    """`{claims}`: every claim of the executed notebooks, with what was measured and the verdict."""

    def run(self):
        paths = [sources.notebook_path(slug) for slug in sources.chapters()]
        for path in paths:
            self.env.note_dependency(str(path))
        return [nodes.raw("", claims_table(collect_claims(paths)), format="html")]


# --- API reference --------------------------------------------------------------------------------------


def outside_code(change, text):
    """Apply `change` to the parts of a text that stand outside of `code`."""
    parts = text.split("`")
    parts[::2] = map(change, parts[::2])
    return "`".join(parts)


def linked(text):
    """Markdown with its signs protected, citations for bibliography keys, links for the slugs of chapters."""
    return outside_code(_linked, text)


def _linked(text):
    text = re.sub(r"([*_<>{}\[\]$\\|])", r"\\\1", text)
    text = re.sub(rf"\({KEY}\)", r"{cite:p}`\1`", text)
    text = re.sub(rf"(?<!`){KEY}(?!`)", r"{cite:t}`\1`", text)
    for slug in sources.chapters():
        text = text.replace(slug.replace("_", r"\_"), f"[{slug}](../notebooks/{slug}.ipynb)")
    return text


def is_table(block):
    """Is this paragraph of a docstring the list of symbols: name, two spaces or more, shape and meaning?"""
    lines = block.splitlines()
    return bool(re.match(r"\S+( \S+)*\s{2,}\S", lines[0])) and all(re.search(r"\s{2,}\S", n) for n in lines)


def docstring_markdown(text):
    """Our plain-text docstrings as Markdown: symbol lists stay aligned, sources become citations."""
    parts = []
    for block in re.split(r"\n\s*\n", text.strip()):
        if is_table(block):
            parts.append(f"```{{code-block}} text\n:class: symbols\n\n{block}\n```")
        else:
            parts.append(linked(block))
    return "\n\n".join(parts)


def signature(node):
    """`class Linear(in_features, ...)` or `function(...)`, read from the source without importing it."""
    if isinstance(node, ast.FunctionDef):
        return f"{node.name}({ast.unparse(node.args)})"
    init = next((n for n in node.body if getattr(n, "name", "") == "__init__"), None)
    arguments = ast.unparse(init.args).removeprefix("self").removeprefix(", ") if init else ""
    return f"class {node.name}({arguments})"


def documented(body):
    """The public functions and classes that have a docstring."""
    kinds = (ast.FunctionDef, ast.ClassDef)
    return [n for n in body if isinstance(n, kinds) and not n.name.startswith("_") and ast.get_docstring(n)]


def object_markdown(node):
    lines = [f"```{{code-block}} python\n:class: signature\n\n{signature(node)}\n```"]
    lines.append(docstring_markdown(ast.get_docstring(node)))
    if isinstance(node, ast.ClassDef):
        for method in documented(node.body):
            arguments = ast.unparse(method.args).removeprefix("self").removeprefix(", ")
            text = linked(" ".join(ast.get_docstring(method).split()))
            lines.append(f"`.{method.name}({arguments})`\n: {text}")
    return "\n\n".join(lines)


def module_markdown(path, name):
    """A module's section, or nothing when it documents nothing."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    objects = documented(tree.body)
    if not objects:
        return ""
    text = docstring_markdown(ast.get_docstring(tree) or "")
    return "\n\n".join([f"### `{name.removeprefix('dlcourse.')}`", text, *map(object_markdown, objects)])


def api_markdown(root):
    """The whole reference and the files it was read from."""
    parts, files = [], []
    for package, title in PACKAGES.items():
        paths = sorted(root.joinpath(*package.split(".")).glob("*.py"))
        modules = [module_markdown(path, f"{package}.{path.stem}") for path in paths]
        files += paths
        if any(modules):
            parts += [f"## {title}", *filter(None, modules)]
    return "\n\n".join(parts), files


# --- Performance ----------------------------------------------------------------------------------------


def layers_markdown(record):
    """The table of `make bench`: our time over torch's, with its quartiles, and the error in float64."""
    machine = ", ".join(f"{name} {value}" for name, value in record["machine"].items())
    rows = ["| workload | time ÷ torch | quartiles | goal | error (float64) |", "|---|---|---|---|---|"]
    for row in record["rows"]:
        goal = f"{row['goal']:g}" + (" (missed)" if row["ratio"] > row["goal"] else "")
        cells = [row["workload"], f"{row['ratio']:.2f}", f"{row['low']:.2f} to {row['high']:.2f}", goal]
        rows.append(f"| {' | '.join(cells)} | {row['error']:.0e} |")
    return "\n".join([*rows, "", f"Measured in {record['rounds']} rounds on one thread: {machine}."])


def gpu_markdown(record):
    """The table of `make gpu`, or a sentence where no accelerator has been at hand."""
    if record is None:
        return (
            "No run on an accelerator is recorded yet; `make gpu` records one where PyTorch finds a device."
        )
    rows = ["| model | parity with NumPy | chapter's size | larger size |", "|---|---|---|---|"]
    for row in record["rows"]:
        rows.append(
            f"| {row['model']} | {row['parity']:.0e} | {row['chapter']:.2f} × | {row['large']:.1f} × |"
        )
    where = f"{record['device']} against {record['cpu']}, torch {record['torch']}"
    return "\n".join([*rows, "", f"How many times faster than the CPU: {where}."])


def performance_markdown(root):
    """What `{{ layers }}` and `{{ gpu }}` stand for, and the files it was read from."""
    files = {name: root / "bench" / "results" / f"{name}.json" for name in ("layers", "gpu")}
    found = {name: json.loads(path.read_text()) if path.exists() else None for name, path in files.items()}
    parts = {"layers": layers_markdown(found["layers"]), "gpu": gpu_markdown(found["gpu"])}
    return parts, [path for path in files.values() if path.exists()]


def named(name, make):
    """`make(root)` gives a text and the files it was read from: the page's one part, under this name."""

    def parts(root):
        text, files = make(root)
        return {name: text}, files

    return parts


def reading_parts(root):
    claims = collect_claims([sources.notebook_path(slug) for slug in sources.chapters()])
    return book_reading.reading_parts(list(claims), root)


# Page -> what the names in double braces on it stand for, and the files that this was read from.
GENERATED = {
    "book/index": named("course", book_map.course_markdown),
    "book/begin": book_begin.begin_parts,
    "book/concept-checks": named("concepts", book_begin.concept_markdown),
    "book/reading": reading_parts,
    "book/performance": performance_markdown,
    "book/crates": named("crates", book_crates.crates_markdown),
    "book/api": named("api", api_markdown),
    "book/teaching": named("lessons", book_teaching.lessons_markdown),
}


def fill_pages(app, docname, source):
    """Put the generated parts where a page names them; a page that names none needs none made."""
    if "{{ " not in source[0]:
        return
    if docname.startswith(f"{book_teaching.FOLDER}/"):
        source[0], files = book_teaching.page(source[0], docname.rpartition("/")[2])
    elif docname in GENERATED:
        parts, files = GENERATED[docname](Path(app.srcdir))
        for name, text in parts.items():
            source[0] = source[0].replace(f"{{{{ {name} }}}}", text)
    else:
        return
    for path in files:
        app.env.note_dependency(str(path))


# --- Citations ------------------------------------------------------------------------------------------


class Citations(AuthorYearReferenceStyle):
    """Rosenblatt (1958) in the text, (Rosenblatt, 1958) in passing."""

    def __init__(self):
        round_brackets = BracketStyle(left="(", right=")")
        super().__init__(bracket_textual=round_brackets, bracket_parenthetical=round_brackets)


register_plugin("sphinxcontrib.bibtex.style.referencing", "dlcourse", Citations)


def setup(app):
    app.add_directive("claims", Claims)
    app.connect("source-read", fill_pages)
