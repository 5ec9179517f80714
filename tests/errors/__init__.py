"""Calls that fail: the class and the text of every error of the package."""
