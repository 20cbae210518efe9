"""Bills of materials: what a finished environment is made of, and how to make it again."""
