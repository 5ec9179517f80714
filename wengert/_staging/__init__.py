"""The fifth interpretation: ops become equations of a program."""
