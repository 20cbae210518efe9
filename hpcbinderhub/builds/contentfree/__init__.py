"""Whether an environment can be made from a few files alone, and from which.

All of it is pure: a listing of the commit's tree and the bytes of its environment files come in, a
decision goes out. What is not fully understood here is built from the whole tree.
"""
