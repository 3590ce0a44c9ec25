"""Decks: cut out of the chapters' pages, complete, and every slide fits its window."""

import pytest

pytest.importorskip("jupyter_book", reason="the book is built with the extra `book`")
pytest.importorskip("websocket", reason="the browser is driven through websocket-client")

from tools import slides

PAGE = """<article><section><h1>One unit<a class="headerlink">#</a></h1>
<div class="opener"><p>In this chapter</p><p>You will be able to add.</p></div>
<section><h2>A section</h2><p>A <b>unit</b> adds <span class="math">x. y</span>. It does more.</p>
<div class="math">\\[a\\]</div><div class="math">\\[b\\]</div>
<div class="cell"><div class="cell_input"><pre>code</pre></div>
<figure><img src="../_images/a.png" alt="a"></figure></div>
<section><h3>Below</h3><p>A <a href="other.html">link</a>: and more.</p>
<div class="claim">Claim</div></section>
</section></section></article>"""


def test_a_section_becomes_slides_in_order():
    found = slides.BeautifulSoup(slides.deck(PAGE), "html.parser").select(".slide")
    texts = [" ".join(slide.get_text(" ").split()) for slide in found]
    assert texts[0] == "One unit You will be able to add."
    assert texts[1] == "A section A unit adds x. y . \\[a\\] \\[b\\]"
    assert texts[2] == "A section" and found[2].img["src"] == "_images/a.png"
    assert texts[3] == "Below A link. Claim"
    assert len(texts) == 4 and not any(slide.select("a, .cell_input") for slide in found)


TOO_LARGE = """[...document.querySelectorAll('.slide > div')].filter(body =>
    body.scrollHeight > body.clientHeight + 2 || body.scrollWidth > body.clientWidth + 2
).map(body => body.textContent.slice(0, 60))"""


@pytest.fixture(scope="module")
def decks(site, tmp_path_factory):
    folder = tmp_path_factory.mktemp("decks") / "slides"
    slides.build(site, folder, ["07_perceptron_xor"])
    return folder


def test_a_deck_loads_cleanly_fits_and_obeys_the_keys(browser, decks):
    browser.view("dark", 1280)
    assert browser.open((decks / "07_perceptron_xor.html").as_uri()).problems == []
    assert browser.evaluate("document.querySelectorAll('.slide').length") > 30
    assert browser.evaluate(TOO_LARGE) == []
    assert browser.evaluate("document.documentElement.dataset.theme") == "dark"
    press = "dispatchEvent(new KeyboardEvent('keydown', {key: '%s', bubbles: true}))"
    browser.evaluate(f"document.body.{press % 'ArrowRight'}; 0")
    browser.evaluate(f"document.body.{press % 'PageDown'}; 0")
    assert browser.evaluate("Math.round(scrollY / innerHeight)") == 2
