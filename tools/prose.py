"""What a chapter or page says in words: its prose without code and mathematics, its links, its figures."""

import re
from functools import cache

from dlcourse.course import sources

FENCE = re.compile(r"^[ \t>]*(`{3,}|~{3,})(.*)$")
PROSE_BOXES = re.compile(
    r"\{(note|tip|hint|warning|important|caution|danger|attention|seealso|margin|sidebar|topic|admonition|dropdown|"
    r"card|grid|grid-item-card|tab-set|tab-item|glossary|epigraph|figure)\}"
)
NOT_PROSE = [
    re.compile(r"\A---\n.*?\n---\n", re.DOTALL),  # front matter
    re.compile(r"<!--.*?-->", re.DOTALL),
    re.compile(r"\$\$.*?\$\$", re.DOTALL),
    re.compile(r"\$[^$\n]+\$"),
    re.compile(r"(`+)[^`]+?\1"),
    re.compile(r"\]\([^)\s]*\)|https?://\S+"),
    re.compile(r"<[^>\n]+>"),
    re.compile(r"“[^”]*”|\"[^\"\n]*\""),  # a quotation keeps its spelling
    re.compile(r"^\s*:[\w-]+:.*$", re.MULTILINE),  # a directive's options
]


def pages():
    """Every hand-written Markdown file: the book's pages, the chapters, README and its neighbours."""
    folders = ["", "book", "book/teaching", "notebooks"]
    return [path for folder in folders for path in sorted((sources.ROOT / folder).glob("*.md"))]


def name(path):
    return path.relative_to(sources.ROOT).as_posix()


def without_code(text):
    """The text with every line of a code block blanked; boxes of prose stay."""
    lines, fences = [], []
    for line in text.split("\n"):
        found, inside_code = FENCE.match(line), bool(fences) and fences[-1][1]
        if found and fences and found[1].startswith(fences[-1][0]) and not found[2].strip():
            fences.pop()
            line = ""
        elif found and not inside_code:
            fences.append((found[1], not PROSE_BOXES.match(found[2].strip())))
            line = "" if fences[-1][1] else PROSE_BOXES.sub("", found[2].strip())
        lines.append("" if inside_code else line)
    return "\n".join(lines)


def captions(text):
    """Captions and alternative texts, which stand in the YAML of code cells."""
    return re.findall(r"\b(?:caption|alt): *([^,}\n][^}\n]*)", text)


def prose(text):
    """The prose of a page, line by line as in the file."""
    blank = without_code(text)
    for pattern in NOT_PROSE:
        blank = pattern.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), blank)
    return blank


# --- Forbidden words -------------------------------------------------------------------------------------


def forbidden():
    """[(pattern, why)] from tools/forbidden.txt; ValueError names a line that has no reason."""
    result = []
    for line in (sources.ROOT / "tools" / "forbidden.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            pattern, found, why = line.partition(": ")
            if not found:
                raise ValueError(f"tools/forbidden.txt: expected `word: why`, got {line!r}")
            result.append((re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE), why))
    return result


def bad_words():
    """Forbidden words in the prose, each with its place and the reason."""
    rules, problems = forbidden(), []
    for path in pages():
        text = path.read_text(encoding="utf-8")
        for number, line in enumerate([*prose(text).split("\n"), *captions(text)], 1):
            place = f"line {number}" if number <= text.count("\n") + 1 else "a caption"
            problems += [
                f"{name(path)}, {place}: {found[0]!r}: {why}"
                for rule, why in rules
                for found in rule.finditer(line)
            ]
    return problems


# --- Links -----------------------------------------------------------------------------------------------

MARKDOWN_LINK = re.compile(r"(?<!\\)\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
ROLE = re.compile(r"(?<!`)\{(doc|ref|numref|eq|cite(?::\w+)?)\}`([^`]+)`")
LABELS = re.compile(
    r"^\(([\w:.-]+)\)=|^\s*:(?:name|label):\s*(\S+)|\bname:\s*([\w-]+)|\$\$ *\(([\w:.-]+)\)", re.MULTILINE
)


def labels(text):
    """Every label a page defines, exercises' boxes included (NAME-text)."""
    found = {label for labels in LABELS.findall(text) for label in labels if label}
    return found | {f"{label}-text" for label in found}


@cache
def bibliography(path):
    return set(re.findall(r"^@\w+\{\s*([^,\s]+)", path.read_text(encoding="utf-8"), re.MULTILINE))


def _missing_file(path, target, suffixes=("",)):
    base = sources.ROOT if target.startswith("/") else path.parent
    return not any((base / f"{target.lstrip('/')}{suffix}").exists() for suffix in suffixes)


def _role_problem(path, role, content, known):
    titled = re.fullmatch(r".*<([^<>]+)>\s*", content, re.DOTALL)
    target = titled[1] if titled else content
    if role == "doc":
        return _missing_file(path, target, (".md", ".ipynb", ".rst")) and f"no page {target!r}"
    if role.startswith("cite"):
        works = bibliography(sources.ROOT / "book" / "references.bib")
        lost = [key.strip() for key in target.split(",") if key.strip() not in works]
        return lost and f"no entry {', '.join(lost)} in book/references.bib"
    return target not in known and f"no label {target!r}"


def bad_links():
    """Links, references and citations that lead nowhere, and files that no table of contents names."""
    texts = {path: path.read_text(encoding="utf-8") for path in pages()}
    known = set().union(*map(labels, texts.values()))
    problems = _toc_problems()
    for path, text in texts.items():
        blank = without_code(text)
        for target in MARKDOWN_LINK.findall(blank):
            file = target.partition("#")[0]
            if (
                file
                and "://" not in target
                and not target.startswith("mailto:")
                and _missing_file(path, file)
            ):
                problems.append(f"{name(path)}: the link to {target!r} leads nowhere")
        for role, content in ROLE.findall(blank):
            if said := _role_problem(path, role, content, known):
                problems.append(f"{name(path)}: {{{role}}}`{content}`: {said}")
    return problems


def _toc_problems():
    toc = sources.toc_files()
    problems = [
        f"book/_toc.yml: {file!r} does not exist"
        for file in toc
        if not any((sources.ROOT / f"{file}{suffix}").exists() for suffix in (".md", ".ipynb", ".rst"))
    ]
    for path in pages():
        page = name(path).removesuffix(".md")
        if "/" in page and page not in toc:
            problems.append(f"{name(path)}: no entry in book/_toc.yml")
    return problems


# --- Figures ---------------------------------------------------------------------------------------------


def bad_figures():
    """Figure cells, and cells that put out a picture, without caption, label or alternative text."""
    problems = []
    for slug in sorted(path.stem for path in (sources.ROOT / "notebooks").glob("*.ipynb")):
        for number, cell in enumerate(sources.stored(slug).cells, 1):
            shown = cell.metadata.get("mystnb", {})
            kinds = {kind for output in cell.get("outputs", []) for kind in output.get("data", {})}
            if "figure" not in sources.tags(cell) and not kinds & {
                "image/png",
                "image/jpeg",
                "image/svg+xml",
            }:
                continue
            for part, key in (("figure", "name"), ("figure", "caption"), ("image", "alt")):
                if not shown.get(part, {}).get(key):
                    problems.append(f"{slug}, cell {number}: a figure without mystnb.{part}.{key}")
    return problems
