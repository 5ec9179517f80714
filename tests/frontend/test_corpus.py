"""Converted functions do what the originals do."""

from __future__ import annotations

import inspect

import pytest

from tests.frontend import corpus
from tests.frontend.outcome import outcome
from wengert._frontend.api import convert

PARAMETERS = [
    pytest.param(f, arguments, id=f"{getattr(f, '__qualname__', 'object')}-{i}")
    for i, (f, arguments) in enumerate(corpus.CASES)
]


@pytest.mark.parametrize("staging", [False, True], ids=["calls", "staging"])
@pytest.mark.parametrize(("function", "arguments"), PARAMETERS)
def test_same_outcome(function, arguments, staging):
    converted = convert(function, staging)
    for args in arguments:
        expected = outcome(function, *args)
        state = corpus.counter
        assert outcome(converted, *args) == expected
        assert corpus.counter == state


@pytest.mark.parametrize("staging", [False, True], ids=["calls", "staging"])
def test_it_is_another_function_that_looks_the_same(staging):
    for function, _ in corpus.CASES:
        if inspect.isfunction(function) and function is not corpus.frame_readers:
            converted = convert(function, staging)
            assert converted is not function
            assert converted.__wrapped__ is function
            for name in "globals name qualname module doc defaults kwdefaults".split():
                name = f"__{name}__"
                assert getattr(converted, name) is getattr(function, name), name
            assert inspect.signature(converted) == inspect.signature(function)
            assert convert(converted, staging) is converted
