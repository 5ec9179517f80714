"""A robot that learns to throw a ball into a basket, by gradients through the physics.

`flight` is the physics without air and with it, `policy` the network that decides how
to throw; `inverse`, `training`, `calibration` and `sensitivity` are the lessons, which
`lesson` runs in order; `report` and `plots` show what came out.
"""
