"""The published table of kinks, from the rows of the op table."""

from __future__ import annotations

from wengert._core.op import OPS
from wengert._ops.families import Kink


def kink_table() -> str:
    """The kinks of all rows as a table in Markdown, in the order of their names."""
    kinks: list[Kink] = [row.kinks for row in OPS if row.kinks is not None]
    lines = ["| where | Wengert | JAX | PyTorch |", "|---|---|---|---|"]
    for kink in sorted(kinks, key=lambda kink: kink.where.lower()):
        cells = (kink.where, kink.ours, kink.jax, kink.torch)
        lines.append(
            "| " + " | ".join(cell or "no such function" for cell in cells) + " |"
        )
    return "\n".join(lines) + "\n"
