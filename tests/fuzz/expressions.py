"""Random expressions: indices, numbers, vectors, tests."""

from __future__ import annotations

from functools import partial

from tests.fuzz.scope import Base, Options, Scope

CUTS = ("0.3819", "-0.2361", "0.0718", "0.7321", "-0.5858", "0.1459")


class Expressions(Base):
    """Writes expressions."""

    def noted(self, construct: str, text: str) -> str:
        self.note(construct)
        return text

    # -- indices -----------------------------------------------------------------------

    def index(self) -> str:
        if self.has("k") and self.maybe(0.7):
            k = self.name("k")
            return self.pick(
                k,
                k,
                f"len(x) - 1 - {k}",
                f"({k} + 1) % len(x)",
                f"-1 - {k}",
                f"({k} - 3) // 2 % len(x)",
            )
        return str(self.random.randint(-4, 3))

    def three(self) -> str:
        if self.has("k") and self.maybe(0.6):
            return f"{self.name('k')} % 3"
        return str(self.random.randint(-3, 2))

    # -- numbers -----------------------------------------------------------------------

    def atom(self) -> str:
        name, index = self.name, self.index
        options: Options = [
            (True, lambda: name("s")),
            (True, lambda: name("s")),
            (True, lambda: f"{name('v')}[{index()}]"),
            (True, lambda: f"{name('v')}[{index()}]"),
            (True, lambda: str(round(self.random.uniform(-1, 1), 2))),
            (True, lambda: "WEIGHTS[2]"),
            (self.has("k"), lambda: f"0.3 * {name('k')}"),
            (self.has("m"), lambda: f"{name('m')}[{self.three()}, 1]"),
            (self.has("r"), lambda: f"{name('r')}[{self.three()}]"),
            (self.has("w"), lambda: f"{name('w')}[-1]"),
            (self.has("k"), lambda: f"{name('v')}[ORDER[{name('k')} % 4]]"),
            (self.has("p"), lambda: f"{name('p')}[1]"),
            (self.has("q"), lambda: f"{name('q')}[{self.pick('0', '1')}]"),
            (self.has("d"), lambda: f"{name('d')}[{self.key()}]"),
        ]
        return self.choose(options)

    def key(self) -> str:
        return self.pick("'a'", "'b'")

    def number(self, depth: int = 2) -> str:
        if depth <= 0 or self.maybe(0.25):
            return self.atom()
        one, vector = partial(self.number, depth - 1), partial(self.vector, depth - 1)
        noted, name = self.noted, self.name
        options: Options = [
            (True, lambda: f"np.sin({one()})"),
            (True, lambda: f"np.tanh({one()})"),
            (True, lambda: f"np.exp(-({one()}) ** 2)"),
            (True, lambda: f"np.sqrt(abs({one()}) + 0.3)"),
            (True, lambda: f"(0.5 * {one()} - 0.4 * {one()})"),
            (True, lambda: f"({one()} - {one()})"),
            (True, lambda: f"np.tanh({one()} * {one()})"),
            (True, lambda: f"{one()} / (1.5 + np.cos({one()}))"),
            (True, lambda: self.conditional(one(), one())),
            (True, lambda: f"0.2 * np.sum({vector()})"),
            (True, lambda: f"np.mean({vector()})"),
            (True, lambda: noted("max", f"np.max({vector()})")),
            (True, lambda: f"0.1 * ({name('v')} @ {name('v')})"),
            (True, lambda: noted("min and max", f"min({one()}, max({one()}, -0.7))")),
            (True, lambda: noted("product", f"np.prod(np.cos({vector()}))")),
            (self.maybe(0.4), self.masked_sum),
            (True, self.comprehension),
            (self.has("m"), self.matrix_sum),
            (self.has("f"), self.local_call),
            (self.has("f"), lambda: self.conditional(self.local_call(), one())),
            (bool(self.helpers), lambda: self.call(one())),
            (self.has("k"), self.part_sum),
        ]
        return self.choose(options)

    def part_sum(self) -> str:
        self.note("slice bound in a loop")
        v, k = self.name("v"), self.name("k")
        part = self.pick(f"{k}:", f"{k}:", f":{k}", f"{k} // 2:{k} + 1")
        return f"0.3 * np.sum({v}[{part}])"

    def masked_sum(self) -> str:
        self.note("mask read")
        v = self.name("v")
        return f"0.2 * np.sum({v}[{v} > {self.pick(*CUTS)}])"

    def comprehension(self) -> str:
        self.note("comprehension")
        return f"0.3 * sum([np.sin({self.name('v')}[j]) for j in range(3)])"

    def matrix_sum(self) -> str:
        self.note("matrix expression")
        m, v = self.name("m"), self.name("v")
        return self.pick(
            f"0.2 * np.sum({m} @ {v}[:3])",
            f"0.1 * np.sum({m}.T * {v}[1:4])",
            f"np.max(np.sum({m}, axis=1)) / 3",
            f"0.1 * np.sum(({m} - {m}.T)[:, {self.three()}] ** 2)",
            f"np.sum(np.linalg.solve(4.0 * np.eye(3) + np.tanh({m}), {v}[1:4]))",
        )

    def conditional(self, one: str, two: str) -> str:
        self.note("conditional expression")
        return f"({one} if {self.test(1)} else {two})"

    def local_call(self) -> str:
        """A call of a nested function, which may change arrays and numbers."""
        return self.noted("local call", f"{self.name('f')}({self.atom()})")

    def call(self, argument: str) -> str:
        self.note("call of a helper")
        name, v = self.random.choice(self.helpers), self.name("v")
        if self.maybe(0.3):
            self.note("keyword arguments")
            return f"{name}({v}, n=n, t={argument})"
        return f"{name}({v}, {argument}, n)"

    # -- vectors -----------------------------------------------------------------------

    def vector(self, depth: int = 2) -> str:
        if depth <= 0 or self.maybe(0.25):
            return self.name("v")
        one, number = partial(self.vector, depth - 1), partial(self.number, depth - 1)
        noted, v = self.noted, partial(self.name, "v")
        options: Options = [
            (True, lambda: f"np.sin({one()})"),
            (True, lambda: f"np.tanh({one()} - {v()})"),
            (True, lambda: f"({one()} - {v()})"),
            (True, lambda: f"(0.5 * {one()} + {number()})"),
            (True, lambda: f"({number()} - {one()})"),
            (True, lambda: f"{one()} * np.cos({number()})"),
            (True, lambda: f"{v()}[::-1]"),
            (True, lambda: noted("where", self.where(one(), v()))),
            (True, lambda: noted("fancy index", f"{v()}[ORDER]")),
            (True, lambda: noted("roll", f"np.roll({one()}, {self.shift()})")),
            (True, lambda: noted("clip", f"np.clip({one()}, -0.45, {v()})")),
            (True, lambda: noted("maximum", f"np.maximum({one()}, {v()})")),
            (True, lambda: noted("sort", f"np.sort({v()})")),
            (True, lambda: "WEIGHTS"),
            (True, lambda: f"0.2 * np.cumsum({v()})"),
            (self.has("k"), lambda: self.computed_indices(v())),
            (self.has("k"), lambda: self.joined_parts(one(), v())),
            (self.has("k"), lambda: self.row_of_stack(one(), v())),
            (self.has("p"), lambda: f"{self.name('p')}[0]"),
        ]
        return self.choose(options)

    def shift(self) -> str:
        return self.pick("1", "-1", "2")

    def computed_indices(self, v: str) -> str:
        self.note("computed indices")
        return f"{v}[(ORDER + {self.name('k')}) % len(x)]"

    def joined_parts(self, one: str, v: str) -> str:
        self.note("parts of traced length joined")
        k = f"({self.name('k')} % len(x))"
        return f"np.concatenate((({one})[:{k}], {v}[{k}:]))"

    def row_of_stack(self, one: str, v: str) -> str:
        self.note("row of a stack")
        return f"np.stack(({one}, {v}))[{self.name('k')} % 2]"

    def where(self, one: str, v: str) -> str:
        return f"np.where({v} > {self.pick(*CUTS)}, {one}, {self.number(0)} * {v})"

    # -- tests -------------------------------------------------------------------------

    def test(self, depth: int = 2) -> str:
        noted, cut = self.noted, self.pick(*CUTS)
        options: Options = [
            (True, lambda: f"{self.number(0)} > {cut}"),
            (True, lambda: f"{self.number(1)} < {cut}"),
            (True, lambda: f"n > {self.random.randint(0, 3)}"),
            (
                True,
                lambda: noted(
                    "chained comparison", f"-0.4142 < {self.number(0)} <= 0.618"
                ),
            ),
            (True, lambda: noted("any or all", self.any_or_all(cut))),
            (self.has("k"), lambda: f"{self.name('k')} % 2 == 0"),
            (self.has("k"), lambda: f"{self.name('k')} < {self.random.randint(1, 3)}"),
            (self.has("k"), lambda: noted("test of a boundary", self.at_boundary())),
            (self.has("b"), lambda: noted("flag", self.name("b"))),
        ]
        if depth > 1:
            lazy = (
                [self.test(1), f"{self.local_call()} < {cut}"] if self.has("f") else []
            )
            options += [
                (
                    bool(lazy),
                    lambda: noted("call in a condition", f"({' and '.join(lazy)})"),
                ),
                (
                    bool(lazy),
                    lambda: noted("call in a condition", f"({' or '.join(lazy)})"),
                ),
                (True, lambda: noted("and", f"({self.test(1)} and {self.test(1)})")),
                (True, lambda: noted("or", f"({self.test(1)} or {self.test(1)})")),
                (True, lambda: noted("not", f"not {self.test(1)}")),
            ]
        return self.choose(options)

    def any_or_all(self, cut: str) -> str:
        return self.pick("np.any", "np.all") + f"({self.name('v')} > {cut})"

    def at_boundary(self) -> str:
        """A test for the first or last index of an array or range."""
        k = self.name("k")
        return self.pick(
            f"{k} > 0",
            f"{k} == 0",
            f"{k} < len(x) - 1",
            f"{k} == len(x) - 1",
            f"{k} < n - 1",
        )

    # -- what is assigned and returned -------------------------------------------------

    def bounded(self) -> str:
        return self.pick("np.tanh({})", "np.sin({})", "0.9 * np.tanh({})").format(
            self.number()
        )

    def bounded_vector(self) -> str:
        return self.pick("np.tanh({})", "np.sin({})").format(self.vector())

    def result(self, kind: str, seen: float) -> str:
        """What is returned; seen: the share of results made of all that is bound."""
        if not self.maybe(seen):
            number = self.bounded()
        else:
            number = f"np.sin({' + '.join([self.atom(), *self.terms()])})"
        if kind == "number":
            return number
        return f"{number}, {self.name('v')} * {self.atom()}"

    def terms(self, known: Scope | None = None) -> list[str]:
        """Most of what is bound (and not known before), so that a wrong value shows."""
        parts = {
            "s": ["{}"],
            "v": ["{}[0]", "np.mean({})", "({} @ WEIGHTS)"],
            "w": ["np.mean({})"],
            "m": ["np.mean({})", "{}[0, 2]"],
            "r": ["{}[0]", "np.mean({})"],
            "k": ["{}"],
            "p": ["{}[1]", "np.mean({}[0])"],
            "q": ["{}[0]", "{}[1]"],
            "d": ["{}['a']", "{}['b']"],
        }
        return [
            f"{round(self.random.uniform(0.2, 0.9), 2)} * {self.pick(*forms)}".format(n)
            for kind, forms in parts.items()
            for n in self.scope.of(kind)
            if (known is None or n not in known.of(kind)) and self.maybe(0.8)
        ]
