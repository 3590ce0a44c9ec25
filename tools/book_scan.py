"""What a built site must not contain: resources from elsewhere, dead links, solutions, hidden tests."""

import re
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import nbformat

from dlcourse.course import sources

RESOURCES = {  # tag -> attributes that make a browser load something
    "script": ["src"],
    "img": ["src", "srcset"],
    "source": ["src", "srcset"],
    "iframe": ["src"],
    "embed": ["src"],
    "video": ["src", "poster"],
    "audio": ["src"],
    "track": ["src"],
    "object": ["data"],
    "image": ["href", "xlink:href"],
    "use": ["href", "xlink:href"],
    "form": ["action"],
    "link": ["href"],
}
PLAIN_RELATIONS = {"canonical", "author", "license", "next", "prev", "search", "index", "genindex"}
ELSEWHERE = re.compile(r"\s*(https?:)?//", re.I)
IN_STYLE = re.compile(r"""(?:url\(|@import)\s*["']?\s*(?:https?:)?//[^"')\s]+""", re.I)
IN_SCRIPT = re.compile(r"""(?:fetch|import|importScripts|open)\s*\(\s*["'`](?:https?:)?//[^"'`]+""", re.I)
SET_BY_SCRIPT = re.compile(r"""\.(?:src|href)\s*=\s*["'`](?:https?:)?//[^"'`]+""", re.I)
COLOURS = re.compile(r'</span>|<span(?: class="[\w -]*")?>')  # three tags of four; nothing to find in them
MARKER = re.compile(r"(BEGIN|END) (SOLUTION|HIDDEN TESTS)", re.I)
TEXT_FILES = {".html", ".js", ".json", ".ipynb", ".md", ".txt", ".svg", ".css", ".inv"}


class Page(HTMLParser):
    """One page's ids, links and loaded resources, and the text a reader can see."""

    def __init__(self, path):
        super().__init__()
        self.ids, self.links, self.loads, self.text = set(), [], [], []
        self.inside = None
        self.feed(COLOURS.sub("", path.read_text(encoding="utf-8")))

    def handle_starttag(self, tag, attributes):
        values = {name: value or "" for name, value in attributes}
        self.ids.update(filter(None, [values.get("id"), values.get("name")]))
        self.inside = tag if tag in ("script", "style") else None
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag == "link" and set(values.get("rel", "").split()) & PLAIN_RELATIONS:
            return
        found = [values[name] for name in RESOURCES.get(tag, []) if values.get(name)]
        self.loads += found
        self.loads += outside_urls(IN_STYLE, values.get("style", ""))

    def handle_endtag(self, tag):
        self.inside = None

    def handle_data(self, data):
        self.text.append(data)
        if self.inside == "style":
            self.loads += outside_urls(IN_STYLE, data)
        elif self.inside == "script":
            self.loads += outside_urls(IN_SCRIPT, data) + outside_urls(SET_BY_SCRIPT, data)


def outside_urls(pattern, text):
    """The addresses themselves, from what a pattern found around them."""
    return [re.search(r"(https?:)?//.*", match)[0] for match in pattern.findall(text)]


def pages(site):
    return {path: Page(path) for path in sorted(site.rglob("*.html")) if "_static" not in path.parts}


def external_resources(site, parsed=None):
    """Everything a page or style sheet loads from another machine, one line each."""
    found = []
    for path, page in (parsed or pages(site)).items():
        found += [f"{path.relative_to(site)}: loads {url}" for url in page.loads if ELSEWHERE.match(url)]
    for path in site.rglob("*.css"):
        urls = outside_urls(IN_STYLE, path.read_text(encoding="utf-8"))
        found += [f"{path.relative_to(site)}: loads {url}" for url in urls]
    for path in site.glob("_static/*.js"):
        text = path.read_text(encoding="utf-8")
        urls = outside_urls(IN_SCRIPT, text) + outside_urls(SET_BY_SCRIPT, text)
        found += [f"{path.relative_to(site)}: loads {url}" for url in urls]
    return found


def dead_links(site, parsed=None):
    """Every local link, image or script whose file or #id does not exist, one line each."""
    parsed = parsed or pages(site)
    found = []
    for path, page in parsed.items():
        for url in page.links + page.loads:
            parts = urlsplit(url)
            if parts.scheme or parts.netloc or url.startswith("//"):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            missing = not target.is_file()
            if not missing and parts.fragment and target in parsed:
                missing = unquote(parts.fragment) not in parsed[target].ids
            if missing:
                found.append(f"{path.relative_to(site)}: dead link {url}")
    return found


def hidden_lines(path):
    """The lines of a notebook's hidden tests, without blanks around them and long enough to be recognised."""
    lines = set()
    for cell in nbformat.read(path, as_version=4).cells:
        shown = sources.visible(cell.source).splitlines()
        hidden = {line.strip() for line in cell.source.splitlines() if line not in shown}
        lines |= {line for line in hidden if len(line) > 8 and not MARKER.search(line)}
    return lines


def leaks(site, parsed=None):
    """Every file that shows a solution marker or a line of a hidden test, one line each."""
    parsed = parsed or pages(site)
    notebooks = [sources.notebook_path(slug) for slug in sources.chapters()]
    hidden = set().union(*map(hidden_lines, notebooks))
    found = []
    for path in sorted(p for p in site.rglob("*") if p.suffix in TEXT_FILES and "vendor" not in p.parts):
        raw = path.read_text(encoding="utf-8", errors="replace")
        text = "".join(parsed[path].text) if path in parsed else raw.replace('\\"', '"')
        if MARKER.search(raw) or MARKER.search(text):
            found.append(f"{path.relative_to(site)}: shows a solution or hidden-test marker")
        found += [
            f"{path.relative_to(site)}: shows the hidden test {line!r}" for line in hidden if line in text
        ]
    return found


def problems(site):
    """All of the above for one site; an empty list is a site that may be published."""
    site = site.resolve()
    parsed = pages(site)
    return external_resources(site, parsed) + dead_links(site, parsed) + leaks(site, parsed)
