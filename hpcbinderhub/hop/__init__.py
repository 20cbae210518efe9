"""The protected way from the proxy to a user's server on a compute node.

Each launch has two certificates that nobody else ever has: its server's, and the hub's own for this
one server. Whoever listens at the port later, or connects to it first, has neither.
"""
