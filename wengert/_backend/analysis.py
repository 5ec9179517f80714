"""What a region reads, how often and where for the last time."""

from __future__ import annotations

from collections import Counter
from typing import Any

from wengert._ir.program import Program, Var, variables_in, variables_read


class Uses:
    """Uses of the variables of one region.

    `last[v]` is the number of the last equation that reads v; the results of the region
    are read at the number of its equations. `counts[v]` is how often v is read;
    `dying[k]` are the variables that nothing reads behind equation k.
    """

    def __init__(self, program: Program) -> None:
        self.last: dict[Var, int] = {}
        self.counts: Counter[Var] = Counter()
        self.end = len(program.equations)
        for number, equation in enumerate(program.equations):
            for var in variables_read(equation):
                self._note(var, number)
            for out in equation.outputs:
                for var in variables_in(out.type):
                    self._note(var, number)
        for atom in program.results:
            if isinstance(atom, Var):
                self._note(atom, self.end)
                for var in variables_in(atom.type):
                    self._note(var, self.end)
        self.dying: list[list[Var]] = [[] for _ in range(self.end + 1)]
        for number, equation in enumerate(program.equations):
            for out in equation.outputs:
                self.last.setdefault(out, number)
        for var, number in self.last.items():
            self.dying[number].append(var)

    def _note(self, var: Var, number: int) -> None:
        self.last[var] = number
        self.counts[var] += 1

    def dies(self, var: Any, number: int) -> bool:
        """Whether a variable is not read behind this equation."""
        return self.last.get(var, -1) <= number


def written_to(program: Program, atom: Any) -> int | None:
    """The number of the parameter that a value is the last version of, if it is one."""
    sources = {v: e for e in program.equations for v in e.outputs}
    while atom in sources:
        equation = sources[atom]
        op, number = equation.op, equation.outputs.index(atom)
        if op.name in ("update", "add_at"):
            atom = equation.inputs[0]
        elif op.name in ("for", "while"):
            atom = equation.inputs[len(equation.inputs) - len(op.body.results) + number]
        elif op.name == "if":
            regions = (op.then, op.orelse)
            found = {written_to(r, r.results[number]) for r in regions}
            place = found.pop()
            if found or place is None:
                return None
            atom = equation.inputs[1 + place]
        else:
            return None
    return program.params.index(atom) if atom in program.params else None


def destinations(program: Program, uses: Uses, wanted: dict[Var, Any]) -> None:
    """Give the memory of a result also to the arrays that it is an update of."""
    for number in range(uses.end - 1, -1, -1):
        equation = program.equations[number]
        if equation.op.name not in ("update", "add_at"):
            continue
        (out,), source = equation.outputs, equation.inputs[0]
        if out in wanted and isinstance(source, Var) and uses.dies(source, number):
            wanted.setdefault(source, wanted[out])
