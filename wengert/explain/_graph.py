"""The graph of a Wengert list as DOT text and as an SVG picture."""

from __future__ import annotations

from html import escape
from typing import NamedTuple

from wengert.explain._layout import Edge, layered

CHARACTER, LINE, MARGIN, GAP, PORT = 7.3, 17.0, 16.0, 92.0, 13.0
ROLES = {"input": "#dbeafe", "step": "#ffffff", "output": "#dcfce7"}


class Node(NamedTuple):
    """A box: lines of text, and whether it is an input, a step or an output."""

    lines: list[str]
    role: str

    @property
    def width(self) -> float:
        return max(len(line) for line in self.lines) * CHARACTER + 20

    @property
    def height(self) -> float:
        return len(self.lines) * LINE + 12


def dot(nodes: list[Node], edges: dict[Edge, str]) -> str:
    """The graph in Graphviz's language, left to right."""
    lines = [
        "digraph wengert {",
        "  rankdir=LR;",
        '  node [shape=box, style="rounded,filled", fontname="monospace"];',
        '  edge [fontname="monospace"];',
    ]
    for i, node in enumerate(nodes):
        label = "\\n".join(map(_quoted, node.lines))
        lines.append(f'  v{i + 1} [label="{label}", fillcolor="{ROLES[node.role]}"];')
    for (start, end), label in edges.items():
        note = f' [label="{label}"]' if label else ""
        lines.append(f"  v{start + 1} -> v{end + 1}{note};")
    return "\n".join([*lines, "}", ""])


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def svg(nodes: list[Node], edges: dict[Edge, str]) -> str:
    """The graph as a picture, inputs at the left."""
    layout = layered(len(nodes), list(edges))
    columns = range(max(layout.layer) + 1)
    widths = [
        max(n.width for n, c in zip(nodes, layout.layer, strict=True) if c == column)
        for column in columns
    ]
    left = [MARGIN + sum(widths[:c]) + GAP * c for c in columns]
    pitch = max(n.height for n in nodes) + 26
    ys = [MARGIN + pitch * (h + 0.5) for h in layout.height]
    bends = {
        edge: [MARGIN + pitch * (h + 0.5) for h in heights]
        for edge, heights in layout.bends.items()
    }
    depth = max([*ys, *(y for bend in bends.values() for y in bend)])
    size = left[-1] + widths[-1] + MARGIN, depth + pitch / 2 + MARGIN
    ports = _ports(bends, ys)
    lines, labels = [], []
    for (start, end), label in edges.items():
        column = layout.layer[start]
        points = [(left[column] + nodes[start].width, ys[start])]
        for i, y in enumerate(bends[start, end], column + 1):
            points += [(left[i], y), (left[i] + widths[i], y)]
        points.append((left[layout.layer[end]], ports[start, end]))
        lines.append(_line(points))
        labels.append(_label(points[-2], points[-1], label))
    boxes = [
        _box(node, left[column], y - node.height / 2)
        for node, column, y in zip(nodes, layout.layer, ys, strict=True)
    ]
    return "\n".join([_head(*size), *lines, *labels, *boxes, "</svg>", ""])


def _ports(bends: dict[Edge, list[float]], ys: list[float]) -> dict[Edge, float]:
    """The heights at which edges arrive, side by side where a box has several."""
    ports = {}
    for end in {end for _, end in bends}:
        coming_from = {
            edge: [ys[edge[0]], *between][-1]
            for edge, between in bends.items()
            if edge[1] == end
        }
        for i, edge in enumerate(sorted(coming_from, key=coming_from.__getitem__)):
            ports[edge] = ys[end] + PORT * (i - (len(coming_from) - 1) / 2)
    return ports


def _head(width: float, height: float) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" '
        f'height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}" '
        'font-family="monospace" font-size="12">\n'
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" '
        'markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z" fill="#64748b"/>'
        '</marker></defs>\n<rect width="100%" height="100%" fill="white"/>'
    )


def _line(points: list[tuple[float, float]]) -> str:
    """An arrow: curves between layers, straight across them."""
    (x, y), rest = points[0], points[1:]
    path = f"M{x:.1f} {y:.1f}"
    for i, (to_x, to_y) in enumerate(rest):
        if i % 2:
            path += f"H{to_x:.1f}"
        else:
            mid = (x + to_x) / 2
            path += f"C{mid:.1f} {y:.1f} {mid:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}"
        x, y = to_x, to_y
    return (
        f'<path d="{path}" fill="none" stroke="#64748b" stroke-width="1.3" '
        'marker-end="url(#arrow)"/>'
    )


def _label(start: tuple[float, float], end: tuple[float, float], text: str) -> str:
    """A number two thirds along the last curve of an arrow."""
    if not text:
        return ""
    t = 0.66
    along = 1.5 * t * (1 - t) + t**3  # the curve's x and y as parts of the way, at t
    across = 3 * t**2 * (1 - t) + t**3
    x = start[0] + (end[0] - start[0]) * along
    y = start[1] + (end[1] - start[1]) * across
    return (
        f'<text x="{x:.1f}" y="{y + 3.5:.1f}" text-anchor="middle" font-size="10.5" '
        'fill="#b91c1c" paint-order="stroke" stroke="white" stroke-width="4">'
        f"{escape(text)}</text>"
    )


def _box(node: Node, x: float, y: float) -> str:
    lines = [
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{node.width:.1f}" '
        f'height="{node.height:.1f}" rx="6" fill="{ROLES[node.role]}" '
        'stroke="#334155"/>'
    ]
    for i, text in enumerate(node.lines):
        weight = ' font-weight="bold"' if i == 0 else ' fill="#475569"'
        lines.append(
            f'<text x="{x + node.width / 2:.1f}" y="{y + 18 + i * LINE:.1f}" '
            f'text-anchor="middle"{weight}>{escape(text)}</text>'
        )
    return "\n".join(lines)
