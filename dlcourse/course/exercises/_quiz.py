"""Self-checks as HTML: native form controls and one shared script, so they answer without a kernel."""

import html
import random
from dataclasses import dataclass

from dlcourse.course.exercises._entry import Choice, Entry, Match, Order, Predict
from dlcourse.course.markup import asset, inline


@dataclass(frozen=True)
class Page:
    """A self-check that displays itself."""

    entry: Entry

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/html": self.html(), "text/plain": f"Self-check: {self.entry.question}"}

    def html(self):
        kind = type(self.entry).__name__.lower()
        body, answers = KINDS[type(self.entry)](self.entry)
        return (
            f'{asset("selfcheck.css")}<div class="selfcheck" data-kind="{kind}" '
            f'data-lm-suppress-shortcuts="true">\n'
            f'<form onsubmit="return false" autocomplete="off"><fieldset>\n'
            f"<legend>{inline(self.entry.question)}</legend>\n{body}\n"
            f'<button type="submit">Check</button>\n'
            f'<p class="selfcheck-result" role="status" aria-live="polite"></p>\n'
            f'<details class="selfcheck-answers"><summary>All explanations</summary>\n{answers}\n</details>\n'
            f"</fieldset></form>\n</div>{asset('selfcheck.js')}"
        )


def _explanation(value, text, says, right=False):
    """One line of the list that both the reader and the script find the explanations in."""
    mark = " data-right" if right else ""
    says = f'<span class="selfcheck-says">{inline(says)}</span>'
    return f'<li data-value="{html.escape(value)}"{mark}>{text}: {says}</li>'


def _list(rows, tag="ul"):
    return f"<{tag}>\n" + "\n".join(rows) + f"\n</{tag}>"


def _shuffled(entry, items):
    """The items in an order that looks mixed, is always the same, and is never the right one."""
    items = list(items)
    mixed = random.Random(entry.name).sample(items, len(items))
    return mixed if mixed != items else items[1:] + items[:1]


def _choice(entry):
    several = sum(option.right for option in entry.options) > 1
    kind = "checkbox" if several else "radio"
    rows = (
        f'<label class="selfcheck-row"><input type="{kind}" name="{html.escape(entry.name)}" value="{i}">'
        f"<span>{inline(option.text)}</span></label>"
        for i, option in enumerate(entry.options)
    )
    told = (
        _explanation(str(i), f"{'✓' if o.right else '✗'} {inline(o.text)}", o.says, o.right)
        for i, o in enumerate(entry.options)
    )
    note = "<p>More than one answer may be right.</p>\n" if several else ""
    return note + "\n".join(rows), _list(told)


def _order(entry):
    rows = []
    for i, (step, _) in _shuffled(entry, enumerate(entry.steps)):
        name = html.escape(step)
        buttons = "".join(
            f'<button type="button" data-move="{way}" aria-label="Move {way}: {name}">{arrow}</button>'
            for way, arrow in (("up", "↑"), ("down", "↓"))
        )
        row = f'<div class="selfcheck-row">{buttons}<span>{inline(step)}</span></div>'
        rows.append(f'<li data-step="{i}">{row}</li>')
    told = (_explanation(str(i), inline(step), why) for i, (step, why) in enumerate(entry.steps))
    return _list(rows, "ol"), _list(told, "ol")


def _match(entry):
    options = "".join(
        f'<option value="{i}">{html.escape(right.replace("`", ""))}</option>'  # a menu knows no code
        for i, (_, right, _) in _shuffled(entry, enumerate(entry.pairs))
    )
    rows = (
        f'<label class="selfcheck-row"><span>{inline(left)}</span> <select data-own="{i}">'
        f'<option value="">choose …</option>{options}</select></label>'
        for i, (left, _, _) in enumerate(entry.pairs)
    )
    told = (
        _explanation(str(i), f"{inline(left)} → {inline(right)}", why)
        for i, (left, right, why) in enumerate(entry.pairs)
    )
    return "\n".join(rows), _list(told)


def _normal(text):
    return " ".join(text.split())


def _predict(entry):
    lines = entry.answer.count("\n") + 1
    body = (
        f'<pre><code class="language-{entry.language}">{html.escape(entry.code)}</code></pre>\n'
        f'<label class="selfcheck-row"><span>It prints</span>'
        f'<textarea rows="{lines}" cols="40" spellcheck="false"></textarea></label>'
    )
    told = [("✓", entry.answer, entry.says), *(("✗", wrong, says) for wrong, says in entry.wrong.items())]
    return body, _list(
        _explanation(_normal(text), f"{mark} <code>{html.escape(text)}</code>", says, mark == "✓")
        for mark, text, says in told
    )


KINDS = {Choice: _choice, Order: _order, Match: _match, Predict: _predict}
