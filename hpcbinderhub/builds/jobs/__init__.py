"""Builders as Slurm jobs of a service account, for sites without a host for builds."""
