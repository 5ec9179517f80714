"""Where to draw the nodes of a directed acyclic graph: layers, order, positions.

Sugiyama, Tagawa & Toda, IEEE Trans. SMC 11(2), 1981: longest-path layers, crossings
reduced by barycentres, positions by least squares under a minimum distance.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

SWEEPS = 12

Edge = tuple[int, int]


class Layout(NamedTuple):
    """Layer and height of each node; heights of each edge at the layers between."""

    layer: list[int]
    height: list[float]
    bends: dict[Edge, list[float]]


def layered(count: int, edges: list[Edge]) -> Layout:
    """Lay out nodes 0 to ``count - 1``; every edge leads to a higher number.

    Heights are in units of the distance between two nodes of one layer.
    """
    layer = [0] * count
    for start, end in sorted(edges, key=lambda edge: edge[1]):
        layer[end] = max(layer[end], layer[start] + 1)
    chains = {edge: _chain(edge, layer) for edge in edges}
    links = [pair for chain in chains.values() for pair in pairwise(chain)]
    columns: list[list[int]] = [[] for _ in range(max(layer) + 1)]
    for node, column in enumerate(layer):
        columns[column].append(node)
    before: dict[int, list[int]] = {node: [] for node in range(len(layer))}
    after: dict[int, list[int]] = {node: [] for node in range(len(layer))}
    for start, end in links:
        before[end].append(start)
        after[start].append(end)
    height = _heights(columns, before, after)
    bends = {edge: [height[n] for n in chain[1:-1]] for edge, chain in chains.items()}
    return Layout(layer[:count], [height[n] for n in range(count)], bends)


def _chain(edge: Edge, layer: list[int]) -> list[int]:
    """The edge with a placeholder node, added to `layer`, in each layer it crosses."""
    start, end = edge
    placeholders = []
    for column in range(layer[start] + 1, layer[end]):
        placeholders.append(len(layer))
        layer.append(column)
    return [start, *placeholders, end]


def _heights(
    columns: list[list[int]], before: dict[int, list[int]], after: dict[int, list[int]]
) -> dict[int, float]:
    height = {n: float(i) for column in columns for i, n in enumerate(column)}
    for sweep in range(2 * SWEEPS):
        forwards = sweep % 2 == 0
        neighbours = before if forwards else after
        for column in columns if forwards else reversed(columns):
            wanted = {
                n: _mean([height[m] for m in neighbours[n]], height[n]) for n in column
            }
            if sweep < SWEEPS:
                column.sort(key=lambda n: (wanted[n], height[n]))
            placed = _apart([wanted[n] for n in column])
            height.update(zip(column, placed, strict=True))
    top = min(height.values())
    return {n: y - top for n, y in height.items()}


def _mean(values: list[float], default: float) -> float:
    return sum(values) / len(values) if values else default


def _apart(wanted: list[float]) -> list[float]:
    """The nearest positions, in least squares, in order and at distances >= 1."""
    blocks: list[tuple[float, int]] = []  # (mean, count) of merged neighbours
    for i, value in enumerate(wanted):
        mean, count = value - i, 1
        while blocks and blocks[-1][0] > mean:
            other, size = blocks.pop()
            mean = (mean * count + other * size) / (count + size)
            count += size
        blocks.append((mean, count))
    shifts = [mean for mean, count in blocks for _ in range(count)]
    return [shift + i for i, shift in enumerate(shifts)]
