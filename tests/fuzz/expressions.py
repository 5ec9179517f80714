"""Random expressions: indices, numbers, vectors, tests."""

from __future__ import annotations

from collections.abc import Callable

from tests.fuzz.scope import Base

CUTS = ("0.3819", "-0.2361", "0.0718", "0.7321", "-0.5858", "0.1459")


class Expressions(Base):
    """Writes expressions."""

    def index(self) -> str:
        if self.has("k") and self.maybe(0.7):
            k = self.name("k")
            return self.pick(k, f"len(x) - 1 - {k}", f"({k} + 1) % len(x)", f"-1 - {k}")
        return str(self.random.randint(-4, 3))

    def three(self) -> str:
        if self.has("k") and self.maybe(0.6):
            return f"{self.name('k')} % 3"
        return str(self.random.randint(-3, 2))

    def atom(self) -> str:
        s, v = self.name("s"), self.name("v")
        options: list[tuple[bool, Callable[[], str]]] = [
            (True, lambda: s),
            (True, lambda: s),
            (True, lambda: f"{v}[{self.index()}]"),
            (True, lambda: f"{v}[{self.index()}]"),
            (True, lambda: str(round(self.random.uniform(-1, 1), 2))),
            (True, lambda: "WEIGHTS[2]"),
            (self.has("k"), lambda: f"0.3 * {self.name('k')}"),
            (self.has("m"), lambda: f"{self.name('m')}[{self.three()}, 1]"),
            (self.has("r"), lambda: f"{self.name('r')}[{self.three()}]"),
            (self.has("w"), lambda: f"{self.name('w')}[-1]"),
            (self.has("k"), lambda: f"{v}[ORDER[{self.name('k')} % 4]]"),
            (self.has("p"), lambda: f"{self.name('p')}[1]"),
        ]
        return self.choose(options)

    def number(self, depth: int = 2) -> str:
        if depth <= 0 or self.maybe(0.25):
            return self.atom()
        less = depth - 1
        one, two = self.number(less), self.number(less)
        options: list[tuple[bool, Callable[[], str]]] = [
            (True, lambda: f"np.sin({one})"),
            (True, lambda: f"np.tanh({one})"),
            (True, lambda: f"np.exp(-({one}) ** 2)"),
            (True, lambda: f"np.sqrt(abs({one}) + 0.3)"),
            (True, lambda: f"(0.5 * {one} - 0.4 * {two})"),
            (True, lambda: f"({one} - {two})"),
            (True, lambda: f"np.tanh({one} * {two})"),
            (True, lambda: f"{one} / (1.5 + np.cos({two}))"),
            (True, lambda: self.conditional(one, two)),
            (True, lambda: f"0.2 * np.sum({self.vector(less)})"),
            (True, lambda: f"np.mean({self.vector(less)})"),
            (True, lambda: self.noted("max", f"np.max({self.vector(less)})")),
            (True, lambda: f"0.1 * ({self.name('v')} @ {self.name('v')})"),
            (True, lambda: self.noted("min and max", f"min({one}, max({two}, -0.7))")),
            (self.has("m"), lambda: self.matrix_sum()),
            (self.has("f"), lambda: f"{self.name('f')}({one})"),
            (bool(self.helpers), lambda: self.call(one)),
            (
                self.has("k"),
                lambda: self.noted(
                    "slice bound in a loop",
                    f"0.3 * np.sum({self.name('v')}[{self.name('k')}:])",
                ),
            ),
        ]
        return self.choose(options)

    def matrix_sum(self) -> str:
        self.note("matrix expression")
        m, v = self.name("m"), self.name("v")
        return self.pick(
            f"0.2 * np.sum({m} @ {v}[:3])",
            f"0.1 * np.sum({m}.T * {v}[1:4])",
            f"np.max(np.sum({m}, axis=1)) / 3",
            f"0.1 * np.sum(({m} - {m}.T)[:, {self.three()}] ** 2)",
        )

    def noted(self, construct: str, text: str) -> str:
        self.note(construct)
        return text

    def conditional(self, one: str, two: str) -> str:
        self.note("conditional expression")
        return f"({one} if {self.test(1)} else {two})"

    def call(self, argument: str) -> str:
        self.note("call of a helper")
        name = self.random.choice(self.helpers)
        return f"{name}({self.name('v')}, {argument}, n)"

    def vector(self, depth: int = 2) -> str:
        if depth <= 0 or self.maybe(0.25):
            return self.name("v")
        less = depth - 1
        one, v = self.vector(less), self.name("v")
        options: list[tuple[bool, Callable[[], str]]] = [
            (True, lambda: f"np.sin({one})"),
            (True, lambda: f"np.tanh({one} - {v})"),
            (True, lambda: f"({one} - {v})"),
            (True, lambda: f"(0.5 * {one} + {self.number(less)})"),
            (True, lambda: f"({self.number(less)} - {one})"),
            (True, lambda: f"{one} * np.cos({self.number(less)})"),
            (True, lambda: f"{v}[::-1]"),
            (True, lambda: self.noted("where", self.where(one, v))),
            (True, lambda: self.noted("fancy index", f"{v}[ORDER]")),
            (self.has("k"), lambda: self.computed_indices(v)),
            (True, lambda: self.noted("roll", f"np.roll({one}, {self.shift()})")),
            (True, lambda: self.noted("clip", f"np.clip({one}, -0.45, {v})")),
            (self.has("k"), lambda: self.joined_parts(one, v)),
            (True, lambda: "WEIGHTS"),
            (True, lambda: f"0.2 * np.cumsum({v})"),
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

    def where(self, one: str, v: str) -> str:
        return f"np.where({v} > {self.pick(*CUTS)}, {one}, {self.number(0)} * {v})"

    def test(self, depth: int = 2) -> str:
        s, cut = self.number(0), self.pick(*CUTS)
        options: list[tuple[bool, Callable[[], str]]] = [
            (True, lambda: f"{s} > {cut}"),
            (True, lambda: f"{self.number(1)} < {cut}"),
            (True, lambda: f"n > {self.random.randint(0, 3)}"),
            (True, lambda: self.noted("chained comparison", f"-0.4142 < {s} <= 0.618")),
            (self.has("k"), lambda: f"{self.name('k')} % 2 == 0"),
            (self.has("k"), lambda: f"{self.name('k')} < {self.random.randint(1, 3)}"),
            (self.has("b"), lambda: self.noted("flag", self.name("b"))),
        ]
        if depth > 1:
            one, two = self.test(1), self.test(1)
            options += [
                (True, lambda: self.noted("and", f"({one} and {two})")),
                (True, lambda: self.noted("or", f"({one} or {two})")),
                (True, lambda: self.noted("not", f"not {one}")),
            ]
        return self.choose(options)

    def bounded(self) -> str:
        s = self.number()
        return self.pick(f"np.tanh({s})", f"np.sin({s})", f"0.9 * np.tanh({s})")

    def bounded_vector(self) -> str:
        v = self.vector()
        return self.pick(f"np.tanh({v})", f"np.sin({v})")

    def result(self, kind: str) -> str:
        if kind == "number":
            return self.bounded()
        return f"{self.number(1)}, {self.name('v')} * {self.atom()}"
