"""Images in registries: found, fetched and checked."""
