"""What stands between a build and everything else: its network, its limits, its isolation.

A build runs a stranger's code. `host` finds out what the build host has, `policy` says what the
site wants, and what comes of the two is a `Confinement` in the build's request; `enclosure` carries
it out.
"""
