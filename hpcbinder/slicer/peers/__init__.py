"""Answers in the shapes of other servers for HDF5, so that their viewers can talk to this one."""
