"""Self-checks: accessible HTML that answers without a kernel, in Lab and in a static page."""

import re
from html.parser import HTMLParser

import pytest

from dlcourse.course import exercises, sources
from dlcourse.course.exercises import Choice, Exercise, Match, Option, Order
from dlcourse.course.exercises._quiz import Page
from tests import toy_exercises as toy
from tools.browser import Browser, find, serve

TOYS = {entry.name: entry for entry in toy.ENTRIES if not isinstance(entry, Exercise)}
REAL = [entry for entry in exercises.entries() if not isinstance(entry, Exercise)]
VOID = {"input", "br", "img", "hr", "meta"}


class Reader(HTMLParser):
    """Collects the elements, and complains where one is not closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.texts = [], [], []
        self.feed(text)
        assert not self.open, f"left open: {self.open}"

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes), tuple(self.open)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    def all(self, tag):
        return [attributes for name, attributes, _ in self.elements if name == tag]


@pytest.mark.parametrize("entry", [*TOYS.values(), *REAL], ids=lambda entry: entry.name)
def test_the_page_is_well_formed_and_labelled(entry):
    page = Page(entry)
    reader = Reader(page.html())
    assert page.html() == Page(entry).html(), "two displays differ"
    assert len(reader.all("form")) == len(reader.all("fieldset")) == len(reader.all("legend")) == 1
    status = [p for p in reader.all("p") if p.get("role") == "status"]
    assert [p["aria-live"] for p in status] == ["polite"]
    for tag, attributes, parents in reader.elements:
        if tag in ("input", "select", "textarea"):
            assert "label" in parents, f"{tag} without a label"
        assert not any(key in attributes for key in ("src", "href", "id")), (
            "must stand alone, twice on a page"
        )
    assert entry.question in page._repr_mimebundle_()["text/plain"]


def test_every_option_is_explained():
    for name, count in (("line", 2), ("several", 3), ("steps", 3), ("gates", 3), ("prints", 2)):
        explained = [li for li in Reader(Page(TOYS[name]).html()).all("li") if "data-value" in li]
        assert len(explained) == count


def test_texts_are_escaped_and_marked_up():
    page = Page(TOYS["line"]).html()
    assert "No &amp; never" in page and "<em>XOR</em>" in page and "<code>AND</code>" in page
    assert r"\(x\)" in page


def test_steps_and_pairs_are_never_shown_in_the_right_order():
    for name in (f"order-{i}" for i in range(40)):
        entry = Order(name=name, question="?", steps=TOYS["steps"].steps)
        shown = [li["data-step"] for li in Reader(Page(entry).html()).all("li") if "data-step" in li]
        assert sorted(shown) == ["0", "1", "2"] and shown != ["0", "1", "2"]


@pytest.mark.parametrize(
    "kind, fields",
    [
        (Choice, {"options": (Option(text="a", says="b"), Option(text="c", says="d"))}),
        (Order, {"steps": (("a", "b"), ("c", "d"))}),
        (Match, {"pairs": (("a", "b", "c"),)}),
    ],
)
def test_questions_without_an_answer_are_refused(kind, fields):
    with pytest.raises(ValueError, match="expected at least"):
        kind(name="x", question="?", **fields)


def test_names_of_self_checks_are_not_those_of_exercises():
    exercise = next(entry for entry in exercises.entries() if isinstance(entry, Exercise))
    with pytest.raises(ValueError, match="expected the name of a self-check"):
        exercises.selfcheck(exercise.name)


def test_every_self_check_stands_in_its_chapter():
    for slug in sources.chapters():
        known = {e.name for e in exercises.entries(slug) if not isinstance(e, Exercise)}
        text = "\n".join(cell.source for cell in sources.read(slug).cells if cell.cell_type == "code")
        assert known == set(re.findall(r'^selfcheck\("([\w-]+)"\)', text, re.MULTILINE)), slug


# --- In a browser -----------------------------------------------------------------------------------------

needs_browser = pytest.mark.skipif(not find(), reason="no chromium")
PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>t</title>'
    '<link rel="icon" href="data:,"><body>{}</body></html>'
)
RESULT = "document.querySelector('[data-kind={kind}] .selfcheck-result').textContent"
PRESS = "document.querySelector('[data-kind={kind}] [type=submit]').click()"


@pytest.fixture(scope="module")
def answer(tmp_path_factory):
    """Runs a script on a page of self-checks (the first one twice), presses Check, returns the words."""
    folder = tmp_path_factory.mktemp("page")
    shown = [TOYS[name] for name in ("line", "steps", "gates", "prints", "line")]
    body = "".join(Page(entry).html() for entry in shown)
    (folder / "index.html").write_text(PAGE.format(body), encoding="utf-8")
    with serve(folder) as address, Browser() as browser:

        def run(kind, script):
            browser.open(address + "index.html")
            browser.evaluate(f"{{ {script} }}")
            browser.evaluate(PRESS.format(kind=kind))
            return browser.evaluate(RESULT.format(kind=kind))

        run.browser = browser
        yield run


TICK = "document.querySelectorAll('[data-kind=choice] input')[{}].click();"
SORT = """const list = document.querySelector('[data-kind=order] ol');
for (let i = 0; i < 3; i++) for (const li of [...list.children]) {
    const next = li.nextElementSibling;
    if (next && next.dataset.step < li.dataset.step) li.querySelector('[data-move=down]').click();
}"""
PICK = """document.querySelectorAll('[data-kind=match] select').forEach((menu, i) => {
    menu.value = (i + %d) %% 3;
});"""
WRITE = "document.querySelector('[data-kind=predict] textarea').value = %r;"


@needs_browser
@pytest.mark.parametrize(
    "kind, script, words",
    [
        ("choice", "", "✗ Choose an answer first. "),
        ("choice", TICK.format(0), "✓ Right. Try AND."),
        ("choice", TICK.format(1), "✗ Not right. Only XOR resists."),
        ("order", "", "does not belong there"),
        ("order", SORT, "✓ Right: all 3 steps are in order."),
        ("match", "", "✗ Match every line first."),
        ("match", PICK % 0, "✓ Right: all 3 match."),
        ("match", PICK % 1, "✗ Not yet: look again at “AND"),
        ("predict", WRITE % " True  3", "✓ Right. print puts a space."),
        ("predict", WRITE % "True, 3", "✗ Not right. No comma."),
        ("predict", WRITE % "<b>", "✗ Not right. "),
    ],
)
def test_the_page_answers(answer, kind, script, words):
    assert words in answer(kind, script)


@needs_browser
def test_moving_a_step_says_where_it_is_and_keeps_the_focus(answer):
    step = "document.querySelector('[data-kind=order] [data-move=down]')"
    keep = "document.title = [document.activeElement === down, said.textContent].join(' ');"
    said = "const said = document.querySelector('[data-kind=order] .selfcheck-result');"
    answer("order", f"const down = {step}; {said} down.click(); {keep}")
    assert "true" in answer.browser.evaluate("document.title")
    assert ": now 2 of 3" in answer.browser.evaluate("document.title")
