"""The one program of HPC BinderHub that runs on a login node, as the user, for one request.

The one exception is what stays while a server runs on this very node: see `supervisor`.

It depends on nothing but Python 3.6, Slurm's own commands and Git; `hpcbinderhub agent` packs this
folder into one file, to be installed owned by root.
"""
