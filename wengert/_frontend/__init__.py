"""The front end: Python functions rewritten so that each construct asks at run time."""
