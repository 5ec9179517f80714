"""Small functions, each with a construct of Python, and arguments to call them with.

They are run as they are and converted; nothing may differ.
"""
# The constructs are the point, the odd ones too.
# ruff: noqa: B007, B012, B015, B016, B018, B020, B904, B905, F842, UP008, UP037

from __future__ import annotations

import contextlib
import dataclasses
import functools
import math

CASES = []


def case(*arguments):
    """Run the function with each of these tuples of arguments."""

    def add(function):
        CASES.append((function, arguments or ((),)))
        return function

    return add


NUMBERS = tuple((n,) for n in (-2, 0, 1, 2, 3, 7, 12))
counter = 0


# -- if --------------------------------------------------------------------------------


@case(*NUMBERS)
def if_else(n):
    if n > 2:
        a = "large"
    elif n > 0:
        a = "small"
    else:
        a = "negative"
    return a


@case(*NUMBERS)
def early_returns(n):
    """A docstring that is kept."""
    if n < 0:
        return "negative"
    if n == 0:
        return
    if n > 10:
        if n % 2:
            return "odd"
        n += 100
    return n


@case(*NUMBERS)
def maybe_unbound(n):
    if n > 0:
        a = n
    return a


@case(*NUMBERS)
def unbound_in_branch(n):
    if n > 1:
        if n > 2:
            a = 1
        return a
    return 0


@case(*NUMBERS)
def deleted_in_branch(n):
    a = 5
    if n > 1:
        del a
    return a


@case(*NUMBERS)
def deleted_twice(n):
    a = b = n
    if n > 0:
        del a
        if n > 1:
            a = 3
            del b
    try:
        return a, b
    except NameError as error:
        return str(error)[:29]


@case(*NUMBERS)
def raises(n):
    if n == 1:
        raise ValueError
    elif n == 2:
        raise ValueError("two", n)
    elif n == 3:
        raise KeyError(n) from IndexError("cause")
    elif n == 7:
        raise KeyError(n) from None
    elif n == 12:
        raise "no exception"
    return "fine"


@case(*NUMBERS)
def raises_after_branch(n):
    if n > 5:
        return n
    raise ValueError(n)


@case(*NUMBERS)
def asserts(n):
    assert n != 1
    if n > 1:
        assert n != 2, f"n is {n}"
        assert n, (n, 1)
    return n


@case(*NUMBERS)
def writes_global(n):
    global counter
    counter = n
    if n > 0:
        counter += 1
    else:
        counter = -1
    return counter


@case(*NUMBERS)
def declares_global_in_branch(n):
    if n > 0:
        global counter
        counter = 2 * n
    return counter


@case(*NUMBERS)
def reads_global_in_branch(n):
    global counter
    counter = 1
    for _ in range(n):
        counter += counter
    return counter


@case(*NUMBERS)
def annotated(n):
    a: int = 1
    b: "undefined"  # noqa: F821
    c: list[undefined]  # noqa: F821
    if n > 1:
        a: int = n
        d: str
        e: list[undefined] = [1]  # noqa: F821
        b = len(e)
    else:
        c = 3
    return (a, b) if n > 1 else (a, c)


@case(*NUMBERS)
def imports_in_branch(n):
    if n > 1:
        import math as m
        from os import path
    elif n == 1:
        import os.path
    else:
        m, path = None, None
    return m if n < 1 else (os.path.join if n == 1 else path.join)("a", "b")


@case(*NUMBERS)
def star_targets(n):
    if n > 1:
        first, *others, last = range(n)
        (a, b), [c] = (1, 2), [3]
    else:
        first, others, last = n, [], n
        a = b = c = 0
    return first, others, last, a, b, c


@case(*NUMBERS)
def other_targets(n):
    class Box:
        pass

    box, items = Box(), [0, 0]
    if n > 1:
        box.value = n
        items[0] = items[1] = n
        items[0] += 5
    else:
        box.value, items[1:] = 1, [7, 8]
    return box, items


# -- loops -----------------------------------------------------------------------------


@case(*NUMBERS)
def sums(n):
    total = 0
    for i in range(n):
        total += i
    return total, i


@case(*NUMBERS)
def continues(n):
    out = []
    for i in range(n):
        if i % 2 == 0:
            continue
        if i > 5:
            out.append("large")
            continue
        out.append(i)
    return out


@case(*NUMBERS)
def breaks(n):
    for i in range(n):
        if i == 5:
            break
    else:
        return "exhausted", n
    return i


@case(*NUMBERS)
def returns_from_nested_loops(n):
    for i in range(n):
        for j in range(n):
            if i * j == 6:
                return i, j
            if j > i:
                break
        else:
            continue
        if i == 9:
            break
    else:
        return "none"
    return "broken"


@case(*NUMBERS)
def while_loop(n):
    steps = 0
    while n > 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
        if steps > 8:
            print("many", n)
            break
    else:
        steps = -steps
    return steps


@case(*NUMBERS)
def while_true(n):
    k = 0
    while True:
        k += 1
        if k > n:
            return k
        elif k == 4:
            break
    return "four"


@case(*NUMBERS)
def while_with_walrus(n):
    items = list(range(n))
    out = []
    while (item := items.pop() if items else None) is not None:
        if item == 1:
            continue
        out.append(item)
    return out, item


@case(*NUMBERS)
def break_in_else(n):
    out = []
    for i in range(n):
        for j in range(i):
            if j == 4:
                break
        else:
            if i == 3:
                break
            out.append(i)
            continue
        out.append(-i)
    return out, i if n > 0 else None


@case(*NUMBERS)
def loop_targets(n):
    class Box:
        pass

    box, items = Box(), {}
    for box.value, items[n] in zip(range(n), "abcdefg"):
        pass
    for a, (b, *c) in [(1, (2, 3, 4))]:
        pass
    return vars(box), items, a, b, c


@case(*NUMBERS)
def loop_variable_unbound(n):
    for i in range(n):
        pass
    return i


@case(*NUMBERS)
def closures_in_loop(n):
    functions = []
    for i in range(n):
        functions.append(lambda: i)
        if i == 2:
            functions.append(lambda i=i: i)
    return [f() for f in functions]


@case(*NUMBERS)
def iterable_changes(n):
    items = [n]
    for x in items:
        if len(items) < 5:
            items.append(x + 1)
    return items


@case(*NUMBERS)
def not_iterable(n):
    for i in n:
        print(i)


@case(*NUMBERS)
def stops(n):
    iterator = iter(range(3))
    total = 0
    while total < n:
        total += next(iterator)
    return total


# -- expressions -----------------------------------------------------------------------


@case((0, 1), (1, 0), ("", []), ([], "a"), ((), ()), (3, 4))
def truth_values(a, b):
    return a and b, a or b, not a, a or b or "none", a and b and "all", not (a or b)


@case(*NUMBERS)
def evaluates_lazily(n):
    trace = []

    def note(x):
        trace.append(x)
        return x

    note(n) > 1 and note("and")
    note(n) > 1 or note("or")
    note(n) < note(5) < note(3)
    note("then") if note(n) else note("else")
    return trace


@case(*NUMBERS)
def chained(n):
    a = 1 < n < 5, 0 <= n != 3, n in (1, 2) in [True], True is (n > 1) is not n is n
    return a, n not in [1, 2], n in {3: 4}, n == n == n > 0


@case(*NUMBERS)
def conditional(n):
    return ("a" if n > 2 else "b" if n > 0 else "c") + ("x" if n else "y")


@case(*NUMBERS)
def walrus(n):
    if (half := n // 2) > 1 and (third := n // 3) > 0:
        return half, third
    return [y := 1, y**2], half


@case(*NUMBERS)
def walrus_in_comprehension(n):
    if n > 1:
        squares = [last := i * i for i in range(n) if i != 1 or n > 3]
        return squares, last
    return any((found := i) == n for i in range(3)), found


@case(*NUMBERS)
def comprehensions(n):
    i = "outer"
    rows = [[i * j for j in range(i) if j and i] for i in range(n) if i > 1 or n > 5]
    table = {k: v and k or n for k, v in enumerate("ab")}
    found = {x if x > 1 else -x for x in range(n)}
    return rows, table, found, i, sum(k for k in range(n) if not k % 2)


@case(*NUMBERS)
def f_strings(n):
    if n > 1:
        return f"{n} {'many' if n > 2 else 'few'} {n!r:>{n}} {max(n, 3)=}"
    return f"{n and 'some' or 'none'}"


@case(*NUMBERS)
def lambdas(n):
    f = lambda x, y=n: x if x > y else (y and x)
    return f(1), f(5), (lambda *a, **k: (a, k))(1, z=2)


@case(*NUMBERS)
def starred_calls(n):
    def f(*args, a=1, **kwargs):
        return args, a, kwargs

    return f(*range(n), a=n, **{"b": 1}), f(*[1], 2, *[3], **{}, **{"a": 2})


@case(*NUMBERS)
def wrong_call(n):
    def f(a):
        return a

    return f(n, n)


@case(*NUMBERS)
def slices(n):
    items = list(range(10))
    return items[n:], items[: n if n > 0 else None], items[::2][-1]


# -- with, try, match ------------------------------------------------------------------


@contextlib.contextmanager
def noting(name):
    print("enter", name)
    try:
        yield name
    finally:
        print("exit", name)


@case(*NUMBERS)
def with_jumps(n):
    for i in range(n):
        with noting(i) as name, contextlib.suppress(ZeroDivisionError):
            if i == 1:
                continue
            if i == 3 and n < 10:
                break
            if i == 4:
                return name
            print(1 // (i - 2))
        print("after", i)
    else:
        with noting("else"):
            return "exhausted"
    return "broken"


@case(*NUMBERS)
def with_at_the_top(n):
    with noting("a"):
        if n > 2:
            return n
        n += 1
        for i in range(n):
            if i == 1:
                return "one"
    return "after"


@case(*NUMBERS)
def tries(n):
    out = []
    for i in range(n):
        try:
            if i == 1:
                continue
            if i == 2:
                raise KeyError(i)
            if i == 5:
                break
            out.append(10 // (i - 3))
        except ZeroDivisionError as error:
            out.append(str(error))
        except KeyError as error:
            if error.args[0] == n:
                raise
            out.append("key")
        else:
            out.append("else")
            if i == 4:
                continue
        finally:
            out.append("finally")
        out.append("end")
    return out


@case(*NUMBERS)
def return_in_finally(n):
    for i in range(5):
        try:
            if i == n:
                raise ValueError(i)
        except KeyError:
            pass
        finally:
            if i == 3:
                return "swallowed"
    return "never"


@case(*NUMBERS)
def reraises(n):
    try:
        if n:
            1 // 0
    except ZeroDivisionError:
        if n > 2:
            raise
        elif n == 2:
            raise ValueError("other")
        elif n == 1:
            raise ValueError from None
    return n


@case(*NUMBERS)
def handler_name_is_deleted(n):
    error = "before"
    if n > 0:
        try:
            raise ValueError(n)
        except ValueError as error:
            n = error.args[0]
    return n, error


@case(*NUMBERS)
def raise_in_loop_in_try(n):
    try:
        for i in range(n):
            if i == 2:
                raise ValueError(i)
    except ValueError as error:
        return error.args
    return "fine"


@case(*NUMBERS)
def exception_groups(n):
    try:
        if n > 1:
            raise ExceptionGroup("g", [ValueError(1), KeyError(2)])
        elif n == 1:
            raise ValueError(n)
    except* ValueError as group:
        for error in group.exceptions:
            if error.args[0] != 1:
                break
            print(error)
    except* KeyError:
        print("key")
    return n


@case(*NUMBERS, ("text",), ([1, 2, 3],), ({"a": 1, "b": 2},), (None,), ((1, (2, 3)),))
def matches(subject):
    for _ in range(2):
        match subject:
            case 0 | 1:
                return "small"
            case int(n) if n > 5:
                if n > 10:
                    continue
                found = n
            case [x, *others] if len(others) == 2:
                found = x, others
            case (x, (y, z)):
                found = x, y, z
            case {"a": a, **rest}:
                found = a, rest
            case str() as s:
                break
            case None:
                raise ValueError("none")
            case _:
                found = "other"
        print(found)
    else:
        return "exhausted"
    return s


# -- functions in functions ------------------------------------------------------------


@case(*NUMBERS)
def closure_counter(n):
    count = 0

    def step(by=1):
        nonlocal count
        if by > 2:
            count += 10
            return count
        count += by
        return count

    while step() < n:
        if count == 3:
            step(3)
    return count


@case(*NUMBERS)
def rebound_by_a_call(n):
    total = 0

    def add(x):
        nonlocal total
        for _ in range(x):
            total += x

    if n > 1:
        add(n)
        add(2)
    return total


@case(*NUMBERS)
def nested_deeply(n):
    a = n

    def f():
        def g():
            nonlocal a
            if a > 1:
                a -= 1
                return g()
            return a

        a_before = a
        return g(), a_before

    return f(), a


@case(*NUMBERS)
def defined_in_branches(n):
    if n > 1:

        def f(x=n):
            return f"large {x}"

        class A:
            kind = "large"

    else:

        def f():
            return "small"

        class A:
            kind = "small"

            def value(self):
                return n if n else self.kind

    return f(), A.kind, f.__qualname__, A.__qualname__, A.__module__


@case(*NUMBERS)
def recursion(n):
    if n <= 1:
        return 1
    return n * recursion(n - 1)


@case(*NUMBERS)
def mutual_recursion(n):
    def even(k):
        if k <= 0:
            return True
        return odd(k - 1)

    def odd(k):
        return False if k <= 0 else even(k - 1)

    return even(n), odd(n)


@case(*NUMBERS)
def generators(n):
    def count(k):
        while k > 0:
            if k == 5:
                return "five"
            received = yield k
            if received:
                k = received and k - 2
            k -= 1

    iterator = count(n)
    total = sum(iterator)
    return total, list(count(n)), [x for x in (y * y for y in count(3))]


@case(*NUMBERS)
def delegating_generator(n):
    def inner():
        for i in range(n):
            if i % 2:
                yield i
        return n

    def outer():
        result = yield from inner()
        yield "result", result

    return list(outer())


@case(*NUMBERS)
def mutable_default(n, seen=[]):  # noqa: B006
    if n > 1:
        seen.append(n)
    return len(seen) > 0, n


@case((1, 2), (3, 1))
def positional_only(a, b, /, c=3, *args, d, e=5, **others):
    if a > b:
        return a
    return b, c, d


@case((1,), (4,))
def keyword_only(a, *, b=2, **others):
    for i in range(a):
        if i == b:
            return i, others
    return b


@case(*NUMBERS)
def class_body(n):
    class A:
        x = 1
        y = x if n > 1 else 2
        z = [i for i in range(n) if i]
        w = x and n or y
        if n > 2:
            v = "large"
        for i in range(3):
            if i == 1:
                break

        def method(self, k=x):
            if k and self.x:
                return n
            return __class__.__name__

    return A.y, A.z, A.w, A.i, getattr(A, "v", None), A().method(), A().method(0)


@case(*NUMBERS)
def class_rebinds_nonlocal(n):
    a = 0
    if n > 1:

        class A:
            nonlocal a
            a = n

    return a


class Base:
    def __init__(self, value):
        self.value = value

    def scale(self, k):
        return self.value * k


class Derived(Base):
    __hidden = 3

    def __init__(self, value):
        if value > 1:
            super().__init__(value)
        else:
            super(Derived, self).__init__(-value)
        self.__private = 1

    def scale(self, k):
        for _ in range(2):
            if k > 1:
                return super().scale(k) + self.__hidden
            k += 1
        return self.__private if k else 0

    def twice(self, k):
        total = [super(Derived, self).scale(i) for i in range(k) if i or self]
        while k > 0 and super().scale(k):
            __k = k
            k -= 1
            if __k == 2:
                break
        return total, k

    @property
    def positive(self):
        return True if self.value > 0 else False

    @classmethod
    def build(cls, n):
        return cls(n) if n else cls(1)

    @staticmethod
    def check(n):
        return n > 0 and n < 5

    def __call__(self, n):
        if n in (1, 2):
            return self.value
        return n


class StaticCall:
    @staticmethod
    def __call__(n):
        return n if n > 0 else StaticCall


@case(*NUMBERS)
def static_call(n):
    return StaticCall()(n)


@case(*NUMBERS)
def methods(n):
    d = Derived(n)
    return d.value, d.scale(n), d.twice(n), d.positive, Derived.build(n), d.check(n)


@case(*NUMBERS)
def bound_methods(n):
    d = Derived(n)
    scale, call, check = d.scale, d, Derived.check
    return [f(n) for f in (scale, call, check, d.build)]


@dataclasses.dataclass
class Point:
    x: float
    y: float = 0.0

    def norm(self):
        return math.sqrt(self.x**2 + self.y**2) if self.x else abs(self.y)

    def __add__(self, other):
        if not isinstance(other, Point):
            return NotImplemented
        return Point(self.x + other.x, self.y + other.y)


@case(*NUMBERS)
def dataclass_methods(n):
    p = Point(n) + Point(1, 2)
    return p, p.norm(), dataclasses.replace(p, x=0).norm()


class Made:
    def __new__(cls, n):
        if n == 2:
            return n
        return super().__new__(cls)

    def __init__(self, n):
        if n == 3:
            raise ValueError(n)
        self.n = n


class WrongInit:
    def __init__(self, n):
        return n


class CustomError(Exception):
    def __init__(self, n):
        super().__init__(n, "custom")
        self.n = n


@case(*NUMBERS)
def construction(n):
    made = Made(n)
    if n == 7:
        raise CustomError(n)
    if n == 12:
        WrongInit(n)
    return made


def decorator(f):
    @functools.wraps(f)
    def wrapper(*args, **kwargs):
        if args and args[0] == 1:
            return "one"
        return f(*args, **kwargs)

    return wrapper


@case(*NUMBERS)
@decorator
def decorated(n):
    if n > 2:
        return "large"
    return n


@case(*NUMBERS)
def calls_decorated(n):
    @decorator
    @decorator
    def f(x, y=2):
        return x and y

    return f(n), decorated(n), f.__name__


@case(*NUMBERS)
def partials(n):
    f = functools.partial(positional_only, n, 2, d=n)
    return f(), f(5, e=1), functools.reduce(lambda a, b: a if a > b else b, [1, n, 2])


@case(*NUMBERS)
def builtin_calls(n):
    xs = [3, n, 1.5]
    return (
        (min(xs), max(xs), min(3, n), max(n, n, key=lambda v: -v), sum(xs), abs(n)),
        (float(n), int(1.9), bool(n), complex(n), complex(1, n), round(n + 0.5)),
        (len(xs), divmod(n, 5), pow(n, 2), isinstance(n, (int, str)), sorted(xs)),
        list(map(lambda v: v and 1, xs)),
        list(filter(None, xs)),
        list(zip(xs, range(2))),
        min(iter(xs)),
        max([], default=n),
        (math.sqrt(abs(n)), math.floor(2.5), math.hypot(3, 4), math.log(8, 2)),
    )


@case((-1.0,), (0.0,), ("a",))
def failing_builtins(x):
    return math.log(x), float(x), min(x), len(x)


@case(*NUMBERS)
def frame_readers(n):
    a = n
    if n > 1:
        b = 2
        return sorted(locals()), eval("a + b")
    return vars() == {"n": n, "a": a}


@case(*NUMBERS)
def eval_with_names(n):
    if n > 1:
        return eval("n + 1", {"n": n})
    names = {}
    exec("x = 3", names)
    return names["x"]


@case(*NUMBERS)
def several_returns_in_loops(n):
    while n > 0:
        for i in range(n):
            while i > 3:
                if i == 6:
                    return "six"
                i -= 1
            else:
                if n == 7:
                    break
        n -= 1
        if n == 1:
            return i, n
    return n


@case(*NUMBERS)
def swaps(n):
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
        if a > 50:
            a, b = b, a
    return a, b


@case((lambda: 3,), (None,), (int,))
def calls_argument(f):
    return f() if f else "nothing"


def make_lambdas():
    return [lambda x: x + 1 if x else 0, lambda x: x + 2 if x else 0, lambda x: x and 3]


CASES += [(f, NUMBERS) for f in make_lambdas()]
CASES += [
    (lambda n: n > 1 and n < 7 or n, NUMBERS),
    (lambda n: -n if n else n, NUMBERS),
]
CASES += [(Derived(3).scale, NUMBERS), (Derived(4), NUMBERS), (Derived.check, NUMBERS)]
CASES += [(Derived.build, NUMBERS), (functools.partial(keyword_only, b=1), NUMBERS)]
CASES += [(Made, NUMBERS), (Point, NUMBERS), (math.sqrt, NUMBERS)]
