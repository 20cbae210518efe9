"""Images: from what a builder made to what an engine on a compute node runs."""
