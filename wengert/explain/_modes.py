"""Forward against reverse mode: time and memory of a Jacobian, n inputs, m outputs."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Callable
from functools import partial
from time import process_time
from typing import IO, Any, NamedTuple

import numpy as np

import wengert.numpy as wnp
from wengert._modes.directional import jvp
from wengert._modes.reverse import vjp
from wengert.explain import _plot

SIZES = (1, 2, 4, 8, 16, 32, 64)
WIDTH, DEPTH = 1024, 20  # entries of an intermediate value, and how many there are
REPEATS = 3


class Modes(NamedTuple):
    """Seconds and peak bytes of a Jacobian, indexed [outputs, inputs]."""

    sizes: tuple[int, ...]
    forward_seconds: np.ndarray
    reverse_seconds: np.ndarray
    forward_bytes: np.ndarray
    reverse_bytes: np.ndarray


def modes(sizes: tuple[int, ...] = SIZES) -> Modes:
    """Measure both modes on a function R^n -> R^m whose own cost depends on neither.

    The function is a chain of 20 sines and cosines of 1024 numbers. A Jacobian takes n
    sweeps forward, or one run on the tape and m sweeps back.

    Args:
        sizes: The values that n and m take.

    Returns:
        A `Modes`.

    Example:
        >>> import wengert as wg
        >>> found = wg.explain.modes(sizes=(1, 64))
        >>> bool(found.reverse_seconds[0, 1] < found.forward_seconds[0, 1])
        True
        >>> bool(found.reverse_bytes[0, 0] > found.forward_bytes[0, 0])
        True

    References:
        Griewank & Walther, *Evaluating Derivatives*, 2nd ed., SIAM 2008, ch. 3-4.
    """
    shape = (len(sizes), len(sizes))
    seconds, peaks = np.empty((2, *shape)), np.empty((2, *shape))
    for row, outputs in enumerate(sizes):
        for column, inputs in enumerate(sizes):
            fun, x = _chain(outputs), np.linspace(0.1, 0.9, inputs)
            for mode, sweep in enumerate((_forward, _reverse)):
                run = partial(sweep, fun, x, outputs)
                seconds[mode, row, column] = _seconds(run)
                peaks[mode, row, column] = _peak(run)
    return Modes(sizes, seconds[0], seconds[1], peaks[0], peaks[1])


def _chain(outputs: int) -> Callable[[Any], Any]:
    def fun(x: Any) -> Any:
        y = wnp.zeros(WIDTH) + x.sum()
        for _ in range(DEPTH // 2):
            y = wnp.cos(wnp.sin(y))
        return y[:outputs] * 2.0

    return fun


def _forward(fun: Callable[[Any], Any], x: np.ndarray, outputs: int) -> np.ndarray:
    jacobian = np.empty((outputs, x.size))
    for i in range(x.size):
        jacobian[:, i] = jvp(fun, (x,), (_unit(x.size, i),))[1]
    return jacobian


def _reverse(fun: Callable[[Any], Any], x: np.ndarray, outputs: int) -> np.ndarray:
    jacobian = np.empty((outputs, x.size))
    _, pullback = vjp(fun, x)
    for i in range(outputs):
        jacobian[i] = pullback(_unit(outputs, i))[0]
    return jacobian


def _unit(size: int, i: int) -> np.ndarray:
    unit = np.zeros(size)
    unit[i] = 1.0
    return unit


def _seconds(run: Callable[[], Any]) -> float:
    best = float("inf")
    for _ in range(REPEATS):
        start = process_time()
        run()
        best = min(best, process_time() - start)
    return best


def _peak(run: Callable[[], Any]) -> int:
    """Most bytes allocated at one time; a trace that is running is left running."""
    running = tracemalloc.is_tracing()
    if not running:
        tracemalloc.start()
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    run()
    _, peak = tracemalloc.get_traced_memory()
    if not running:
        tracemalloc.stop()
    return peak - before


def plot_modes(
    path: str | os.PathLike[str] | IO[bytes], sizes: tuple[int, ...] = SIZES
) -> Modes:
    """Draw which mode is faster, and by how much, and what each keeps in memory.

    Args:
        path: File to write, ``.png``, ``.svg`` or ``.pdf``; or an open one, for PNG.
        sizes: The values that n and m take.

    Returns:
        The numbers drawn, a `Modes`.

    Raises:
        MissingLibraryError: matplotlib is not installed.

    Example:
        >>> import io, wengert as wg
        >>> picture = io.BytesIO()
        >>> found = wg.explain.plot_modes(picture, sizes=(1, 4))
    """
    with _plot.picture(path, "explain.plot_modes", 3, (13.0, 4.3)) as axes:
        heat, time, memory = axes
        found = modes(sizes)
        _draw_ratio(heat, found)
        _draw_curves(
            time,
            found.sizes,
            (found.forward_seconds * 1e3, found.reverse_seconds * 1e3),
            "time of the Jacobian, ms",
        )
        _draw_curves(
            memory,
            found.sizes,
            (found.forward_bytes / 1024, found.reverse_bytes / 1024),
            "peak memory, KiB",
        )
        memory.set_yscale("linear")
        memory.set_ylim(bottom=0.0)
        time.set_title("Time: a sweep per input, or per output")
        memory.set_title("Memory: reverse mode keeps every step")
        time.legend()
    return found


def _draw_ratio(axes: Any, found: Modes) -> None:
    """A map of the ratio of times: red where reverse mode wins, blue where forward."""
    ratio = np.log2(found.forward_seconds / found.reverse_seconds)
    limit = float(abs(ratio).max()) or 1.0
    axes.grid(False)
    image = axes.imshow(ratio, origin="lower", cmap="RdBu_r", vmin=-limit, vmax=limit)
    for (row, column), value in np.ndenumerate(ratio):
        factor = 2.0 ** abs(value)
        shade = "white" if abs(value) > 0.6 * limit else "black"
        text = f"{factor:.0f}" if factor >= 9.5 else f"{factor:.1f}"
        axes.text(column, row, text, ha="center", va="center", color=shade, fontsize=8)
    axes.set_xticks(range(len(found.sizes)), found.sizes)
    axes.set_yticks(range(len(found.sizes)), found.sizes)
    axes.set(
        xlabel="inputs n",
        ylabel="outputs m",
        title="The faster mode, and how many times",
    )
    ticks = [-limit * 0.8, limit * 0.8]
    ends = axes.figure.colorbar(image, ax=axes, ticks=ticks, shrink=0.8)
    ends.ax.set_yticklabels(["forward", "reverse"], rotation=90, va="center")


def _draw_curves(
    axes: Any, sizes: tuple[int, ...], values: tuple[np.ndarray, np.ndarray], label: str
) -> None:
    """Both modes over n for one output, and over m for one input."""
    for (mode, colour), both in zip(
        (("forward", _plot.BLUE), ("reverse", _plot.RED)), values, strict=True
    ):
        axes.loglog(
            sizes, both[0], "o-", color=colour, label=f"{mode}: n inputs, 1 output"
        )
        axes.loglog(
            sizes, both[:, 0], "s--", mfc="none", color=colour,
            label=f"{mode}: 1 input, m outputs",
        )  # fmt: skip
    axes.set(xlabel="n or m", ylabel=label)
    axes.set_xticks(sizes, sizes)
    axes.xaxis.minorticks_off()
    axes.yaxis.set_major_formatter("{x:g}")
