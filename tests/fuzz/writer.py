"""Random numeric programs in plain NumPy: source text, and what it is made of.

A program is ``f(x, a, n)``: x a vector of floats, a a number, n an integer. It returns
a number and a vector on every path. Assigned values are bounded by tanh, sin or a
contraction, so that no program overflows; thresholds are unlikely to be met exactly.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from tests.fuzz.scope import Place, Scope
from tests.fuzz.statements import Statements

HEAD = """import numpy as np
import wengert as wg

WEIGHTS = np.array({weights})
ORDER = np.array({order})
SOME = np.array({some})
"""

RANGES = (
    *["range(len(x))"] * 3,
    *["range(n)"] * 2,
    "range(1, len(x) - 1)",
    "range(len(x) - 1, -1, -1)",
    "range(len(x) - 1, -1, -1)",
    "reversed(range(n))",
    "range(0, len(x), 2)",
    "range(4)",
    "range(n, len(x))",
    "range(n, -1, -1)",
    "range(0, n, 2)",
    "range(1, len(x), n)",
    "range(len(x) - 1, n - 1, -2)",
    "range(0, 3 * len(x), 3)",
    "range(2 * len(x) - 1, 0, -2)",
)
# Their items may be no indices of x.
WIDE = (*RANGES[-2:], "range(5)", "range(9, 1, -2)")


class Written(NamedTuple):
    """A program and how often each construct occurs in it."""

    text: str
    length: int
    constructs: Counter[str]


class Writer(Statements):
    """Writes one random program."""

    # -- the program -------------------------------------------------------------------

    def program(self) -> Written:
        n = self.length
        order = self.random.sample(range(n), n)
        some = [self.random.randrange(n) for _ in range(3)]
        weights = [round(self.random.uniform(-1, 1), 3) for _ in range(n)]
        head = HEAD.format(weights=weights, order=order, some=some)
        for _ in range(self.random.choice([0, 1, 1, 2])):
            self.helper()
        if self.maybe(0.06):
            self.recursive()
        self.main()
        return Written(head + "\n".join(self.lines) + "\n", n, self.constructs)

    def main(self) -> None:
        self.line(0, "\ndef f(x, a, n):")
        self.shared = {"x"}
        self.scope = Scope({"s": ["a"], "v": []})
        self.bind("v", "v0", 1, "x.copy()")
        self.bind("s", "s0", 1, "0.5")
        if self.maybe(0.5):
            self.bind("v", "v1", 1, self.pick("np.zeros(len(x))", "np.sin(x)"))
        if self.maybe(0.5):
            self.bind("s", "s1", 1, "x[1] * a")
        if self.maybe(0.35):
            self.bind("m", "m0", 1, "np.cos(np.outer(x[:3], x[1:4]))")
        if self.maybe(0.25):
            self.view(1)
        if self.has("m") and self.maybe(0.3):
            self.row(1)
        if self.maybe(0.25):
            self.bind("q", "q0", 1, "(np.sin(a), 0.25)")
        if self.maybe(0.25):
            self.bind("d", "d0", 1, "{'a': np.cos(a), 'b': x[2]}")
        if self.maybe(0.5):
            self.bind("k", "k0", 1, self.pick("1", "n", "len(x) - 1"))
        if self.maybe(0.3):
            self.bind("b", "b0", 1, self.pick("True", "False", "a > 0.1213"))
        if self.maybe(0.15):
            self.scope.bind("v", "x")
            self.note("argument written to")
        self.room = self.random.randint(8, 26)
        place = Place(1, 3, 0, False, "pair")
        for _ in range(self.random.randint(3, 7)):
            self.statement(place)
        self.line(1, f"return {self.result('pair', 0.8)}")

    def helper(self) -> None:
        self.made += 1
        name = f"h{self.made}"
        self.line(0, f"\ndef {name}(x, t, n):")
        self.shared = {"x"}
        self.scope = Scope({"s": ["t"], "v": ["x"]})
        copies = False
        if self.maybe(0.5):
            self.bind("v", "v0", 1, "0.5 * x")
            copies = self.maybe(0.6)
            if copies:
                self.scope.names["v"] = ["v0"]
        self.room = self.random.randint(2, 8)
        for _ in range(self.random.randint(1, 3)):
            self.statement(Place(1, 2, 0, False, "number"))
        self.line(1, f"return {self.result('number', 0.4)}")
        if copies and self.maybe(0.3):
            self.note("checkpointed helper")
            self.line(0, f"\n{name} = wg.checkpoint({name})")
        self.helpers.append(name)

    def recursive(self) -> None:
        """A helper that calls itself, as often as a value says."""
        self.note("recursion")
        self.made += 1
        name = f"h{self.made}"
        self.line(0, f"\ndef {name}(x, t, n):")
        self.shared = {"x"}
        self.scope = Scope({"s": ["t"], "v": ["x"]})
        more = f" or {self.test()}" if self.maybe(0.4) else ""
        self.line(1, f"if n <= 0{more}:")
        self.line(2, f"return {self.result('number', 0.4)}")
        self.bind("v", "v0", 1, "0.5 * x")
        self.scope.names["v"] = ["v0"]
        self.room = self.random.randint(0, 4)
        for _ in range(self.random.choice([0, 0, 1, 2])):
            self.statement(Place(1, 1, 0, False, "number"))
        given = self.pick("x", "x", "v0", "np.sin(v0)")
        again = f"{name}({given}, {self.bounded()}, n - {self.pick('1', '1', '2')})"
        self.line(1, f"return np.sin({self.number(1)} + 0.6 * {again})")
        self.helpers.append(name)

    # -- statements --------------------------------------------------------------------

    def block(self, place: Place, at_least: int = 1) -> None:
        for _ in range(self.random.randint(at_least, 3 if self.room > 0 else 1)):
            self.statement(place)

    def statement(self, place: Place) -> None:
        if place.depth > 0 and self.room > 0 and self.maybe(0.45):
            compound = [self.if_, self.if_, self.for_, self.for_, self.while_]
            if place.loops > 1:
                compound = [self.if_]
            elif place.indent == 1:
                compound += [self.inner, self.fresh_in_loop, self.carried]
                compound += [self.growing] if self.maybe(0.2) else []
            if place.loops < 2:
                compound += [self.forever, self.written_out, self.for_items]
            self.random.choice(compound)(place)
            return
        self.looped = place.loops > 0
        self.simple(place.indent)

    # -- compound statements -----------------------------------------------------------

    def within(self, place: Place, *, jump: float = 0.0, at_least: int = 1) -> Scope:
        """A block; the names that it leaves bound."""
        before = self.scope
        self.scope = before.copy()
        self.block(place, at_least)
        terms = self.terms(known=before)
        if terms and self.maybe(0.7):
            s = self.random.choice(before.of("s"))
            self.line(place.indent, f"{s} = np.sin({' + '.join([s, *terms])})")
        if self.maybe(jump):
            self.jump(place)
        inside, self.scope = self.scope, before
        return inside

    def jump(self, place: Place) -> None:
        kinds = ["break", "continue"] * 2 if place.jumps else []
        if place.returns:
            kinds.append("return")
        if not kinds:
            return
        kind = self.random.choice(kinds)
        self.note(f"{kind} in a loop" if place.loops else kind)
        if kind == "return":
            kind = f"return {self.result(place.returns, 0.4)}"
        self.line(place.indent, kind)

    def if_(self, place: Place) -> None:
        inside = place.inside()
        jump = 0.5 if place.loops else 0.12
        self.note("if")
        self.line(place.indent, f"if {self.test()}:")
        self.within(inside, jump=jump)
        if self.maybe(0.25):
            self.note("elif")
            self.line(place.indent, f"elif {self.test()}:")
            self.within(inside, jump=jump / 2)
        if self.maybe(0.45):
            self.note("else")
            self.line(place.indent, "else:")
            self.within(inside)

    def for_(self, place: Place) -> None:
        i = self.fresh("i")
        head = self.random.choice(RANGES)
        inside = place.inside(loops=place.loops + 1, jumps=True)
        if self.maybe(0.1):
            self.note("range with checkpoints")
            schedule = self.pick("'all'", "'none'", "2", "wg.binomial(2)")
            head = f"wg.range(len(x), checkpoints={schedule})"
        else:
            self.note(f"for in {head}")
        self.line(place.indent, f"for {i} in {head}:")
        before, self.scope = self.scope, self.scope.copy()
        if head in WIDE:
            wide, i = i, self.fresh("k")
            self.line(inside.indent, f"{i} = {wide} % len(x)")
        self.scope.names["k"] = [*self.scope.of("k"), i, i]
        if self.maybe(0.5):
            self.step(inside.indent)
        self.within(inside)
        self.scope = before
        self.or_else(place)

    def for_items(self, place: Place) -> None:
        """A loop over the entries of an array, which it may write to."""
        v, s, k = self.name("v"), self.fresh("s"), self.fresh("i")
        before, self.scope = self.scope, self.scope.copy()
        kind = self.pick("entries", "enumerate", "zip")
        self.note(f"for in array: {kind}")
        if kind == "entries":
            head = f"for {s} in {v}:"
        elif kind == "enumerate":
            head = f"for {k}, {s} in enumerate({v}):"
            self.scope.bind("k", k)
        else:
            other = self.fresh("s")
            head = f"for {s}, {other} in zip({v}, {self.name('v')}):"
            self.scope.bind("s", other)
        self.line(place.indent, head)
        self.scope.bind("s", s)
        self.within(place.inside(loops=place.loops + 1, jumps=True))
        self.scope = before
        self.or_else(place)

    def or_else(self, place: Place) -> None:
        if self.maybe(0.35 if place.loops else 0.2):
            self.note("else of a loop")
            self.line(place.indent, "else:")
            self.within(place.inside(), jump=0.7 if place.loops else 0.1)

    def step(self, indent: int) -> None:
        """A number that depends on the order of the steps."""
        self.note("recurrence")
        s, more = self.target("s"), f"{self.name('v')}[{self.index()}]"
        if s in self.scope.of("s"):
            self.line(indent, f"{s} = np.sin(0.8 * {s} + {more})")

    def while_(self, place: Place) -> None:
        c = self.fresh("c")
        bound = self.pick("5", "n", "len(x)")
        self.note("while")
        self.line(place.indent, f"{c} = 0")
        more = f" and {self.test(1)}" if self.maybe(0.7) else ""
        self.line(place.indent, f"while {c} < {bound}{more}:")
        inside = place.inside(loops=place.loops + 1, jumps=True)
        self.line(inside.indent, f"{c} += 1")
        before, self.scope = self.scope, self.scope.copy()
        if self.maybe(0.4):
            k = self.fresh("k")
            self.bind("k", k, inside.indent, f"{c} % len(x)")
        self.within(inside)
        self.scope = before
        self.or_else(place)

    def forever(self, place: Place) -> None:
        """``while True`` that a jump ends."""
        self.note("while True")
        c = self.fresh("c")
        self.line(place.indent, f"{c} = {self.random.randint(-1, 1)}")
        self.line(place.indent, "while True:")
        inside = place.inside(loops=place.loops + 1, jumps=True)
        self.line(inside.indent, f"{c} += 1")
        self.line(inside.indent, f"if {c} > 3 or {self.test(1)}:")
        out = place.returns and self.maybe(0.2)
        leave = f"return {self.result(place.returns, 0.4)}" if out else "break"
        self.line(inside.indent + 1, leave)
        before, self.scope = self.scope, self.scope.copy()
        self.within(inside)
        self.scope = before

    def written_out(self, place: Place) -> None:
        """A loop over a tuple, which is written out."""
        self.note("for in a tuple")
        i, v = self.fresh("i"), self.fresh("v")
        values = f"{self.name('v')}, {self.bounded_vector()}"
        self.line(place.indent, f"for {i}, {v} in enumerate(({values})):")
        before, self.scope = self.scope, self.scope.copy()
        self.scope.bind("k", i)
        self.scope.bind("v", v)
        self.within(place.inside(loops=place.loops + 1, jumps=True))
        self.scope = before

    def carried(self, place: Place) -> None:
        """A tuple that a loop carries, and a value that decides when it ends."""
        self.note("tuple carried by a loop")
        p, s, c = self.fresh("p"), self.fresh("s"), self.fresh("c")
        self.bind("p", p, place.indent, f"({self.bounded_vector()}, 0.25)")
        self.line(place.indent, f"{s}, {c} = 1.0, 0")
        cut = self.pick("0.0718", "0.1459", "0.3819")
        self.line(place.indent, f"while {s} > {cut} and {c} < 9:")
        inside = place.inside(loops=place.loops + 1, jumps=True)
        before, self.scope = self.scope, self.scope.copy()
        number = f"np.tanh({p}[1] + {self.number(1)})"
        self.line(inside.indent, f"{p} = (np.sin({p}[0] - {p}[1]), {number})")
        self.line(inside.indent, f"{s}, {c} = {s} * (0.6 + 0.3 * {p}[1]), {c} + 1")
        if self.maybe(0.5):
            self.within(inside)
        self.scope = before
        self.scope.bind("s", s)

    def growing(self, place: Place) -> None:
        """A list that a loop appends numbers to."""
        self.note("growing list")
        found, i = self.fresh("l"), self.fresh("i")
        self.line(place.indent, f"{found} = [{self.number(1)}]")
        self.line(place.indent, f"for {i} in {self.pick('range(n)', 'range(len(x))')}:")
        before, self.scope = self.scope, self.scope.copy()
        self.scope.bind("k", i)
        indent = place.indent + 1
        if self.maybe(0.4):
            self.line(indent, f"if {self.test(1)}:")
            indent += 1
        last = f" + {found}[-1]" if self.maybe(0.4) else ""
        self.line(indent, f"{found}.append(np.sin({self.number(1)}{last}))")
        self.scope = before
        made = self.pick("np.mean(np.array({0}))", "{0}[-1]", "{0}[len({0}) // 2]")
        self.bind("s", self.target("s"), place.indent, made.format(found))

    def fresh_in_loop(self, place: Place) -> None:
        """A variable that a loop binds first, and that is read after it."""
        self.note("bound in a loop, read after it")
        kind = self.pick("s", "v", "s")
        name, i = self.fresh(kind), self.fresh("i")
        often = self.pick("range(3)", "range(len(x))", "range(5)", "range(9, 1, -2)")
        self.line(place.indent, f"for {i} in {often}:")
        inside = place.inside(loops=place.loops + 1, jumps=True)
        before, self.scope = self.scope, self.scope.copy()
        if often not in WIDE:
            self.scope.bind("k", i)
        value = self.bounded() if kind == "s" else self.bounded_vector()
        self.bind(kind, name, inside.indent, value)
        self.within(inside)
        self.scope = before
        self.scope.bind(kind, name)
        if often not in WIDE:
            self.scope.bind("k", i)

    def inner(self, place: Place) -> None:
        """A nested function that writes to arrays and numbers of the outer one."""
        self.note("nested function")
        name, before = self.fresh("f"), self.scope
        self.line(place.indent, f"def {name}(z):")
        self.scope = before.copy()
        own = [n for n in before.of("s") if n != "a"]
        rebound = self.random.choice(own) if own and self.maybe(0.5) else None
        if rebound:
            self.note("nonlocal")
            self.line(place.indent + 1, f"nonlocal {rebound}")
        self.scope.bind("s", "z")
        self.nested = True
        for _ in range(self.random.randint(1, 2)):
            self.write(place.indent + 1)
        self.nested = False
        if rebound:
            self.line(place.indent + 1, f"{rebound} = np.tanh({rebound} + z)")
        self.line(place.indent + 1, f"return {self.bounded()}")
        self.scope = before
        self.scope.bind("f", name)
        self.bind("s", self.target("s"), place.indent, f"{name}({self.atom()})")


def write(seed: int) -> Written:
    return Writer(seed).program()
