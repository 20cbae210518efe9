"""`hpcbinderhub check`: whether everything that is configured works, tried for real.

One file for each matter, and each matter is an async generator of findings; `table` names them all.
"""
