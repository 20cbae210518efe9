"""Builds: one run of a recipe through the queue, by a worker that nobody has to trust."""
