"""Programs of plain NumPy, unedited; `gallery` has them with what they are to give."""
