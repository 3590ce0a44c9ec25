"""MyST as plain Markdown, for JupyterLab, which shows roles and directives raw."""

import re
from ast import literal_eval

ROLE = re.compile(r"(?<![`\w])\{([\w:.-]+)\}`([^`]+)`")
TITLED = re.compile(r"(.+?)\s*<([^<>]+)>", re.DOTALL)
FENCE = re.compile(r"(\s*)(`{3,}|~{3,}|:{3,})(?:\{([\w:-]+)\})?(.*)")
OPTION = re.compile(r"\s*:([\w-]+):\s*(.*)")
TARGET_OR_COMMENT = re.compile(r"\([\w:.-]+\)=\s*|% .*|%")
BIB_KEY = re.compile(r"([a-z]+)(\d{4}[a-z]?)")
BIB_ENTRY = re.compile(r"^@\w+\{([\w:-]+),(.*?)(?=^@|\Z)", re.DOTALL | re.MULTILINE)
BIB_AUTHOR = re.compile(r"^\s*author\s*=\s*\{(.*)\},?\s*$", re.MULTILINE)
EQUATION = re.compile(r"^\$\$ \(([\w:.-]+)\)|^:label: (\S+)", re.MULTILINE)
MARKDOWN_FIGURE = re.compile(r"\{figure\}[^\n]*\n(?:\s*:[^\n]*\n)*?\s*:name:\s*(\S+)")

# What a box is called; its argument, if any, follows. A name that is empty leaves the argument alone.
BOXES = {
    name: name.capitalize() for name in ("note", "tip", "hint", "warning", "important", "caution", "danger")
}
BOXES |= {"attention": "Attention", "seealso": "See also", "margin": "Aside", "sidebar": "", "topic": ""}
BOXES |= {"admonition": "", "dropdown": "", "card": "", "tab-item": ""}
BOOK_ONLY = {"bibliography", "contents", "index", "tableofcontents"}


def authors(bibliography):
    """The families of each work's authors as a text cites them: {"minsky1969": "Minsky and Papert"}."""
    found = {}
    for key, fields in BIB_ENTRY.findall(bibliography):
        if author := BIB_AUTHOR.search(fields):
            names = [name.replace("{", "").replace("}", "").strip() for name in author[1].split(" and ")]
            families = [n.split(",")[0] if "," in n else n.split()[-1] for n in names]
            several = f"{families[0]} et al." if len(families) > 2 else " and ".join(families)
            found[key] = several
    return found


def vocabulary(notebook, bibliography=""):
    """What roles stand for: values by "glue" name, "labels" ("Fig. 7.1", "7.2") and "authors" by key."""
    glued, labels, figures, tasks, equations = {}, {}, 0, 0, 0
    number = re.match(r"\d+", notebook.metadata.get("dlcourse", {}).get("chapter", ""))
    chapter = f"{int(number[0])}." if number else ""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if record := output.get("metadata", {}).get("scrapbook"):
                glued[record["name"]] = next(v for k, v in output.data.items() if k.endswith("text/plain"))
        figure = cell.metadata.get("mystnb", {}).get("figure", {}).get("name")
        for label in [figure] if figure else MARKDOWN_FIGURE.findall(cell.source):
            figures += 1
            labels[label] = f"Fig. {chapter}{figures}"
        for label in EQUATION.findall(cell.source) if cell.cell_type == "markdown" else ():
            equations += 1
            labels["".join(label)] = f"{chapter}{equations}"
        if "exercise" in cell.metadata.get("tags", []):
            tasks += 1
            grade_id = cell.metadata.get("nbgrader", {}).get("grade_id", f"exercise-{tasks}")
            labels[grade_id] = f"Exercise {chapter}{tasks}"
    return {"glue": glued, "labels": labels, "authors": authors(bibliography)}


def plain(text, words):
    """Replace MyST's roles, labels and directives in `text`; `words` comes from `vocabulary`.

    Raises ValueError for a `{glue:text}` whose number was never stored.
    """
    result, lines, running = [], text.split("\n"), []
    while lines:
        line = lines.pop(0)
        fence = FENCE.fullmatch(line)
        if fence is None:
            running += [] if TARGET_OR_COMMENT.fullmatch(line) else [line]
            continue
        result += [_roles("\n".join(running), words)] if running else []
        running = []
        body = _take_body(lines, fence[2])
        indent, ticks, name, argument = fence.groups()
        result += [line, *body, indent + ticks] if name is None else _directive(fence, body, words)
    result += [_roles("\n".join(running), words)] if running else []
    return "\n".join(result).strip("\n")


def _take_body(lines, ticks):
    """Remove and return the lines up to the closing fence."""
    body = []
    while lines:
        line = lines.pop(0)
        stripped = line.strip()
        if stripped.startswith(ticks) and not stripped.strip(ticks[0]):
            break
        body.append(line)
    return body


def _take_options(body):
    """Split a directive's body into its options and its content."""
    options = {}
    while body and (found := OPTION.fullmatch(body[0])):
        options[found[1]] = found[2]
        body = body[1:]
    return options, body


def _directive(fence, body, words):
    """The lines that stand for a directive in plain Markdown."""
    indent, _, name, argument = fence.groups()
    options, body = _take_options(body)
    argument, content = _roles(argument.strip(), words), "\n".join(body).strip("\n")
    if name in BOOK_ONLY:
        return []
    if name == "math":
        label = f" ({words['labels'].get(options['label'], options['label'])})" if "label" in options else ""
        return [f"{indent}$$", content, f"{indent}$${label}"]
    if name in ("code", "code-block"):
        return [f"{indent}```{argument}", *body, f"{indent}```"]
    if name in ("figure", "image"):
        return [f"{indent}![{options.get('alt', '')}]({argument})", "", plain(content, words)]
    if name in BOXES:
        title = BOXES[name] or argument
        first = f"**{title}.**" + (f" {argument}" if BOXES[name] and argument else "")
        return [f"{indent}> {line}".rstrip() for line in [first, "", *plain(content, words).split("\n")]]
    return [plain(content, words)]


def _roles(text, words):
    text = EQUATION.sub(lambda found: f"$$ ({words['labels'].get(found[1], found[1])})", text)
    return ROLE.sub(lambda found: _role(found[1], " ".join(found[2].split()), words), text)


def _role(name, content, words):
    """What one role says: its own title, a stored number, a figure's number, an author and year."""
    titled = TITLED.fullmatch(content)
    title, target = titled.groups() if titled else (None, content)
    if name == "glue:text":
        return _number(content, words["glue"])
    if name.startswith("cite"):
        works = [_work(key.strip(), name == "cite:t", words) for key in target.split(",")]
        return ", ".join(works) if name == "cite:t" else f"({'; '.join(works)})"
    if name in ("ref", "numref"):
        label = words["labels"].get(target, target.replace("-", " "))
        return title.replace("%s", label).replace("{number}", label.split()[-1]) if title else label
    if name == "eq":
        return f"({words['labels'].get(target, target)})"
    if name == "math":
        return f"${target}$"
    return title or target.lstrip("~!").rsplit("/", 1)[-1]


def _number(content, glued):
    """The stored value of `name` or `name:format`, as the book prints it."""
    name, _, form = content.partition(":")
    if name not in glued:
        raise ValueError(f"{{glue:text}}`{content}`: no cell stores a number called `{name}`")
    try:
        value = literal_eval(glued[name])
    except (SyntaxError, ValueError):  # nan, inf
        value = glued[name]
    if form and form[-1] in "bcdoxX":
        value = int(value)
    return format(value, form) if form else str(value)


def _work(key, in_text, words):
    """`minsky1969` as "Minsky and Papert 1969"; a key without a year as its author."""
    found = BIB_KEY.match(key)
    if not found:
        return words["authors"].get(key, key)
    author, year = words["authors"].get(key, found[1].capitalize()), found[2]
    return f"{author} ({year})" if in_text else f"{author} {year}"
