"""Programs written as plain NumPy, with only the import line changed."""
