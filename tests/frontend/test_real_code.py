"""Code that was not written for us: it converts, and computes the same.

Here the standard library and installed packages are converted as the user's code is,
with all that they call.
"""

from __future__ import annotations

import argparse
import ast
import calendar
import colorsys
import configparser
import copy
import csv
import difflib
import email
import fractions
import html.parser
import importlib.util
import inspect
import ipaddress
import json
import os
import posixpath
import pprint
import random
import shlex
import statistics
import string
import sys
import textwrap
import tokenize
import types
import unittest.mock
import urllib.parse
import xml.dom.minidom
from unittest.mock import patch

import mpmath
import optree
import pytest
import sympy
from sympy.integrals.manualintegrate import manualintegrate
from sympy.utilities.iterables import multiset_permutations, partitions

from tests.frontend.outcome import outcome
from wengert._core.source import INTERNAL_FILES
from wengert._frontend import callee
from wengert._frontend.api import convert, sites
from wengert._frontend.convert import CONVERTER
from wengert._frontend.runtime import Plain

FULL = os.environ.get("WENGERT_FULL_TESTS") == "1"
MODES = pytest.mark.parametrize("staging", [False, True], ids=["calls", "staging"])


class Everywhere(Plain):
    """A runtime of its own, whose functions are those of every library."""


def pure(name, *accelerators):
    """A module of the standard library without its parts in C."""
    with patch.dict(sys.modules, dict.fromkeys(accelerators)):
        spec = importlib.util.find_spec(name)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module


heapq, bisect = pure("heapq", "_heapq"), pure("bisect", "_bisect")
decimal, pickle = pure("_pydecimal"), pure("pickle", "_pickle")
X = sympy.Symbol("x")
TEXT = inspect.getsource(textwrap)
DATA = [3.5, 1.25, 9.0, -2.0, 4.75, 0.5, 3.5]


def fractions_sum(n):
    return sum((fractions.Fraction(1, k) for k in range(1, n)), fractions.Fraction(0))


def decimals(text):
    d = decimal.Decimal(text)
    return [str(d.sqrt()), str(d.ln()), str(d**3), f"{d:.3e}", str(d % 7), d > 2]


def sorted_by_heap(items):
    items = list(items)
    heapq.heapify(items)
    heapq.heappush(items, 1)
    return [heapq.heappop(items) for _ in range(len(items))]


def draws(seed):
    r = random.Random(seed)
    items = list(range(9))
    r.shuffle(items)
    return (
        items,
        r.gauss(0, 1),
        r.sample(items, 3),
        r.choices("abc", k=4),
        r.uniform(1, 2),
    )


def parsed_arguments(*words):
    parser = argparse.ArgumentParser(prog="p", exit_on_error=False)
    parser.add_argument("--level", type=int, default=1, choices=range(5))
    parser.add_argument("names", nargs="*")
    return sorted(vars(parser.parse_args(words)).items()), parser.format_help()


def configuration(text):
    parser = configparser.ConfigParser()
    parser.read_string(text)
    return {section: dict(parser[section]) for section in parser.sections()}


def links(text):
    class Parser(html.parser.HTMLParser):
        def __init__(self):
            super().__init__()
            self.found = []

        def handle_starttag(self, tag, attrs):
            self.found.append((tag, attrs))

    parser = Parser()
    parser.feed(text)
    return parser.found


def difference(a, b):
    ratio = difflib.SequenceMatcher(None, a, b).ratio()
    return list(difflib.unified_diff(a.split(), b.split())), ratio


def pure_json(text):
    decoder = json.JSONDecoder()
    decoder.parse_string = json.decoder.py_scanstring
    decoder.scan_once = json.scanner.py_make_scanner(decoder)
    value = decoder.decode(text)
    encoder = json.JSONEncoder(indent=1, sort_keys=True)
    with patch.object(json.encoder, "c_make_encoder", None):
        return value, encoder.encode(value)


def dumped(value):
    data = pickle._dumps(value)
    return data, pickle._loads(data)


def tokens(text):
    lines = iter(text.splitlines(True))
    return [tuple(t) for t in tokenize.generate_tokens(lambda: next(lines, ""))][:200]


CALLS = [
    (statistics.stdev, (DATA,)),
    (statistics.quantiles, (DATA,)),
    (statistics.linear_regression, (DATA, DATA[::-1])),
    (statistics.mode, (DATA,)),
    (statistics.NormalDist(1.0, 2.0).inv_cdf, (0.3,)),
    (statistics.mean, ([],)),
    (textwrap.wrap, (TEXT[:2000], 30)),
    (textwrap.dedent, (TEXT[:2000],)),
    (sorted_by_heap, ([5, 3, 8, 1],)),
    (heapq.nsmallest, (3, DATA)),
    (bisect.bisect_left, (sorted(DATA), 3.5)),
    (fractions_sum, (12,)),
    (fractions.Fraction, ("3.25",)),
    (fractions.Fraction(22, 7).limit_denominator, (5,)),
    (colorsys.rgb_to_hls, (0.2, 0.5, 0.1)),
    (colorsys.hsv_to_rgb, (0.7, 0.5, 0.1)),
    (pure_json, ('{"a": [1, 2.5, "x\\u00e9\\n", null], "b": {"c": true}}',)),
    (pure_json, ('{"a": [1, }',)),
    (decimals, ("2.718281828",)),
    (difference, ("a b c d", "a c d e")),
    (shlex.split, ('a \'b c\' "d\\"e" # f',)),
    (shlex.split, ("a 'b",)),
    (string.Template("$a ${b} $$").substitute, ({"a": 1, "b": 2},)),
    (calendar.TextCalendar().formatmonth, (2024, 2)),
    (urllib.parse.urlsplit, ("http://u:p@h:80/p;x?q=1#f",)),
    (urllib.parse.quote, ("a b/ä?",)),
    (posixpath.relpath, ("/a/b/../c", "/a/d")),
    (lambda: ast.unparse(ast.parse(TEXT)), ()),
    (ast.literal_eval, ("{'a': [1, (2, -3.5)]}",)),
    (tokens, (TEXT,)),
    (dumped, ({"a": [1, 2.5, (3, "x")], "b": None},)),
    (copy.deepcopy, ({"a": [1, [2]], "b": (3,)},)),
    (pprint.pformat, ({"a": list(range(40)), "b": "x" * 90},)),
    (ipaddress.ip_network, ("10.1.0.0/20",)),
    (lambda: [str(n) for n in ipaddress.ip_network("10.0.0.0/29").hosts()], ()),
    (draws, (7,)),
    (parsed_arguments, ("--level", "3", "a", "b")),
    (parsed_arguments, ("--level", "9")),
    (configuration, ("[a]\nx = 1\ny = %(x)s\n[b]\nz: 2\n",)),
    (links, ("<p><a href='x'>t</a><br/></p>",)),
    (csv.Sniffer().has_header, ("name,age\nann,3\nbob,4\n",)),
    (lambda: xml.dom.minidom.parseString("<a><b c='1'/></a>").toprettyxml(), ()),
    (lambda: email.message_from_string("A: b\nC: d\n\nbody").items(), ()),
    (sympy.factorint, (3600 * 77,)),
    (sympy.isprime, (104729,)),
    (lambda: list(sympy.primerange(5, 40)), ()),
    (lambda: list(multiset_permutations([1, 1, 2])), ()),
    (lambda: list(partitions(5)), ()),
    (lambda: str(sympy.simplify(sympy.sin(X) ** 2 + sympy.cos(X) ** 2)), ()),
    (lambda: str(sympy.diff(sympy.exp(X) * X**3, X, 2)), ()),
    (lambda: str(sympy.gcd(X**2 - 1, X**3 - 1)), ()),
    (lambda: str(manualintegrate(X * sympy.cos(X), X)), ()),
    (lambda: str(mpmath.zeta(mpmath.mpf(3))), ()),
    (lambda: optree.tree_map(lambda v: v and v + 1, {"a": [1, 2], "b": 0}), ()),
]


@pytest.fixture
def everything_converted():
    with patch.object(callee, "left_alone", lambda file: file in INTERNAL_FILES):
        yield


@MODES
@pytest.mark.parametrize(("function", "args"), CALLS)
def test_same_result(function, args, staging, everything_converted):
    converted = convert(function, staging, Everywhere)
    assert outcome(converted, *args) == outcome(function, *args)


def functions_of(module):
    for value in vars(module).values():
        owners = vars(value).values() if isinstance(value, type) else [value]
        for item in owners:
            item = getattr(item, "fget", None) or getattr(item, "__func__", item)
            if isinstance(item, types.FunctionType):
                if item.__code__.co_filename == getattr(module, "__file__", None):
                    yield item


MODULES = [argparse, ast, configparser, statistics, unittest.mock, sympy.core.expr]
FURTHER = """
    asyncio.base_events asyncio.tasks collections dataclasses difflib dis doctest
    enum http.client inspect logging pathlib pdb re._parser shutil subprocess tarfile
    threading typing xml.etree.ElementTree zipfile matplotlib.axes._axes mpmath.ctx_mp
    numpy.lib._function_base_impl optree.ops scipy.optimize._optimize
    sympy.core.function sympy.polys.polytools sympy.solvers.solvers
""".split()


@MODES
def test_everything_converts(staging):
    """Nothing is left but what reads its own frame."""
    further = [importlib.import_module(name) for name in FURTHER] if FULL else []
    count = 0
    for module in MODULES + further:
        for function in functions_of(module):
            converted = CONVERTER.convert(function, staging)
            left = [s.construct for s in converted.sites if converted.code is None]
            assert left in ([], ["use of the frame"]), (function, left)
            assert staging or not converted.sites or converted.code is None
            count += 1
    assert count > 600


def test_sites_of_real_code_are_where_they_are():
    for function in functions_of(argparse):
        lines, start = inspect.getsourcelines(function)
        for site in sites(function):
            assert start <= site.line < start + len(lines)
