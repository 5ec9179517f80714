"""Compiled code on disk: read by the next process, and never trusted blindly."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wengert as wg
from tests.backend.building import F64, I64, Builder, var
from tests.staging.programs import KEPT
from tests.staging.test_programs import total
from wengert._backend import cache, store
from wengert._backend.libraries import address
from wengert._core import source
from wengert._core.tree import flatten
from wengert._ir.canonical import canonical
from wengert._ir.control import Call, Control, For
from wengert._ir.program import Equation, Program, literal

SCRIPT = """
import sys
import numpy as np
import wengert as wg
import wengert._backend.cache as cache

if "none" in sys.argv:
    def refuse(*_):
        raise AssertionError("compiles")
    cache.translate = cache.optimise = refuse


def f(a, x):
    total = 0.0
    for i in range(len(x)):
        if x[i] > 0:
            total += np.sin(x[i]) * np.sum(a @ x)
    if total > 1e6:
        raise ValueError("large")
    return total


a = np.arange(16.0).reshape(4, 4)
print(wg.jit(wg.grad(f, argnums=1))(a, np.array([1.0, -2.0, 3.0, 0.5])))
try:
    wg.jit(f)(1e6 * a, np.ones(4))
except ValueError as error:
    print(error, error.__notes__)
"""


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own for each test."""
    place = tmp_path / "cache"
    monkeypatch.setenv("WENGERT_CACHE_DIR", str(place))
    return place


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[Program]:
    """The programs that have been compiled."""
    programs: list[Program] = []
    translate = cache.translate

    def counted(program: Program) -> Any:
        programs.append(program)
        return translate(program)

    monkeypatch.setattr(cache, "translate", counted)
    return programs


def started(script: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", str(script), *arguments]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def output(process: subprocess.Popen[str]) -> str:
    with process:
        out, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    return out


@pytest.fixture
def script(tmp_path: Path) -> Path:
    place = tmp_path / "script.py"
    place.write_text(SCRIPT)
    return place


def run(f: Any, *args: Any) -> Any:
    """As a new process would: nothing is remembered of `f`."""
    return wg.jit(f)(*args)


def double(x: Any) -> Any:
    return x * 2.0


def entries(directory: Path) -> list[Path]:
    return sorted(directory.iterdir())


# -- processes -------------------------------------------------------------------------


def test_the_second_process_compiles_nothing(script, directory):
    first = output(started(script))
    assert "large" in first and "script.py:19" in first
    assert len(entries(directory)) == 2
    assert output(started(script, "none")) == first


def test_processes_that_write_at_once(script, directory):
    processes = [started(script) for _ in range(4)]
    outputs = [output(process) for process in processes]
    assert len(set(outputs)) == 1
    assert len(entries(directory)) == 2
    assert output(started(script, "none")) == outputs[0]


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_only_the_user_can_write(directory):
    run(double, 1.0)
    assert directory.stat().st_mode & 0o777 == 0o700
    assert [p.stat().st_mode & 0o777 for p in entries(directory)] == [0o600]


def test_the_cache_can_be_turned_off(directory, monkeypatch):
    monkeypatch.setenv("WENGERT_CACHE", "0")
    assert run(double, 1.0) == 2.0
    assert not directory.exists()


# -- damage ----------------------------------------------------------------------------


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


DAMAGE = {
    "truncated": lambda content: content[: len(content) // 2],
    "without its end": lambda content: content[:-1],
    "empty": lambda content: b"",
    "one bit": flipped,
    "in the checksum": lambda content: b"\0" + content[1:],
    "longer": lambda content: content + b"\0",
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_entry_is_made_again(damage, directory, compiled):
    run(double, 1.0)
    (entry,) = entries(directory)
    good = entry.read_bytes()
    entry.write_bytes(DAMAGE[damage](good))
    assert run(double, 3.0) == 6.0
    assert len(compiled) == 2
    assert len(entry.read_bytes()) == len(good)
    assert run(double, 3.0) == 6.0
    assert len(compiled) == 2


def test_an_entry_under_the_name_of_another(directory, compiled):
    run(double, 1.0)
    (first,) = entries(directory)
    run(lambda x: x * 3.0, 1.0)
    (second,) = set(entries(directory)) - {first}
    second.write_bytes(first.read_bytes())
    assert run(lambda x: x * 3.0, 1.0) == 3.0
    assert len(compiled) == 3


def test_a_new_version_does_not_read_old_entries(directory, compiled, monkeypatch):
    run(double, 1.0)
    monkeypatch.setattr(cache, "compiler_version", lambda: "newer")
    assert run(double, 1.0) == 2.0
    monkeypatch.setattr(cache, "target", lambda: ("another processor",))
    assert run(double, 1.0) == 2.0
    assert len(compiled) == len(entries(directory)) == 3


def test_the_version_is_that_of_the_sources(tmp_path, monkeypatch):
    versions = set()
    for text in ("x = 1", "x = 2"):
        (tmp_path / "_passes").mkdir(exist_ok=True)
        (tmp_path / "_passes" / "new.py").write_text(text)
        monkeypatch.setattr(cache, "__file__", str(tmp_path / "_backend" / "cache.py"))
        versions.add(cache.compiler_version.__wrapped__())
    assert len(versions) == 2


def test_without_sources_there_is_no_version_and_no_cache(
    tmp_path, directory, monkeypatch
):
    monkeypatch.setattr(cache, "__file__", str(tmp_path / "_backend" / "cache.py"))
    monkeypatch.setattr(cache, "compiler_version", cache.compiler_version.__wrapped__)
    assert run(double, 1.0) == 2.0
    assert not directory.exists()


# -- disks that cannot be written to ---------------------------------------------------


def test_a_full_disk_is_a_warning_once(directory, compiled, monkeypatch):
    def on_full_disk(*_):
        return os.open("/dev/full", os.O_WRONLY), str(directory / "new-.wengert")

    monkeypatch.setattr(store.tempfile, "mkstemp", on_full_disk)
    with pytest.warns(RuntimeWarning, match="No space left on device") as caught:
        assert run(double, 1.0) == 2.0
    assert caught[0].filename == __file__
    assert "Fix: set WENGERT_CACHE_DIR" in str(caught[0].message)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert run(double, 1.0) == 2.0
    assert len(compiled) == 2 and entries(directory) == []


def test_a_read_only_disk_is_read(directory, compiled, monkeypatch):
    run(double, 1.0)

    def on_read_only_disk(*_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(store.tempfile, "mkstemp", on_read_only_disk)
    assert run(double, 1.0) == 2.0
    assert len(compiled) == 1
    with pytest.warns(RuntimeWarning, match="Read-only file system"):
        assert run(lambda x: x * 3.0, 1.0) == 3.0


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_directory_that_others_can_write_to_is_not_used(
    directory, compiled, monkeypatch
):
    run(double, 1.0)
    directory.chmod(0o777)
    cache._opened.cache_clear()
    with pytest.warns(RuntimeWarning, match="other users can write to it"):
        assert run(double, 1.0) == 2.0
    assert run(lambda x: x * 3.0, 1.0) == 3.0
    assert len(compiled) == 3 and len(entries(directory)) == 1
    directory.chmod(0o700)
    monkeypatch.setattr(os, "geteuid", lambda: directory.stat().st_uid + 1)
    cache._opened.cache_clear()
    with pytest.warns(RuntimeWarning, match="other users can write to it"):
        assert run(double, 1.0) == 2.0


def test_a_directory_that_cannot_be_made(tmp_path, compiled, monkeypatch):
    (tmp_path / "file").write_text("")
    for path, why in {
        str(tmp_path / "file" / "cache"): "Not a directory",
        "relative": "the path is not absolute",
    }.items():
        monkeypatch.setenv("WENGERT_CACHE_DIR", path)
        with pytest.warns(RuntimeWarning, match=f"{re.escape(path)}: {why}"):
            assert run(double, 1.0) == 2.0
    assert len(compiled) == 2


def test_the_oldest_entries_make_room(tmp_path):
    kept = store.Store(tmp_path / "small", limit=1000)
    for number in range(5):
        name = f"entry{number}"
        kept.save(name, bytes(300))
        os.utime(tmp_path / "small" / f"{name}.wengert", (number, number))
    assert [kept.load(f"entry{n}") is not None for n in range(5)] == [False] * 2 + [
        True
    ] * 3
    (tmp_path / "small" / "notes.txt").write_text("the user's")
    kept.save("last", bytes(900))
    assert sorted(p.name for p in entries(tmp_path / "small")) == [
        "last.wengert",
        "notes.txt",
    ]


@pytest.mark.parametrize(
    "platform, variables, expected",
    [
        ("linux", {"HOME": "/home/u"}, "/home/u/.cache/wengert"),
        ("linux", {"HOME": "/home/u", "XDG_CACHE_HOME": "/c"}, "/c/wengert"),
        ("linux", {"HOME": "/h", "XDG_CACHE_HOME": "c"}, "/h/.cache/wengert"),
        ("darwin", {"HOME": "/Users/u"}, "/Users/u/Library/Caches/wengert"),
        ("win32", {"LOCALAPPDATA": "/L"}, "/L/wengert/cache"),
    ],
)
def test_the_default_directory(platform, variables, expected, monkeypatch):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert store.default_directory() == Path(expected)


# -- which programs are the same -------------------------------------------------------

DIFFERENT = {
    "a number": (lambda x: x * 2.0, lambda x: x * 2.5),
    "an integer": (lambda x: x.astype(int) + 1, lambda x: x.astype(int) + 2),
    "the sign of zero": (lambda x: x * 0.0, lambda x: x * -0.0),
    "nan": (lambda x: x * np.inf, lambda x: x * np.nan),
    "a dtype": (lambda x: x.astype(np.float32), lambda x: x.astype(np.int32)),
    "an axis": (lambda x: x.sum(axis=0), lambda x: x.sum(axis=1)),
    "an index": (lambda x: x[1], lambda x: x[-1]),
    "a bool": (lambda x: x.std(ddof=True), lambda x: x.std(ddof=0)),
    "the order": (lambda x: x - x.T, lambda x: x.T - x),
}


@pytest.mark.parametrize("what", DIFFERENT)
def test_different_programs_have_entries_of_their_own(what, directory, compiled):
    x = np.array([[1.0, -2.0], [3.0, 0.5]])
    for f in DIFFERENT[what] * 2:
        np.testing.assert_array_equal(run(f, x), f(x))
    assert len(compiled) == len(entries(directory)) == 2


def test_arguments_of_other_types_have_entries_of_their_own(directory):
    for x in (np.ones(2), np.ones(3), np.ones(2, np.float32), np.ones((2, 1)), 1.0, 1):
        found = run(double, x)
        assert np.result_type(found) == np.result_type(double(x))
        np.testing.assert_array_equal(found, double(x))
    assert len(entries(directory)) == 6


def test_an_array_from_outside_is_no_part_of_an_entry(directory, compiled):
    for scale in (np.ones(3), np.arange(3.0)):
        np.testing.assert_array_equal(run(lambda x: x * scale, np.ones(3)), scale)
    assert len(compiled) == len(entries(directory)) == 1


TEXT = """
import numpy as np
def first(x, i):
    return x[i] * 2.0
def second(x, i):

    return x[i] * 2.0
def both(x, i):
    if x[i] < 0:
        raise ValueError("negative")
    return x[i] * 2.0
def both_moved(x, i):
    if x[i] < 0:
        raise ValueError("also negative")

    return x[i] * 2.0
"""


def place_of(f: Any, *args: Any) -> str:
    with pytest.raises((IndexError, ValueError)) as caught:
        run(f, *args)
    (note,) = caught.value.__notes__
    return f"{caught.value} {note}"


def test_errors_name_the_lines_of_the_program_at_hand(directory, compiled, tmp_path):
    functions = {}
    for file in ("one.py", "two.py"):
        (tmp_path / file).write_text(TEXT)
        functions[file] = runpy.run_path(str(tmp_path / file))
    x = np.array([1.0, -1.0])
    for file, namespace in functions.items():
        for name, line in {"first": 4, "second": 7}.items():
            found = place_of(namespace[name], x, 5)
            assert "index 5 is out of bounds" in found and f"{file}:{line}" in found
    assert len(compiled) == len(entries(directory)) == 1
    for file, namespace in functions.items():
        for name, text, line in (
            ("both", "negative", 10),
            ("both_moved", "also negative", 14),
        ):
            found = place_of(namespace[name], x, 1)
            assert found.startswith(text) and f"{file}:{line}" in found
            assert f"{file}:" in place_of(namespace[name], x, 9)
    assert len(compiled) == len(entries(directory)) == 2


def test_lines_are_part_of_the_text_by_which_are_the_same():
    """One line or two for two equations: what an error says is not the same."""
    code = compile("f()\ng()\nh()", "file", "exec")
    first = {line: start for start, _, line in reversed([*code.co_lines()])}
    texts = set()
    for lines in ((1, 1), (1, 2), (2, 3)):
        builder = Builder(x := var((2,)))
        builder.get(x, 0), builder.get(x, 1)
        places = [source.Site(code, first[line]) for line in lines]
        program = builder.program()
        placed = zip(program.equations, places, strict=True)
        program = program._replace(
            equations=tuple(e._replace(site=site) for e, site in placed)
        )
        texts.add(canonical(program).text)
    assert len(texts) == 2


def test_a_program_with_a_function_of_the_user_is_not_kept(directory):
    class Answer(Control):
        name = "answer"

    out = var()
    program = Program((), (Equation(Answer(), (), {}, (out,)),), (out,))
    assert canonical(program) is None
    unknown = Equation(wg._ops.arithmetic.add, (literal(1.0),), {"f": len}, (out,))
    assert canonical(Program((), (unknown,), (out,))) is None


def test_whatever_an_operation_has_is_in_the_text():
    texts = set()
    for constants, by_lane in ((0, False), (1, False), (1, True)):
        body = Program((a := var(), b := var()), (), (b,))
        loop = For(Program((var((), I64), a, b), (), (b,)), constants)
        call = Call(body, by_lane)
        lines = [Equation(op, (), {}, (var(),)) for op in (loop, call)]
        texts.add(canonical(Program((), tuple(lines), ())).text)
    assert len(texts) == 3
    call.note = print
    assert canonical(Program((), tuple(lines), ())) is None


def test_an_array_in_a_program_is_told_by_all_of_its_entries():
    texts = set()
    for last in (0.0, 1.0):
        table = np.zeros(10_000)
        table[5000] = last
        out = var((), F64)
        equation = Equation(wg._ops.arithmetic.add, (), {"table": table}, (out,))
        texts.add(canonical(Program((), (equation,), (out,))).text)
    assert len(texts) == 2


# -- what is read is what was written --------------------------------------------------


@pytest.mark.parametrize("number", range(len(KEPT)))
def test_programs_do_the_same_when_they_are_read(number, directory, compiled):
    f, x = KEPT[number]
    for g in (f, wg.grad(total(f))):
        del compiled[:]
        first = flatten(run(g, x))[0]
        (program,) = compiled
        again = flatten(run(g, x))[0]
        assert compiled == [program]
        for a, b in zip(first, again, strict=True):
            np.testing.assert_array_equal(a, b)
            assert np.result_type(a) == np.result_type(b)


def test_ops_that_python_evaluates_are_found_by_name(compiled):
    x = np.array([[4.0, 1.0], [1.0, 3.0]])
    for _ in range(2):
        np.testing.assert_array_equal(run(np.linalg.cholesky, x), np.linalg.cholesky(x))
    assert len(compiled) == 1


def test_blas_is_looked_up_for_programs_that_use_it(compiled):
    address.cache_clear()
    run(double, 1.0)
    assert address.cache_info().currsize == 0
    x = np.arange(10_000.0).reshape(100, 100)
    for _ in range(2):
        np.testing.assert_allclose(run(lambda x: x @ x, x), x @ x)
    assert len(compiled) == 2
    assert address.cache_info().currsize == 1
