"""`python -m hpcbinder.slicer.process`, as `starting.py` has it."""

from .main import run

if __name__ == "__main__":
    run()
