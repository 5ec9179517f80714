"""A robot that learns to throw a ball into a basket, by gradients through the physics.

`flight` is the physics without air and with it, `policy` the network that decides how to
throw, `inverse`, `training`, `calibration` and `sensitivity` the four lessons, and
`lesson` runs them all; `plots` draws what came out.
"""
