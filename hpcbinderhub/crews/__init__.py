"""Crews: the nodes that a running server has Dask workers on, asked for by its own notebook.

A crew is what a scientist calls `Workers`. It has batches, each one submission to Slurm, and these
have nodes. (A “worker” without more is a builder's, see `builds/`.)
"""
