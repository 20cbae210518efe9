"""A node of Dask workers: its start, and the launcher that imports once and forks.

`start.py` and what it needs use the standard library alone; `worker.py` and `imports.py` are the
only modules that know `distributed`.
"""
