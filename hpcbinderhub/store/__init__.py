"""The artefact store: what is in it, who needs it, and what goes when it is full or old."""
