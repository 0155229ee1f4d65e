"""Files from strangers: told apart, counted, read."""
