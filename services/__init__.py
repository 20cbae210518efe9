"""Services that the hub manages."""
