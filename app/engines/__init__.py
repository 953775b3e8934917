"""Trading engines: their event shapes into ours."""
