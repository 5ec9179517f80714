"""The intermediate representation of staged programs."""
