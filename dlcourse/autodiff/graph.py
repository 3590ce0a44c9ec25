"""Draw what a tape holds."""

from html import escape

from dlcourse.autodiff.tape import Variable

WIDTH, HEIGHT, GAP = 96, 34, 26


def draw(y, *, title="Computational graph"):
    """Return the part of the tape that leads to y as SVG: inputs on the left, arrows as computed."""
    if not isinstance(y, Variable):
        raise TypeError(f"draw: expected y, a variable of a tape, got {y!r:.40}")
    nodes = _ancestors(y)
    column, place, filled = {}, {}, {}
    for node in nodes:  # in the order of the tape, so that parents come first
        column[node.index] = 1 + max((column[parent.index] for parent, _ in node.parents), default=-1)
        row = filled[column[node.index]] = filled.get(column[node.index], -1) + 1
        place[node.index] = GAP + column[node.index] * (WIDTH + 2 * GAP), GAP + row * (HEIGHT + GAP)
    parts = [_arrow(place[p.index], place[node.index]) for node in nodes for p, _ in node.parents]
    parts += [_box(*place[node.index], node) for node in nodes]
    right = max(x for x, _ in place.values()) + WIDTH + GAP
    bottom = max(y for _, y in place.values()) + HEIGHT + GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {right} {bottom}" width="{right}" role="img" '
        f'font-family="sans-serif" font-size="12" stroke="currentColor" fill="none">'
        f"<title>{escape(title)}</title>"
        f'<defs><marker id="tip" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto">'
        f'<path d="M0,0 L8,4 L0,8 z" fill="currentColor" stroke="none"/></marker></defs>'
        f"{''.join(parts)}</svg>"
    )


def _ancestors(y):
    found, waiting = {}, [y]
    while waiting:
        node = waiting.pop()
        if node.index not in found:
            found[node.index] = node
            waiting += [parent for parent, _ in node.parents]
    return [found[index] for index in sorted(found)]


def _box(x, y, node):
    value = f"{node.value.item():.4g}" if node.value.size == 1 else str(node.value.shape)
    text = f'<text x="{x + WIDTH / 2}" text-anchor="middle" fill="currentColor" stroke="none"'
    corner = 4 if node.parents else HEIGHT // 2  # inputs are round
    return (
        f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="{corner}"/>'
        f'{text} y="{y + 14}">{escape(node.label)}</text>{text} y="{y + 28}">{escape(value)}</text>'
    )


def _arrow(start, end):
    x1, y1, x2, y2 = start[0] + WIDTH, start[1] + HEIGHT / 2, end[0], end[1] + HEIGHT / 2
    bend = (x1 + x2) / 2
    return f'<path d="M{x1},{y1} C{bend},{y1} {bend},{y2} {x2},{y2}" marker-end="url(#tip)"/>'
