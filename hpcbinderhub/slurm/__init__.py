"""Slurm, as seen from a hub that has no Slurm: an agent on the login nodes, reached over SSH."""
