"""Prints pip constraints that pin every dependency to its lower bound."""

import re
import tomllib

with open("pyproject.toml", "rb") as file:
    project = tomllib.load(file)["project"]

extras = project["optional-dependencies"]
for requirement in sorted({*project["dependencies"], *sum(extras.values(), [])}):
    bound = re.fullmatch(r"([\w-]+)>=([\d.]+)", requirement)
    if bound:
        print(f"{bound[1]}=={bound[2]}.*")
