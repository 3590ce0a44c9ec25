"""Small pieces of HTML that the course's boxes share: inline text and the files under assets/."""

import html
import re
from importlib import resources


def inline(text):
    """Escape a text; `code`, *emphasis* and $formulas$ become HTML that Lab and the book both set."""
    parts = re.split(r"(`[^`]+`|\$[^$]+\$)", text)
    return "".join(_part(part) for part in parts)


def _part(text):
    if len(text) > 2 and text[0] == text[-1] == "`":
        return f"<code>{html.escape(text[1:-1])}</code>"
    if len(text) > 2 and text[0] == text[-1] == "$":
        return rf"\({html.escape(text[1:-1])}\)"
    return re.sub(r"(?<!\w)\*(\S[^*]*)\*(?!\w)", r"<em>\1</em>", html.escape(text))


def asset(name):
    """The text of a file under assets/, as `<style>` or `<script>`."""
    text = resources.files("dlcourse.course").joinpath("assets", name).read_text(encoding="utf-8").strip()
    return f"<style>{text}</style>" if name.endswith(".css") else f"<script>{text}</script>"
