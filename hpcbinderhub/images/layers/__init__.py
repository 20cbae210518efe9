"""Layers of an image, read as streams and written as one tree: nothing is unpacked."""
