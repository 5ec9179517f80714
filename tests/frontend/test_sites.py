"""What cannot be converted stays plain, and is listed with reason and rewrite."""

from __future__ import annotations

import functools
import inspect

import pytest

from wengert._frontend.api import convert, explain_sites, sites
from wengert._frontend.sites import CONSTRUCTS


def generator(n):
    while n > 0:
        yield n
        n -= 1


async def coroutine(x):
    return x if x > 0 else await x


def tries(x):
    try:
        if x > 0:
            return 1 / x
    except ZeroDivisionError:
        return 0.0


def tries_without_a_choice(x):
    try:
        return 1 / x
    except ZeroDivisionError:
        return 0.0


def matches(x):
    match x:
        case 1:
            return "one"


def binds_in_an_operand(x):
    return x > 0 and (y := x) > 1 and y


def class_body(x):
    class A:
        a = 1 if x else 2

    return A


def filters(xs):
    return [x for x in xs if x > 0]


def reads_its_frame(x):
    y = x
    return eval("x + y") if x > 0 else locals()


def with_a_generator_inside(x):
    if x > 0:

        def inner():
            yield x

        return inner
    return None


def awaits_in_an_operand():
    async def inner(x, y):
        return x and await y

    return inner


def yields_in_an_operand():
    def inner(x):
        return x and (yield x)

    return inner


def converts(x):
    with open(x) as f:
        for line in f:
            if line:
                return line
            assert x and not line
    raise ValueError(x)


TABLE = [
    (generator, [("generator", "def generator")]),
    (coroutine, [("async function", "async def"), ("await", "await x")]),
    (tries, [("try", "try:")]),
    (tries_without_a_choice, []),
    (matches, [("match", "match x")]),
    (binds_in_an_operand, [("assignment expression", "y := x")]),
    (class_body, [("class body", "1 if x")]),
    (filters, [("comprehension filter", "[x for")]),
    (
        reads_its_frame,
        [("use of the frame", 'eval("x'), ("use of the frame", "locals()")],
    ),
    (with_a_generator_inside, [("generator", "def inner")]),
    (awaits_in_an_operand, [("async function", "async def"), ("await", "await y")]),
    (yields_in_an_operand, [("generator", "def inner"), ("yield", "yield x")]),
    (converts, []),
]


@pytest.mark.parametrize(("function", "expected"), TABLE)
def test_sites(function, expected):
    found = sites(function)
    assert [s.construct for s in found] == [construct for construct, _ in expected]
    lines, start = inspect.getsourcelines(function)
    for site, (construct, text) in zip(found, expected, strict=True):
        assert lines[site.line - start][site.col :].startswith(text)
        assert (site.reason, site.rewrite) == CONSTRUCTS[construct]


@pytest.mark.parametrize(("function", "expected"), TABLE)
def test_explanation(function, expected):
    text = explain_sites(function)
    for site, (construct, source) in zip(sites(function), expected, strict=True):
        assert f"{__file__}:{site.line}: {construct}\n" in text
        assert f"  {site.reason}\n  Fix: {site.rewrite}" in text
        lines = text.splitlines()
        carets = [i for i, line in enumerate(lines) if line.strip() == "^"]
        places = [(lines[i - 1], lines[i].index("^")) for i in carets]
        assert any(line[column:].startswith(source) for line, column in places)
    assert bool(text) == bool(expected)


def test_every_construct_is_tested():
    elsewhere = {"missing source", "deep nesting"}
    assert {c for _, sites in TABLE for c, _ in sites} | elsewhere == set(CONSTRUCTS)


def test_missing_source():
    names = {}
    exec("def f(x):\n    return x and 1", names)
    f = names["f"]
    assert [s.construct for s in sites(f)] == ["missing source"]
    assert convert(f, staging=True) is f
    assert "<string>:1: missing source\n  the function's source" in explain_sites(f)


def test_source_that_has_changed(tmp_path, monkeypatch):
    file = tmp_path / "changing.py"
    file.write_text("def f(x):\n    return x + 1 if x else 0\n")
    names = {}
    exec(compile(file.read_text(), str(file), "exec"), names)
    file.write_text("def f(x):\n    return x + 2 if x else 0\n")
    f = names["f"]
    assert [s.construct for s in sites(f)] == ["missing source"]
    assert convert(f, staging=True)(1) == 2


def test_source_that_is_imported_again(tmp_path):
    file = tmp_path / "again.py"
    for k in (1, 22):
        file.write_text(f"def f(x):\n    return x + {k} if x else 0\n")
        names = {}
        exec(compile(file.read_text(), str(file), "exec"), names)
        assert sites(names["f"]) == []
        assert convert(names["f"], staging=True)(1) == 1 + k


def test_source_that_is_no_python(tmp_path):
    file = tmp_path / "broken.py"
    text = "def f(x):\n    return x\n"
    file.write_text("def f(x):\n    return (x\n" + "def (\n")
    names = {}
    exec(compile(text, str(file), "exec"), names)
    assert [s.construct for s in sites(names["f"])] == ["missing source"]


def test_deep_nesting(tmp_path):
    file = tmp_path / "deep.py"
    text = "def f(x):\n    return " + "-" * 80 + "x\n"
    text += "def g(x):\n    return " + " + ".join(["x"] * 900) + "\n"
    file.write_text(text)
    names = {}
    exec(compile(text, str(file), "exec"), names)
    f, g = names["f"], names["g"]
    assert sites(f) == []
    assert convert(f, staging=True)(1) == f(1)
    assert {s.construct for s in sites(g)} <= {"deep nesting"}
    assert convert(g, staging=True)(1) == 900


def test_of_other_callables():
    class A:
        def __init__(self):
            self.items = [x for x in (1, 2) if x]

        def __call__(self, x):
            return [x for x in (1, 2) if x]

        @staticmethod
        def check():
            return [x for x in (1, 2) if x]

    for callable_ in (A, A(), A().__call__, A.check, functools.partial(A.check)):
        assert [s.construct for s in sites(callable_)] == ["comprehension filter"]
    assert sites(len) == [] and explain_sites(len) == ""
    converted = convert(filters, staging=True)
    assert sites(converted) == sites(filters)
    assert explain_sites(converted) == explain_sites(filters)
