"""Random numeric programs in plain NumPy: source text, and what it is made of.

A program is ``f(x, a, n)``: x a vector of floats, a a number, n an integer. It returns
a number and a vector on every path. Assigned values are bounded by tanh, sin or a
contraction, so that no program overflows; thresholds are unlikely to be met exactly.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from tests.fuzz.expressions import CUTS, Expressions
from tests.fuzz.scope import Place, Scope

HEAD = """import numpy as np

WEIGHTS = np.array({weights})
ORDER = np.array({order})
SOME = np.array({some})
"""


class Written(NamedTuple):
    """A program and how often each construct occurs in it."""

    text: str
    length: int
    constructs: Counter[str]


class Writer(Expressions):
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
        self.main()
        return Written(head + "\n".join(self.lines) + "\n", n, self.constructs)

    def main(self) -> None:
        self.line(0, "\ndef f(x, a, n):")
        self.scope = Scope({"s": ["a"], "v": []})
        self.bind("v", "v0", 1, "x.copy()")
        self.bind("s", "s0", 1, "0.5")
        if self.maybe(0.5):
            self.bind("v", "v1", 1, self.pick("np.zeros(len(x))", "np.sin(x)"))
        if self.maybe(0.5):
            self.bind("s", "s1", 1, "x[1] * a")
        if self.maybe(0.35):
            self.bind("m", "m0", 1, "np.cos(np.outer(x[:3], x[1:4]))")
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
        self.line(1, f"return {self.result('pair')}")

    def helper(self) -> None:
        self.made += 1
        name = f"h{self.made}"
        self.line(0, f"\ndef {name}(x, t, n):")
        self.scope = Scope({"s": ["t"], "v": ["x"]})
        if self.maybe(0.5):
            self.bind("v", "v0", 1, "0.5 * x")
            if self.maybe(0.6):
                self.scope.names["v"] = ["v0"]
        self.room = self.random.randint(2, 8)
        for _ in range(self.random.randint(1, 3)):
            self.statement(Place(1, 2, 0, False, "number"))
        self.line(1, f"return {self.result('number')}")
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
            if place.loops < 2:
                compound += [self.forever, self.written_out]
            self.random.choice(compound)(place)
            return
        kinds: list[Any] = [self.assign, self.assign, self.write, self.write]
        kinds += [self.write, self.integers, self.tuples, self.aliases, self.mixed]
        self.random.choice(kinds)(place.indent)

    def assign(self, indent: int) -> None:
        if self.maybe(0.6):
            s = self.target("s")
            if self.maybe(0.3):
                self.note("augmented assignment")
                self.line(indent, f"{s} {self.pick('+=', '-=')} {self.bounded()}")
            else:
                self.bind("s", s, indent, self.bounded())
        elif self.maybe(0.6):
            self.bind("v", self.target("v"), indent, self.bounded_vector())
        elif self.maybe(0.5):
            self.note("lambda")
            name, s = self.fresh("f"), self.name("s")
            self.bind("f", name, indent, f"lambda z: np.tanh(z - {s})")
        else:
            self.note("flag assigned")
            self.bind("b", self.target("b"), indent, self.test(2))

    def write(self, indent: int) -> None:
        v, cut = self.name("v"), self.pick(*CUTS)
        at = self.index()
        k = self.name("k") if self.has("k") else "2"
        whole = f"{v}[:]" if self.nested else v  # a name would be local
        options = [
            ("element =", f"{v}[{at}] = {self.bounded()}"),
            ("element =", f"{v}[{at}] = {self.bounded()}"),
            ("element +=", f"{v}[{at}] += {self.bounded()}"),
            ("element -=", f"{v}[{at}] -= {self.bounded()}"),
            ("element *=", f"{v}[{at}] *= np.cos({self.number(1)})"),
            ("slice *=", f"{v}[1:] *= np.cos({self.number(1)})"),
            ("slice = overlapping slice", f"{v}[1:] = {v}[:-1]"),
            ("slice +=", f"{v}[:-1] += np.sin({self.name('v')}[1:])"),
            ("slice with bound =", f"{v}[{k}:] = np.sin({self.name('v')}[{k}:])"),
            ("slice with bound +=", f"{v}[{k}:] += {self.bounded()}"),
            ("slice with bound *=", f"{v}[:{k}] *= {self.bounded()}"),
            ("array in place", f"{whole} += {self.bounded_vector()}"),
            ("array in place", f"{whole} *= {self.bounded()}"),
            ("overwrite", f"{v}[:] = {self.bounded_vector()}"),
            ("add.at", f"np.add.at({v}, SOME, {self.bounded()})"),
            ("fancy write", f"{v}[ORDER] = {self.bounded_vector()}"),
            ("mask write", f"{v}[{v} > {cut}] = {self.bounded()}"),
            ("element swap", f"{v}[{at}], {v}[0] = {v}[0], {v}[{at}]"),
            ("weights written to", f"WEIGHTS[{at}] = 0.3"),
        ]
        if self.has("w"):
            w = self.name("w")
            options += [
                ("write through a view", f"{w}[{self.random.randint(-3, 2)}] = "),
                ("write through a view", f"{w}[:] *= " if self.nested else f"{w} *= "),
                ("write through a view", f"{w}[1:] += "),
            ]
        if self.has("r"):
            options += [("write through a row", f"{self.name('r')}[1] = ")] * 2
            options.append(("write through a row", f"{self.name('r')}[:] *= "))
        if self.has("m"):
            m, j = self.name("m"), self.three()
            options += [
                ("matrix write", f"{m}[{j}, {self.three()}] = "),
                ("matrix write", f"{m}[:, {j}] *= "),
                ("matrix write", f"{m}.T[{j}] = "),
                ("matrix write", f"{m}[{j}] += "),
            ]
        through = [o for o in options if o[0].startswith("write through")]
        if through and self.maybe(0.5):
            options = through
        construct, text = self.random.choice(options)
        if text.startswith("WEIGHTS") and self.maybe(0.95):
            construct, text = options[0]
        self.note(construct)
        self.line(indent, text + (self.bounded() if text.endswith("= ") else ""))

    def integers(self, indent: int) -> None:
        k = self.target("k")
        if k == "i" or k.startswith("i_"):
            k = self.fresh("k")
        value = str(self.random.randint(0, 3))
        if k in self.scope.of("k") and self.maybe(0.7):
            value = self.pick(f"({k} + 1) % len(x)", f"len(x) - 1 - {k}")
        self.note("integer variable")
        self.bind("k", k, indent, value)

    def tuples(self, indent: int) -> None:
        kind = self.pick("s", "v", "p", "unpack")
        if kind == "p" or (kind == "unpack" and not self.has("p")):
            self.note("tuple")
            p = self.target("p")
            self.bind("p", p, indent, f"({self.bounded_vector()}, {self.bounded()})")
        elif kind == "unpack":
            self.note("unpacking")
            v, s = self.target("v"), self.target("s")
            self.line(indent, f"{v}, {s} = {self.name('p')}")
            self.scope.bind("v", v)
            self.scope.bind("s", s)
        else:
            own = [n for n in self.scope.of(kind) if n != "x"]
            if len(own) < 2:
                self.assign(indent)
                return
            one, two = self.random.sample(own, 2)
            self.note(f"swap of {'numbers' if kind == 's' else 'arrays'}")
            self.line(indent, f"{one}, {two} = {two}, {one}")

    def aliases(self, indent: int) -> None:
        v = self.name("v")
        kind = self.pick(
            "alias", "view", "row", "copy", "transpose", "reverse", "part", "chosen"
        )
        if kind == "alias" and self.maybe(0.5):
            self.note("alias")
            self.bind("v", self.fresh("v"), indent, v)
        elif kind in ("row", "transpose") and self.has("m"):
            self.note(f"view: {kind}")
            m = self.name("m")
            if kind == "row":
                self.bind("r", self.fresh("r"), indent, f"{m}[{self.three()}]")
            else:
                self.bind("m", self.fresh("m"), indent, f"{m}.T")
        elif kind == "view":
            self.note("view: slice")
            self.bind("w", self.fresh("w"), indent, f"{v}[1:]")
        elif kind == "part" and self.has("k"):
            self.note("view: traced length")
            u, k = self.fresh("u"), self.name("k")
            self.line(indent, f"{u} = {v}[:{k} + 1]")
            self.line(indent, f"{u} {self.pick('+=', '-=', '*=')} {self.bounded()}")
        elif kind == "chosen" and self.maybe(0.4):
            self.note("array chosen")
            value = f"{v} if {self.test(1)} else {self.name('v')}"
            self.bind("v", self.fresh("v"), indent, value)
        elif kind == "reverse":
            self.note("view: reversed")
            self.bind("v", self.fresh("v"), indent, f"{v}[::-1]")
        else:
            self.note("copy")
            self.bind("v", self.target("v"), indent, f"{self.name('v')}.copy()")

    def mixed(self, indent: int) -> None:
        """A number that is an integer on one path, and a float on another."""
        s = self.fresh("s")
        self.note("integer or float")
        self.bind("s", s, indent, str(self.random.randint(-1, 1)))
        self.line(indent, f"if {self.test(1)}:")
        self.line(indent + 1, f"{s} = {s} + {self.bounded()}")

    # -- compound statements -----------------------------------------------------------

    def within(self, place: Place, *, jump: float = 0.0, at_least: int = 1) -> Scope:
        """A block; the names that it leaves bound."""
        before = self.scope
        self.scope = before.copy()
        self.block(place, at_least)
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
            kind = f"return {self.result(place.returns)}"
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
        head = self.pick(
            "range(len(x))",
            "range(len(x))",
            "range(1, len(x) - 1)",
            "range(n)",
            "range(n)",
            "range(len(x) - 1, -1, -1)",
            "reversed(range(n))",
            "range(0, len(x), 2)",
            "range(4)",
            "range(n, len(x))",
        )
        self.note(f"for in {head}")
        self.line(place.indent, f"for {i} in {head}:")
        inside = place.inside(loops=place.loops + 1, jumps=True)
        before, self.scope = self.scope, self.scope.copy()
        self.scope.bind("k", i)
        self.scope.bind("k", i)
        self.scope.names["k"].append(i)
        self.within(inside)
        self.scope = before
        self.or_else(place)

    def or_else(self, place: Place) -> None:
        if self.maybe(0.2):
            self.note("else of a loop")
            self.line(place.indent, "else:")
            self.within(place.inside())

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
        leave = f"return {self.result(place.returns)}" if out else "break"
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

    def fresh_in_loop(self, place: Place) -> None:
        """A variable that a loop binds first, and that is read after it."""
        self.note("bound in a loop, read after it")
        kind = self.pick("s", "v", "s")
        name, i = self.fresh(kind), self.fresh("i")
        self.line(place.indent, f"for {i} in range({self.random.randint(2, 4)}):")
        inside = place.inside(loops=place.loops + 1, jumps=True)
        before, self.scope = self.scope, self.scope.copy()
        self.scope.bind("k", i)
        value = self.bounded() if kind == "s" else self.bounded_vector()
        self.bind(kind, name, inside.indent, value)
        self.within(inside)
        self.scope = before
        self.scope.bind(kind, name)
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
