"""Random statements that hold no others: assignments and writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.fuzz.expressions import CUTS, Expressions

Ways = list[tuple[str, Callable[[], str]]]  # constructs, and what writes them


class Statements(Expressions):
    """Writes simple statements."""

    def simple(self, indent: int) -> None:
        kinds: list[Any] = [self.assign, self.assign, self.write, self.write]
        kinds += [self.write, self.integers, self.tuples, self.aliases, self.mixed]
        kinds += [self.pairs]
        self.random.choice(kinds)(indent)

    def assign(self, indent: int) -> None:
        if self.maybe(0.55):
            s = self.target("s")
            if self.maybe(0.3):
                self.note("augmented assignment")
                self.line(indent, f"{s} {self.pick('+=', '-=')} {self.bounded()}")
            else:
                self.bind("s", s, indent, self.bounded())
        elif self.maybe(0.55):
            self.bind("v", self.target("v"), indent, self.bounded_vector())
        elif self.maybe(0.3):
            self.note("lambda")
            name, s = self.fresh("f"), self.name("s")
            self.bind("f", name, indent, f"lambda z: np.tanh(z - {s})")
        elif self.maybe(0.4):
            self.note("array of numbers")
            numbers = ", ".join(self.number(1) for _ in range(3))
            self.bind("r", self.fresh("r"), indent, f"np.array([{numbers}])")
        elif self.maybe(0.4):
            self.note("assert")
            self.line(indent, f"assert abs({self.number(1)}) < 1e6")
        else:
            self.note("flag assigned")
            self.bind("b", self.target("b"), indent, self.test(2))

    # -- in place ----------------------------------------------------------------------

    def write(self, indent: int) -> None:
        views, others = self.writes_through(), self.writes()
        if self.has("m"):
            others += self.matrix_writes()
        ways = views if views and self.maybe(0.45) else others
        construct, text = self.random.choice(ways)
        self.note(construct)
        self.line(indent, text())

    def whole(self, name: str) -> str:
        """All of an array, to be written to: ``name += 1`` binds the name, too."""
        refused = self.looped and name in self.shared and self.maybe(0.9)
        return f"{name}[:]" if self.nested or refused else name

    def writes(self) -> Ways:
        v, cut, at = self.name("v"), self.pick(*CUTS), self.index()
        k = self.name("k") if self.has("k") else "2"
        whole = self.whole(v)
        number, vector, name = self.bounded, self.bounded_vector, self.name
        found: Ways = [
            ("element =", lambda: f"{v}[{at}] = {number()}"),
            ("element =", lambda: f"{v}[{at}] = {number()}"),
            ("element +=", lambda: f"{v}[{at}] += {number()}"),
            ("element -=", lambda: f"{v}[{at}] -= {number()}"),
            ("element *=", lambda: f"{v}[{at}] *= np.cos({self.number(1)})"),
            ("slice *=", lambda: f"{v}[1:] *= np.cos({self.number(1)})"),
            ("slice = overlapping slice", lambda: f"{v}[1:] = {v}[:-1]"),
            ("slice +=", lambda: f"{v}[:-1] += np.sin({name('v')}[1:])"),
            ("slice with bound =", lambda: f"{v}[{k}:] = np.sin({name('v')}[{k}:])"),
            ("slice with bound +=", lambda: f"{v}[{k}:] += {number()}"),
            ("slice with bound *=", lambda: f"{v}[:{k}] *= {number()}"),
            ("array in place", lambda: f"{whole} += {vector()}"),
            ("array in place", lambda: f"{whole} *= {number()}"),
            ("overwrite", lambda: f"{v}[:] = {vector()}"),
            ("out=", lambda: f"np.multiply({name('v')}, {number()}, out={v})"),
            ("add.at", lambda: f"np.add.at({v}, SOME, {number()})"),
            ("fancy write", lambda: f"{v}[ORDER] = {vector()}"),
            ("mask write", lambda: f"{v}[{v} > {cut}] = {number()}"),
            ("element swap", lambda: f"{v}[{at}], {v}[0] = {v}[0], {v}[{at}]"),
        ]
        if self.maybe(0.005):
            found = [("weights written to", lambda: f"WEIGHTS[{at}] = 0.3")]
        return found

    def writes_through(self) -> Ways:
        """Writes to views."""
        found, number, construct = Ways(), self.bounded, "write through a view"
        if self.has("w"):
            w = self.name("w")
            at = self.random.randint(-3, 2)
            whole = self.whole(w)
            found += [
                (construct, lambda: f"{w}[{at}] = {number()}"),
                (construct, lambda: f"{whole} *= {number()}"),
                (construct, lambda: f"{w}[1:] += {number()}"),
            ]
        if self.has("r"):
            r, construct = self.name("r"), "write through a row"
            found += [
                (construct, lambda: f"{r}[1] = {number()}"),
                (construct, lambda: f"{r}[1] = {number()}"),
                (construct, lambda: f"{r}[:] *= {number()}"),
            ]
        return found

    def matrix_writes(self) -> Ways:
        m, j, number = self.name("m"), self.three(), self.bounded
        return [
            ("matrix write", lambda: f"{m}[{j}, {self.three()}] = {number()}"),
            ("matrix write", lambda: f"{m}[:, {j}] *= {number()}"),
            ("matrix write", lambda: f"{m}.T[{j}] = {number()}"),
            ("matrix write", lambda: f"{m}[{j}] += {number()}"),
        ]

    # -- integers, tuples, dictionaries ------------------------------------------------

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
            one, two = self.target(kind), self.target(kind)
            if one == two or not {one, two} <= set(self.scope.of(kind)):
                self.assign(indent)
                return
            self.note(f"swap of {'numbers' if kind == 's' else 'arrays'}")
            self.line(indent, f"{one}, {two} = {two}, {one}")

    def pairs(self, indent: int) -> None:
        """Two numbers of one type that stand side by side."""
        one, two = self.bounded(), self.bounded()
        if self.maybe(0.5):
            q = self.target("q")
            if q in self.scope.of("q") and self.maybe(0.5):
                one = f"np.tanh({q}[1] + {one})"
            self.note("pair of numbers")
            self.bind("q", q, indent, f"({one}, {two})")
            return
        d, value = self.target("d"), f"{{'a': {one}, 'b': {two}}}"
        if d in self.scope.of("d") and self.maybe(0.5):
            value = f"{{**{d}, {self.key()}: {one}}}"
        self.note("dictionary")
        self.bind("d", d, indent, value)

    def mixed(self, indent: int) -> None:
        """A number that is an integer on one path, and a float on another."""
        self.note("integer or float")
        s, k = self.fresh("s"), str(self.random.randint(-1, 1))
        first, second = self.pick("int float", "float int").split()
        value = {"int": lambda: k, "float": self.bounded}
        if self.maybe(0.4):
            self.line(indent, f"if {self.test(1)}:")
            self.line(indent + 1, f"{s} = {value[first]()}")
            self.line(indent, "else:")
            self.line(indent + 1, f"{s} = {value[second]()}")
            self.scope.bind("s", s)
            return
        self.bind("s", s, indent, value[first]())
        self.line(indent, f"if {self.test(1)}:")
        more = f"{s} + {self.bounded()}" if second == "float" else k
        self.line(indent + 1, f"{s} = {more}")

    # -- views and other names ---------------------------------------------------------

    def aliases(self, indent: int) -> None:
        kinds = [self.alias, self.view, self.part, self.chosen, self.flipped]
        kinds += [self.copy, self.copy, self.view, self.part, self.flipped]
        if self.has("m"):
            kinds += [self.row, self.row, self.transpose]
        self.random.choice(kinds)(indent)

    def alias(self, indent: int) -> None:
        self.note("alias")
        name = self.fresh("v") if self.maybe(0.8) else self.target("v")
        v = self.name("v")
        self.bind("v", name, indent, v)
        self.share(name, v)

    def view(self, indent: int) -> None:
        self.note("view: slice")
        v = self.name("v")
        w = self.fresh("w")
        self.bind("w", w, indent, f"{v}[1:]")
        self.share(v, w)

    def part(self, indent: int) -> None:
        self.note("view: traced length")
        k = self.name("k") if self.has("k") else "n"
        u, v = self.fresh("u"), self.name("v")
        self.line(indent, f"{u} = {v}[:{k} + 1]")
        self.line(indent, f"{u} {self.pick('+=', '-=', '*=')} {self.bounded()}")
        self.share(v)

    def chosen(self, indent: int) -> None:
        """A name for one of two arrays, which may be written to then."""
        self.note("array chosen")
        one, two = self.name("v"), self.name("v")
        name = self.fresh("v")
        self.bind("v", name, indent, f"{one} if {self.test(1)} else {two}")
        self.share(name, one, two)
        if self.maybe(0.3):
            self.line(indent, f"{self.pick(name, one)}[0] += {self.bounded()}")

    def row(self, indent: int) -> None:
        self.note("view: row")
        row = f"{self.name('m')}[{self.three()}]"
        self.bind("r", self.fresh("r"), indent, row)

    def transpose(self, indent: int) -> None:
        self.note("view: transpose")
        self.bind("m", self.fresh("m"), indent, f"{self.name('m')}.T")

    def flipped(self, indent: int) -> None:
        self.note("view: reversed")
        name, v = self.fresh("v"), self.name("v")
        self.bind("v", name, indent, f"{v}[::-1]")
        self.share(name, v)

    def copy(self, indent: int) -> None:
        self.note("copy")
        self.bind("v", self.target("v"), indent, f"{self.name('v')}.copy()")
