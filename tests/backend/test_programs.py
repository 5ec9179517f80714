"""Programs by hand: loops, branches, in-place updates, failures, and their memory."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import numpy as np
import pytest

from tests.backend.building import BOOL, F64, I64, Builder, var
from wengert._backend import compile_program
from wengert._core.types import ArrayType
from wengert._ir.control import Call, Label, Recur
from wengert._ir.evaluate import evaluate
from wengert._ir.program import Equation, Program, Var
from wengert._ir.verify import verify
from wengert._ops.index import Slot

N = 100  # too large for the stack
SMALL = 4


def agree(program: Program, *arguments: Any) -> Any:
    """Compiled equals evaluated, without leaks or writes beside memory."""
    verify(program)
    before = [np.copy(a) for a in arguments]
    wanted = evaluate(program, [np.copy(a)[()] for a in arguments])
    modes: list[Any] = [{"guarded": True}, {"stack_bytes": -1}, {}]
    for mode in modes:
        compiled = compile_program(program, **mode)
        results, counts = compiled.counted(*arguments)
        assert counts.leaked == 0
        assert counts.overruns == 0
        for found, want in zip(results, wanted, strict=True):
            np.testing.assert_allclose(found, want, rtol=1e-13)
            assert found.dtype == want.dtype
            assert np.shape(found) == np.shape(want)
    for old, now in zip(before, arguments, strict=True):
        np.testing.assert_array_equal(old, now)
    return counts


def body(*params: Var) -> Builder:
    return Builder(*params)


@pytest.fixture(params=[SMALL, N], ids=["stack", "heap"])
def n(request: Any) -> int:
    return request.param


# -- loops -----------------------------------------------------------------------------


def test_a_loop_that_writes_one_element_a_step_copies_once() -> None:
    i, x = var((), I64), var((N,))
    step = body(i, x)
    value = step.emit("multiply", step.get(x, i), 2.0)
    loop = step.program(step.set(x, value, i))
    given = var((N,))
    outer = Builder(given)
    (out,) = outer.loop(N, loop, (), (given,))
    counts = agree(outer.program(out), np.arange(float(N)))
    assert counts.allocations == 0  # it runs in the memory of the result
    assert counts.copied == 8 * N


def test_time_per_step_of_an_update_does_not_grow_with_the_array() -> None:
    def seconds(size: int) -> float:
        i, x = var((), I64), var((size,))
        step = body(i, x)
        loop = step.program(step.set(x, step.emit("add", step.get(x, i), 1.0), i))
        given = var((size,))
        outer = Builder(given)
        (out,) = outer.loop(size, loop, (), (given,))
        compiled = compile_program(outer.program(out))
        argument = np.zeros(size)
        compiled(argument)
        best = min(_timed(compiled, argument) for _ in range(5))
        return best / size

    assert seconds(1_000_000) < 20 * seconds(10_000)


def _timed(compiled: Any, *arguments: Any) -> float:
    start = time.perf_counter()
    compiled(*arguments)
    return time.perf_counter() - start


def test_an_old_version_that_is_read_later_is_kept(n: int) -> None:
    x = var((n,))
    b = Builder(x)
    first = b.emit("add", x, 1.0)
    second = b.set(first, 7.0, 0)
    agree(b.program(first, second), np.arange(float(n)))


def test_a_view_of_a_carry_read_after_an_update_keeps_its_entries(n: int) -> None:
    i, x = var((), I64), var((n,))
    step = body(i, x)
    head = step.get(x, slice(0, 2))
    written = step.set(x, step.emit("add", step.get(x, i), 5.0), 1)
    loop = step.program(step.set(written, head, slice(2, 4)))
    given = var((n,))
    outer = Builder(given)
    (out,) = outer.loop(3, loop, (), (given,))
    agree(outer.program(out), np.arange(float(n)))


def test_rows_are_written_through_views() -> None:
    """LLVM once read a freed block, whose memory was another one's by then."""
    i, m, q = var((), I64), var((10, 10)), var((10, 10))
    step = body(i, m, q)
    row = step.get(m, i)
    once = step.set(m, step.set(row, step.emit("multiply", row, 3.0), slice(None)), i)
    twice = step.set(once, step.set(step.get(once, i), 5.0, 0), i)
    loop = step.program(twice, step.set(q, row, i))
    given = var((10, 10))
    outer = Builder(given)
    start = outer.emit("add", given, 1.0)
    zeros = outer.emit("full", shape=(10, 10), value=0.0, dtype=F64)
    results = outer.loop(10, loop, (), (start, zeros))
    counts = agree(outer.program(*results), np.arange(100.0).reshape(10, 10))
    assert counts.allocations <= 3


def test_carries_that_change_places(n: int) -> None:
    i, x, y = var((), I64), var((n,)), var((n,))
    step = body(i, x, y)
    loop = step.program(y, step.set(x, step.get(y, 1), 0))
    a, b = var((n,)), var((n,))
    outer = Builder(a, b)
    agree(
        outer.program(*outer.loop(5, loop, (), (a, b))),
        np.arange(float(n)),
        np.ones(n),
    )


def test_a_swap_of_large_carries_copies_nothing_in_the_loop() -> None:
    i, x, y = var((), I64), var((N,)), var((N,))
    loop = body(i, x, y).program(y, x)
    a, b = var((N,)), var((N,))
    outer = Builder(a, b)
    program = outer.program(*outer.loop(7, loop, (), (a, b)))
    counts = agree(program, np.arange(float(N)), np.ones(N))
    assert counts.copied <= 5 * 8 * N  # in and out


def test_carries_that_start_with_the_same_value(n: int) -> None:
    i, x, y, c = var((), I64), var((n,)), var((n,)), var((n,))
    step = body(i, c, x, y)
    loop = step.program(step.set(x, 1.0, 0), step.set(y, step.get(c, 3), 1))
    given = var((n,))
    outer = Builder(given)
    start = outer.emit("multiply", given, 2.0)
    out = outer.loop(2, loop, (start,), (start, start))
    agree(outer.program(*out), np.arange(float(n)))


def test_a_value_that_goes_into_two_carries(n: int) -> None:
    i, x, y = var((), I64), var((n,)), var((n,))
    step = body(i, x, y)
    both = step.set(x, step.get(y, 2), 0)
    loop = step.program(both, both)
    a = var((n,))
    outer = Builder(a)
    agree(outer.program(*outer.loop(3, loop, (), (a, a))), np.arange(float(n)))


def test_a_constant_that_is_updated_in_a_loop_is_copied(n: int) -> None:
    i, c, total = var((), I64), var((n,)), var(())
    step = body(i, c, total)
    changed = step.set(c, 9.0, 0)
    more = step.emit("reduce_sum", changed, axes=(0,))
    loop = step.program(step.emit("add", total, more))
    a = var((n,))
    outer = Builder(a)
    (out,) = outer.loop(3, loop, (a,), (0.0,))
    agree(outer.program(out, a), np.arange(float(n)))


def test_a_part_beside_a_loop_that_writes_is_copied_and_not_the_whole() -> None:
    i, row, x = var((), I64), var((8,)), var((N, 8))
    step = body(i, row, x)
    loop = step.program(step.set(x, row, 1))
    a = var((N, 8))
    outer = Builder(a)
    start = outer.emit("multiply", a, 2.0)
    first = outer.get(start, 0)
    (out,) = outer.loop(3, loop, (first,), (start,))
    total = outer.emit("reduce_sum", out, axes=(0, 1))
    counts = agree(outer.program(total, first), np.arange(8.0 * N).reshape(N, 8))
    assert counts.copied < 8 * N


def swapped_in_branches(n: int) -> Program:
    """Loops whose branches write to small arrays, exchange them, or read both."""
    k, x, y = var((), I64), var((n,)), var((n,))
    then = Builder(k, x, y)
    total = then.emit("add", x, y)
    written = then.set(x, then.get(y, 0), k)
    other = then.set(y, then.emit("multiply", then.get(x, 1), 0.5), 0)
    both = then.program(written, other, total)
    k2, x2, y2 = var((), I64), var((n,)), var((n,))
    orelse = Builder(k2, x2, y2)
    changed = orelse.set(x2, 3.0, k2, op="add_at")
    crossed = orelse.program(changed, orelse.emit("negative", x2), y2)
    inner = body(k, x, y)
    holds = inner.emit("greater", k, 1)
    a, b, c = inner.branch(holds, both, crossed, (k, x, y))
    step = inner.program(inner.emit("add", a, c), b)
    i, x3, y3 = var((), I64), var((n,)), var((n,))
    around = body(i, x3, y3)
    p, q = around.loop(3, step, (), (x3, y3))
    loop = around.program(q, p)
    x4, y4 = var((n,)), var((n,))
    outer = Builder(x4, y4)
    start = outer.emit("multiply", x4, 2.0)
    return outer.program(*outer.loop(4, loop, (), (start, y4)), start)


def test_small_arrays_stay_in_place_through_nested_regions(n: int) -> None:
    agree(swapped_in_branches(n), np.linspace(0.0, 1.0, n), np.ones(n))


@pytest.mark.parametrize("steps", [0, 1, 70_000])
def test_loops_of_a_length_known_when_they_run(steps: int) -> None:
    i, s, k = var((), I64), var(()), var((), I64)
    step = body(i, s)
    value = step.emit("multiply", s, 0.999)
    value = step.emit("add", value, step.emit("astype", i, dtype=F64))
    outer = Builder(k)
    (out,) = outer.loop(k, step.program(value), (), (1.0,))
    agree(outer.program(out), np.int64(steps))


def test_nested_loops_fill_a_matrix() -> None:
    i, j, m = var((), I64), var((), I64), var((12, 12))
    j2, i2, m2 = var((), I64), var((), I64), var((12, 12))
    inner = body(j2, i2, m2)
    entry = inner.emit("astype", inner.emit("multiply", i2, j2), dtype=F64)
    inner_loop = inner.program(inner.set(m2, entry, i2, j2))
    step = body(i, m)
    (filled,) = step.loop(12, inner_loop, (i,), (m,))
    outer = Builder(j)
    start = outer.emit("full", shape=(12, 12), value=0.0, dtype=F64)
    (out,) = outer.loop(j, step.program(filled), (), (start,))
    counts = agree(outer.program(out), np.int64(12))
    assert counts.allocations == 0


def test_a_while_loop() -> None:
    x, y = var(()), var(())
    test = body(x)
    holds = test.program(test.emit("greater", x, 1e-3))
    step = body(y)
    loop = step.program(step.emit("multiply", y, 0.5))
    a = var(())
    outer = Builder(a)
    agree(outer.program(*outer.while_(holds, loop, (), (a,))), np.float64(10.0))


def test_a_while_loop_over_an_array(n: int) -> None:
    x, y = var((n,)), var((n,))
    test = body(x)
    total = test.emit("reduce_sum", x, axes=(0,))
    holds = test.program(test.emit("greater", total, 1.0))
    step = body(y)
    loop = step.program(step.emit("multiply", y, 0.5))
    a = var((n,))
    outer = Builder(a)
    agree(outer.program(*outer.while_(holds, loop, (), (a,))), np.ones(n))


# -- branches --------------------------------------------------------------------------


@pytest.mark.parametrize("holds", [True, False])
def test_a_branch_that_updates_on_one_side(n: int, holds: bool) -> None:
    x, y, p = var((n,)), var((n,)), var((), BOOL)
    then = body(x)
    changed = then.program(then.set(x, 3.0, 1))
    kept = body(y).program(y)
    a = var((n,))
    outer = Builder(p, a)
    own = outer.emit("add", a, 1.0)
    (out,) = outer.branch(p, changed, kept, (own,))
    agree(outer.program(out), np.bool_(holds), np.arange(float(n)))


@pytest.mark.parametrize("holds", [True, False])
def test_a_branch_of_arguments_and_scalars(n: int, holds: bool) -> None:
    x, y, p = var((n,)), var((n,)), var((), BOOL)
    x2, y2 = var((n,)), var((n,))
    then = body(x, y)
    first = then.program(y, then.get(x, 0), x)
    orelse = body(x2, y2)
    second = orelse.program(x2, orelse.get(y2, 1), x2)
    a, b = var((n,)), var((n,))
    outer = Builder(p, a, b)
    out = outer.branch(p, first, second, (a, b))
    agree(outer.program(*out), np.bool_(holds), np.arange(float(n)), np.ones(n))


# -- calls and failures ----------------------------------------------------------------


def test_a_function_that_is_called_twice(n: int) -> None:
    x = var((n,))
    inside = body(x)
    twice = inside.emit("multiply", x, 2.0)
    callee = inside.program(twice, inside.get(x, 1))
    a = var((n,))
    outer = Builder(a)
    first, number = outer.call(callee, (a,))
    second, _ = outer.call(callee, (first,))
    agree(outer.program(second, number), np.arange(float(n)))


def recursive_factorial() -> Program:
    """``f(k, base)``: base at k = 0, else k f(k - 1)."""
    k, bottom = var((), I64), var(())
    label = Label("factorial")
    label.interface = Program((var((), I64), var(())), (), (var(()),))
    k1, base1, k2, base2 = var((), I64), var(()), var((), I64), var(())
    then = body(k1, base1).program(base1)
    orelse = body(k2, base2)
    less = orelse.emit("subtract", k2, 1)
    (rest,) = orelse.control(Recur(label), (less, base2), (ArrayType((), F64),))
    number = orelse.emit("astype", k2, dtype=F64)
    product = orelse.program(orelse.emit("multiply", number, rest))
    b = Builder(k, bottom)
    stop = b.emit("equal", k, 0)
    callee = b.program(*b.branch(stop, then, product, (k, bottom)))
    outer = Builder(*(params := (var((), I64), var(()))))
    call = Call(callee, label=label)
    return outer.program(*outer.control(call, params, (ArrayType((), F64),)))


def test_recursion() -> None:
    compiled = compile_program(recursive_factorial())
    assert compiled(np.int64(10), np.float64(1.0)) == [3628800.0]


def test_recursion_without_end_is_an_error() -> None:
    compiled = compile_program(recursive_factorial())
    with pytest.raises(RecursionError, match="maximum recursion depth exceeded"):
        compiled(np.int64(-1), np.float64(1.0))


def failing_check() -> Program:
    """Fails at step 5 of a loop that owns memory."""
    i, x = var((), I64), var((N,))
    step = body(i, x)
    temporary = step.emit("reduce_sum", step.emit("add", x, 1.0), axes=(0,))
    fine = step.emit("less", i, 5)
    step.check(lambda k, s: ValueError(f"step {k}: {s}"), fine, i, temporary)
    loop = step.program(step.set(x, 1.0, i))
    a = var((N,))
    outer = Builder(a)
    return outer.program(*outer.loop(10, loop, (), (a,)))


def test_a_check_that_fails_in_a_loop() -> None:
    compiled = compile_program(failing_check(), guarded=True)
    for _ in range(3):
        with pytest.raises(ValueError, match="step 5: 105.0"):
            compiled(np.zeros(N))


@pytest.mark.parametrize("k", [-5, 4, 100])
def test_an_index_out_of_bounds(k: int) -> None:
    x, i = var((4,)), var((), I64)
    b = Builder(x, i)
    program = b.program(b.get(x, i))
    text = f"index {k} is out of bounds for axis 0 with size 4"
    with pytest.raises(IndexError, match=text):
        compile_program(program)(np.zeros(4), np.int64(k))


def test_a_constant_index_out_of_bounds() -> None:
    x, i = var((3, 4)), var((2,), I64)
    b = Builder(x, i)
    program = b.program(b.set(x, 1.0, slice(None), i))
    with pytest.raises(IndexError, match="index 9 is out of bounds for axis 1 with"):
        compile_program(program)(np.zeros((3, 4)), np.array([0, 9]))


def test_an_exception_of_the_host_arrives() -> None:
    """Matrices that are not square have no native code, and NumPy refuses them."""
    x = var((2, 3))
    b = Builder(x)
    compiled = compile_program(b.program(b.emit("inv", x)))
    assert compiled.host_calls == ["inv"]
    with pytest.raises(np.linalg.LinAlgError, match="must be square"):
        compiled(np.zeros((2, 3)))


def test_a_block_that_is_too_large_is_an_error() -> None:
    n = var((), I64)
    b = Builder(n)
    many = Var(ArrayType((n,), F64))
    full = b.emit("full", shape=(2,), value=1.0, dtype=F64)
    equation = b.equations.pop()
    params = {**equation.params, "shape": (n,)}
    b.equations.append(Equation(equation.op, (), params, (many,)))
    del full
    x = b.set(many, 2.0, 0)
    program = b.program(b.emit("reduce_sum", x, axes=(0,)))
    compiled = compile_program(program)
    assert compiled(np.int64(3)) == [4.0]
    for size in (1 << 60, -3):
        with pytest.raises(MemoryError, match="compiled code: out of memory"):
            compiled(np.int64(size))


# -- run-time extents, calls -----------------------------------------------------------


def test_run_time_extents() -> None:
    n = var((), I64)
    x = var((n, 3))
    b = Builder(n, x)
    y = b.emit("multiply", x, x)
    total = b.emit("reduce_sum", y, axes=(0,))
    program = b.program(y, total)
    compiled = compile_program(program)
    for size in (0, 1, 5):
        x_value = np.arange(3.0 * size).reshape(size, 3)
        found = compiled(np.int64(size), x_value)
        np.testing.assert_array_equal(found[0], x_value**2)
        np.testing.assert_allclose(found[1], (x_value**2).sum(0), rtol=1e-14)


def test_results_are_fresh() -> None:
    x = var((N,))
    compiled = compile_program(Builder(x).program(x, x))
    given = np.arange(float(N))
    first, second = compiled(given)
    assert not np.shares_memory(first, given)
    assert not np.shares_memory(first, second)
    first[0] = 5.0
    assert given[0] == 0.0


@pytest.mark.parametrize("op", ["update", "add_at"])
def test_a_write_to_a_scalar(op: str) -> None:
    x = var(())
    b = Builder(x)
    program = b.program(b.set(x, 2.5, Ellipsis, op=op))
    assert compile_program(program).host_calls == []
    agree(program, np.float64(4.0))


@pytest.mark.parametrize("op", ["update", "add_at"])
def test_a_write_to_a_scalar_with_new_axes(op: str) -> None:
    """As the pullback of ``numpy.stack`` of scalars does it."""
    x, v = var(()), var((1, 1))
    b = Builder(x, v)
    program = b.program(b.set(x, v, None, Ellipsis, None, op=op))
    assert compile_program(program).host_calls == []
    agree(program, np.float64(4.0), np.full((1, 1), 3.0))


def test_a_long_loop_can_be_interrupted() -> None:
    i, x = var((), I64), var(())
    step = body(i, x)
    rest = step.emit("subtract", 3.7, step.emit("multiply", x, 3.7))
    outer = Builder()
    (out,) = outer.loop(
        10**11, step.program(step.emit("multiply", x, rest)), (), (0.3,)
    )
    compiled = compile_program(outer.program(out))
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        compiled()
    timer.join()


def test_llvm_is_loaded_by_the_back_end_only() -> None:
    code = "import sys, wengert; assert 'llvmlite' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_calls_from_threads() -> None:
    program = failing_check()
    i, x = var((), I64), var((N,))
    step = body(i, x)
    loop = step.program(step.set(x, step.emit("add", step.get(x, i), 1.0), i))
    a = var((N,))
    outer = Builder(a)
    good = compile_program(outer.program(*outer.loop(N, loop, (), (a,))))
    bad = compile_program(program)
    problems: list[str] = []

    def work() -> None:
        for k in range(200):
            if not (good(np.full(N, float(k)))[0] == k + 1.0).all():
                problems.append("wrong")
            try:
                bad(np.zeros(N))
            except ValueError:
                continue
            problems.append("no error")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []


def test_a_compiled_program_can_be_collected() -> None:
    compile_program(Builder(var(())).program(1.0))
    gc.collect()


def test_a_dtype_without_a_machine_type_is_refused() -> None:
    x = var((3,), np.longdouble)
    b = Builder(x)
    program = b.program(b.emit("add", x, x))
    with pytest.raises(NotImplementedError, match="add: compiled code has no dtype"):
        compile_program(program)


@pytest.mark.parametrize("positions", [[1, 0, 1, 1], [2], [], [-1, 2, 2, 0, -3]])
def test_the_last_writer_of_a_place(positions: list[int]) -> None:
    places = np.array(positions, np.int64)
    region = (len(positions), 2)
    i = var(places.shape, I64)
    b = Builder(i)
    index = (Slot(0), slice(1, 3))
    last = b.emit("last_writer", i, index=index, shape=(3, 4), region=region)
    program = b.program(last)
    assert compile_program(program).host_calls == []
    agree(program, places)
