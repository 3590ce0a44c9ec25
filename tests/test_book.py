"""The built book: complete, self-contained, without leaks; and every guard goes red when it should."""

import base64
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile

import nbformat
import pytest

pytest.importorskip("jupyter_book", reason="the book is built with the extra `book`")

from dlcourse import plots
from dlcourse.course import sources
from tools import book, book_pages, book_reader, book_scan, vendor

SOLVED = """def twice(x):
    ### BEGIN SOLUTION
    return 2 * x  # zzsolution
    ### END SOLUTION"""
CHECKED = """check("twice", twice)
### BEGIN HIDDEN TESTS
assert twice(21) == 42, "zzhidden"
### END HIDDEN TESTS"""


@pytest.fixture
def page(tmp_path, site):
    """A copy of one page in a site of its own, to be damaged."""
    shutil.copy(site / "book" / "claims.html", tmp_path / "claims.html")
    return tmp_path / "claims.html"


def cell(tag, source, name):
    new = nbformat.v4.new_markdown_cell if tag == "exercise" else nbformat.v4.new_code_cell
    return new(source, metadata={"tags": [tag], "nbgrader": {"grade_id": name}})


def exercise():
    text = "### Exercise 1: twice\n\nDouble `x`.\n\n```python\ntwice(1)\n```"
    cells = [
        cell("exercise", text, "twice-text"),
        cell("exercise-solution", SOLVED, "twice-code"),
        cell("exercise-check", CHECKED, "twice-check"),
    ]
    return nbformat.v4.new_notebook(cells=cells, metadata={"language_info": sources.LANGUAGE})


# --- The site -------------------------------------------------------------------------------------------


def test_nothing_is_loaded_from_elsewhere_no_link_is_dead_and_nothing_leaks(site):
    assert book_scan.problems(site) == []


def test_every_page_of_the_contents_exists(site):
    listed = re.findall(r"(?:root|file): (\S+)", (sources.ROOT / "book" / "_toc.yml").read_text())
    assert len(listed) > 8
    assert [name for name in listed if not (site / f"{name}.html").is_file()] == []


def test_downloads_are_student_notebooks(site):
    for slug in sources.chapters():
        got = nbformat.read(site / "_sources" / "notebooks" / f"{slug}.ipynb", as_version=4)
        original = sources.stored(slug)
        assert [c.source for c in got.cells] == [c.source for c in sources.student(original).cells]
        assert not any(c.get("outputs") for c in got.cells)


def test_every_claim_of_the_notebooks_is_on_the_claims_page(site):
    text = (site / "book" / "claims.html").read_text()
    paths = [sources.notebook_path(slug) for slug in sources.chapters()]
    for claim, slug in book_pages.collect_claims(paths):
        assert f"{slug}.html#claim-{claim['id']}" in text
        assert f'id="claim-{claim["id"]}"' in (site / "notebooks" / f"{slug}.html").read_text()


def test_a_second_build_has_nothing_to_do(site):
    assert book.build("shown") is False


def contrast(one, other):
    def luminance(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted([luminance(one), luminance(other)], reverse=True)
    return (high + 0.05) / (low + 0.05)


def themes():
    css = (sources.ROOT / "book" / "_static" / "dlcourse.css").read_text()
    for name in ("light", "dark"):
        block = re.search(rf'html\[data-theme="{name}"\] \{{([^}}]*--ground[^}}]*)\}}', css)[1]
        yield name, dict(re.findall(r"--(\w+): (#\w{6})", block))


@pytest.mark.parametrize("name, colours", list(themes()))
def test_text_and_figures_are_readable_on_both_grounds(name, colours):
    assert colours["ground"] == {"light": plots.LIGHT_GROUND, "dark": plots.DARK_GROUND}[name]
    assert contrast(plots.INK, colours["ground"]) >= 4.5
    for ink in ("ink", "quiet", "accent", "link", "yes", "no", "mixed"):
        for ground in ("ground", "surface", "raised"):
            assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)


# --- The reader -----------------------------------------------------------------------------------------


def test_an_exercise_becomes_box_stub_folded_solution_and_visible_check():
    box, stub, solution, check = shown_cells(exercise())
    assert box.source.startswith("````{exercise} twice\n:name: twice-text\n")
    assert "NotImplementedError" in stub.source and "zzsolution" not in stub.source
    assert "zzsolution" in solution.source and "hide-cell" in solution.metadata.tags
    assert "zzhidden" not in check.source
    assert not any(book_scan.MARKER.search(c.source) for c in (box, stub, solution, check))


def shown_cells(notebook):
    return book_reader.read(nbformat.writes(notebook)).cells


def test_hidden_solutions_are_left_out(monkeypatch):
    monkeypatch.setenv("SOLUTIONS", "hidden")
    shown = shown_cells(exercise())
    assert len(shown) == 3
    assert not any("zzsolution" in c.source for c in shown)


def test_docstrings_become_markdown_with_citations_and_links():
    slug = sources.chapters()[0]
    text = "Do it: y = x_1 * 2.\n\nx  (N, I)  input\ny  (N, O)  output\n\n"
    text += f"Source: rosenblatt1958. Chapter: {slug}."
    got = book_pages.docstring_markdown(text)
    assert r"x\_1 \* 2" in got and "x  (N, I)  input" in got
    assert "Source: {cite:t}`rosenblatt1958`." in got and f"[{slug}](../notebooks/{slug}.ipynb)" in got


def test_citations_in_brackets_and_code_are_told_apart():
    got = book_pages.linked("A step (rosenblatt1958), not `rosenblatt1958`, after novikoff1962.")
    assert got == "A step {cite:p}`rosenblatt1958`, not `rosenblatt1958`, after {cite:t}`novikoff1962`."


def test_the_performance_page_shows_the_record_and_says_what_missed_its_goal(site):
    record = json.loads((sources.ROOT / "bench" / "results" / "layers.json").read_text())
    html = (site / "book" / "performance.html").read_text()
    assert all(row["workload"] in html for row in record["rows"])
    row = {"workload": "LSTM", "low": 1.8, "high": 2.0, "goal": 1.75, "error": 1e-15}
    table = {"machine": {"numpy": "2"}, "rounds": 3, "rows": [row | {"ratio": 1.9}]}
    assert "| LSTM | 1.90 | 1.80 to 2.00 | 1.75 (missed) | 1e-15 |" in book_pages.layers_markdown(table)
    table["rows"] = [row | {"ratio": 1.7}]
    assert "missed" not in book_pages.layers_markdown(table)
    assert "No run" in book_pages.gpu_markdown(None)
    rows = [{"model": "MLP", "parity": 2e-7, "chapter": 0.5, "large": 12.3}]
    shown = book_pages.gpu_markdown({"rows": rows, "device": "a GPU", "cpu": "x86_64", "torch": "2"})
    assert "| MLP | 2e-07 | 0.50 × | 12.3 × |" in shown


def test_claims_are_escaped():
    claim = {"id": "a", "source": "s", "says": "<b>1 < 2</b>", "measured": {"ratio": "3"}, "verdict": "holds"}
    table = book_pages.claims_table([(claim, "07_perceptron_xor")])
    assert "<b>" not in table and "ratio: 3" in table and 'data-verdict="holds"' in table


# --- Each guard sees what it guards against -------------------------------------------------------------


@pytest.mark.parametrize(
    "bad",
    [
        '<script src="https://cdn.example.org/x.js"></script>',
        '<link rel="stylesheet" href="//cdn.example.org/x.css">',
        '<img src="http://example.org/pixel.png">',
        '<img srcset="https://example.org/pixel.png 2x">',
        "<style>@font-face { src: url(https://example.org/f.woff2) }</style>",
        '<p style="background: url(https://example.org/b.png)"></p>',
        "<script>fetch('https://example.org/count')</script>",
        "<script>let s = document.createElement('script'); s.src = \"https://example.org/a.js\"</script>",
    ],
)
def test_a_resource_from_elsewhere_is_found(page, bad):
    page.write_text(page.read_text().replace("</body>", bad + "</body>"))
    assert any("example.org" in line for line in book_scan.external_resources(page.parent))


def test_a_plain_link_to_a_source_is_no_resource(page):
    page.write_text('<p><a href="https://doi.org/10.1037/h0042519">Rosenblatt</a></p>')
    assert book_scan.external_resources(page.parent) == []


@pytest.mark.parametrize("url", ["nowhere.html", "#nowhere", "claims.html#nowhere", "_static/nowhere.png"])
def test_a_dead_link_is_found(page, url):
    page.write_text(f'<p id="here"><a href="#here">fine</a><a href="{url}">dead</a></p>')
    assert book_scan.dead_links(page.parent) == [f"claims.html: dead link {url}"]


@pytest.mark.parametrize("name", ["claims.html", "searchindex.js", "_sources/a.ipynb"])
def test_a_solution_marker_is_found_anywhere(page, name):
    target = page.parent / name
    target.parent.mkdir(exist_ok=True)
    target.write_text("<pre><span>### BEGIN</span> HIDDEN TESTS</pre>" if name == "claims.html" else SOLVED)
    assert any(name in line for line in book_scan.leaks(page.parent))


@pytest.mark.parametrize("name", ["claims.html", "a.ipynb"])
def test_a_line_of_a_hidden_test_is_found_without_its_markers(page, name, tmp_path, monkeypatch):
    stored = tmp_path / "stored.nb"
    nbformat.write(exercise(), stored)
    monkeypatch.setattr(sources, "notebook_path", lambda slug: stored)
    assert book_scan.leaks(page.parent) == []
    leak = 'assert twice(21) == 42, "zzhidden"'
    (page.parent / name).write_text(json.dumps([leak]) if name == "a.ipynb" else f"<pre>{leak}</pre>")
    assert any("zzhidden" in line for line in book_scan.leaks(page.parent))


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Let the builder work in a small copy of the repository whose one chapter is one exercise."""
    vendor.fetch()
    root = tmp_path / "repository"
    for folder in ("book", "dlcourse", "tools"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(sources.ROOT / folder, root / folder, ignore=ignored, symlinks=True)
    (root / "notebooks").mkdir()
    (root / "book" / "_toc.yml").write_text(
        "format: jb-book\nroot: book/index\nchapters:\n- file: notebooks/07_perceptron_xor\n"
    )
    (root / "book" / "index.md").write_text("# Sample\n")
    (root / "requirements.txt").write_text("")
    notebook = exercise()
    notebook.cells.insert(0, nbformat.v4.new_markdown_cell("# Chapter\n\n## Section"))
    nbformat.write(notebook, root / "notebooks" / "07_perceptron_xor.ipynb")
    for name, value in {
        "ROOT": root,
        "HTML": root / "build" / "html",
        "WORK": root / "build" / "book",
    }.items():
        monkeypatch.setattr(book, name, value)
    entries = root / "dlcourse" / "course" / "exercises"
    for path in entries.glob("[!_]*.py"):  # a real exercise may bear the sample's name
        path.unlink()
    (entries / "perceptron_xor.py").write_text(ENTRIES)
    monkeypatch.setenv("PYTHONPATH", str(root))
    return root


ENTRIES = '''"""One entry."""

from dlcourse.course.exercises import Exercise, Mistake

WRONG = [Mistake(name=str(n), value=lambda case, n=n: n * case[0], says="no") for n in (3, 4, 5)]
ENTRIES = (
    Exercise(
        name="twice", difficulty=1, minutes=5, hints=("zzhint",) * 3, mistakes=WRONG,
        cases=lambda rng: [(1,)], expected=lambda case: 2 * case[0],
    ),
)
'''


def everything(folder):
    paths = [path for path in folder.rglob("*") if path.suffix in book_scan.TEXT_FILES]
    return {path: path.read_text(errors="replace") for path in paths if "vendor" not in path.parts}


def test_a_failed_build_leaves_no_site_and_solutions_can_be_hidden(elsewhere):
    assert book.build("hidden") is True
    texts = everything(book.HTML)
    assert [path for path, text in texts.items() if "zzsolution" in text or "zzhidden" in text] == []
    assert "zzhint" in texts[book.HTML / "notebooks" / "07_perceptron_xor.html"]
    chapter = elsewhere / "notebooks" / "07_perceptron_xor.ipynb"
    chapter.write_text(chapter.read_text().replace("Double", "{numref}`nowhere` Double"))
    for _ in range(2):  # a second try must not find the pages of the first and look fine
        with pytest.raises(SystemExit, match="was not built"):
            book.build("hidden")
        assert not book.HTML.exists()


NUMBERED = "# Other\n\n```{code-block} text\n:caption: Words\n:name: listing-other\n\nx\n```"
TERM = "\n\n```{glossary}\nzebra\n: A word.\n```"


def test_a_change_of_one_chapter_writes_its_page_alone(elsewhere):
    toc = elsewhere / "book" / "_toc.yml"
    toc.write_text(toc.read_text() + "- file: notebooks/08_other\n")
    other = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(NUMBERED + TERM)])
    nbformat.write(other, elsewhere / "notebooks" / "08_other.ipynb")

    def built():
        assert book.build("shown")
        pages = (book.WORK / "_build" / "html" / "notebooks").glob("*.html")
        return {page.stem: page.stat().st_mtime_ns for page in pages}

    def change(old, new):
        chapter = elsewhere / "notebooks" / "07_perceptron_xor.ipynb"
        chapter.write_text(chapter.read_text().replace(old, new))
        return built()

    before = built()
    after = change("## Section", "## Section, changed")
    assert {name for name, time in after.items() if time != before[name]} == {"07_perceptron_xor"}
    found = (book.HTML / "searchindex.js").read_text().partition("(")[2].rpartition(")")[0]
    assert "zebra" in json.loads(found)["indexentries"]  # of a page that was not written again
    change("# Chapter", "# Chapter, renamed")  # but its title stands in every sidebar
    text = (book.HTML / "notebooks" / "08_other.html").read_text()
    assert "Chapter, renamed" in text and "Listing 8.1" in text


def test_without_the_reader_the_book_is_not_published(elsewhere):
    config = elsewhere / "book" / "_config.yml"
    text = config.read_text().replace(", tools.book_reader]", "]")
    text = re.sub(r"\n +(nb_custom_formats|local_extensions|bibtex_reference_style).*", "", text)
    config.write_text(text)
    with pytest.raises(SystemExit, match="must not be published"):
        book.build("shown")
    assert not book.HTML.exists()


# --- Vendored files -------------------------------------------------------------------------------------


def archive_of(folder, files):
    path = folder / "x-1.0.0.tgz"
    with tarfile.open(path, "w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    return path


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(vendor, "CACHE", tmp_path / "cache")
    return tmp_path


def test_a_package_with_another_hash_is_refused(cache):
    made = archive_of(cache, {"a.js": "1"})
    package = vendor.Package(
        "x@1.0.0", base64.b64encode(hashlib.sha512(b"").digest()).decode(), "x", {"a.js": ""}
    )
    with pytest.raises(vendor.VendorError, match="expected SHA-512"):
        vendor.archive(package, lambda name, folder: shutil.copy(made, folder) and made)
    assert not list(vendor.CACHE.glob("*.tgz"))


def test_a_checked_package_is_cached_and_unpacked(cache):
    made = archive_of(cache, {"es5/a.js": "1", "b.js": "2"})
    package = vendor.Package("x@1.0.0", vendor.sha512(made), "x", {"es5/*": "es5/"})
    calls = []

    def download(name, folder):
        calls.append(name)
        return vendor.Path(shutil.copy(made, folder))

    for _ in range(2):
        vendor.unpack(package, vendor.archive(package, download), cache / "out")
    assert calls == ["x@1.0.0"]
    assert [str(p.relative_to(cache / "out")) for p in (cache / "out").rglob("*.js")] == ["x/a.js"]


def test_a_package_without_the_wanted_file_is_refused(cache):
    made = archive_of(cache, {"b.js": "2"})
    with pytest.raises(vendor.VendorError, match="holds no a.js"):
        vendor.unpack(vendor.Package("x@1.0.0", "", "x", {"a.js": ""}), made, cache / "out")


def test_without_npm_and_network_one_line_says_what_is_missing(cache, monkeypatch):
    fails = shutil.which("false")
    monkeypatch.setattr(vendor.shutil, "which", lambda name: None)
    monkeypatch.setattr(vendor.sys, "executable", fails)
    with pytest.raises(vendor.VendorError, match="could not be fetched from the npm registry"):
        vendor.archive(vendor.Package("x@1.0.0", "", "x", {}))


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("bwrap"), reason="no bubblewrap: install it to build without a network")
def test_the_book_is_built_without_a_network(site, tmp_path):
    """The packages of JavaScript are cached once (`site`); from then on no build asks for anything."""
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", sources.ROOT, clone], check=True)
    alone = ["bwrap", "--dev-bind", "/", "/", "--unshare-net", "--chdir", clone, sys.executable]
    reach = "import socket; socket.create_connection(('192.0.2.1', 80), 2)"
    cut = subprocess.run([*alone, "-c", reach], capture_output=True, text=True)
    assert "Network is unreachable" in cut.stderr
    environment = os.environ | {"DLCOURSE_ENV": "here", "PYTHONPATH": str(clone)}
    subprocess.run([*alone, "-m", "tools.book"], check=True, env=environment)
    built = {path.relative_to(clone / "build" / "html") for path in clone.glob("build/html/**/*.html")}
    assert built == {path.relative_to(site) for path in site.rglob("*.html")}
