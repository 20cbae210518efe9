"""A double of NERSC's Shifter: what a caller can observe of it, without setuid and without MongoDB.

The written contract it follows is cited in the comments as "contract N", N being a section of it.
"""
