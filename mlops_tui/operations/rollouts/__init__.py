"""Rollouts: `listing` tells of them, `starts`, `steps` and `aborts` prepare what one can do with them.

`watching` looks and acts by itself; `drivers` says how traffic is moved, with a file for each way.
"""
