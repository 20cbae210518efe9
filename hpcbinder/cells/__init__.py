"""Code that is not Dask-shaped, on Dask's workers: cells (`%%workers`), and calls one by one."""
