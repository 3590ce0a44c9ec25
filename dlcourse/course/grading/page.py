"""The frame of the pages that graders write: one file each, nothing loaded, no script that could run."""

import html

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
body { color: #1a1a1a; background: #fff }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem; border-bottom: 1px solid #ccc }
td.number, th.number { text-align: right; white-space: nowrap }
pre { background: #f4f4f4; padding: .6rem; white-space: pre-wrap }
.right { color: #116329 } .wrong { color: #a40e26 } .open { color: #7a4d00 }
svg text { font: 13px system-ui, sans-serif; fill: currentColor }
@media (prefers-color-scheme: dark) {
  body { color: #eee; background: #181818 } pre { background: #262626 } th, td { border-color: #444 }
  .right { color: #7ee2a0 } .wrong { color: #ff9a9a } .open { color: #f0c060 }
}
"""
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def escape(text):
    """Text for a page; characters that would hide or reverse others are shown as what they are."""
    shown = (c if c.isprintable() or c in "\n\t" else f"\\u{ord(c):04x}" for c in str(text))
    return html.escape("".join(shown))


def page(title, body):
    head = f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    head += '<meta name="viewport" content="width=device-width, initial-scale=1">'
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}<title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head>\n<body><main>\n<h1>{escape(title)}</h1>\n{body}\n</main></body></html>\n"
    )


def table(heads, rows, numbers=()):
    """Rows of ready HTML; `numbers` are the columns set to the right."""

    def cells(tag, row):
        classes = (' class="number"' if i in numbers else "" for i in range(len(row)))
        return "".join(f"<{tag}{c}>{cell}</{tag}>" for c, cell in zip(classes, row))

    lines = "\n".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return f"<table><thead><tr>{cells('th', heads)}</tr></thead><tbody>\n{lines}\n</tbody></table>"


def points(value):
    return "–" if value is None else f"{value:g}"
