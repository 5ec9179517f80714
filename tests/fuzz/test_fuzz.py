"""Random programs compiled do what they do as they are, and so do their gradients."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from tests.fuzz import writer
from tests.fuzz.running import report, run

FULL = os.environ.get("WENGERT_FULL_TESTS") == "1"
GROUPS = 1000 if FULL else 20
SIZE = 10


@pytest.mark.parametrize("group", range(GROUPS))
def test_programs(group):
    tally = run(range(group * SIZE, (group + 1) * SIZE))
    print(tally)
    assert not tally.failures, "\n\n".join(
        report(f, seconds=10) for f in tally.failures
    )


def test_constructs():
    """A few hundred programs hold every construct that there is."""
    found = sum((writer.write(s).constructs for s in range(400)), writer.Counter())
    rare = {name: n for name, n in found.items() if n < 3}
    assert len(found) > 100 and not rare, (rare, found)


# -- memory ----------------------------------------------------------------------------

ONLY_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="fences are Linux's")
LEAVES_MEMORY = """
import numpy as np
import wengert as wg
import wengert._backend.indexing as indexing
from tests.fuzz.fences import fenced

indexing.checked = lambda lo, index, n, axis: index
with fenced():
    {statement}
"""


@ONLY_LINUX
def test_no_program_leaves_its_memory():
    command = [sys.executable, "-m", "tests.fuzz", "--fenced", "--failures", "1"]
    size = "1000" if FULL else "12"
    done = subprocess.run(
        [*command, "--programs", size, "--seed", "5000"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    assert ", 0 damaged" in done.stdout


@ONLY_LINUX
@pytest.mark.parametrize(
    "statement",
    [
        "wg.jit(lambda x, i: x[i])(np.arange(10.0), 10)",
        "wg.jit(lambda x, i: (2 * x)[i])(np.arange(8.0), 8)",
        "wg.jit(lambda x, i: wg.numpy.zeros(8)[i] + x)(1.0, 8)",
    ],
)
def test_reading_behind_an_array_traps(statement):
    script = LEAVES_MEMORY.format(statement=statement)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True)
    assert done.returncode == -signal.SIGSEGV
