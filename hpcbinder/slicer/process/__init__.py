"""The reading process opens files and computes, apart from the Jupyter server: it may die alone.

`client.py` and `starting.py` are the Jupyter server's side, `main.py` and what it imports the
other. Between them goes what `frames.py` describes.
"""
