"""Live events: what changed in the database reaches open streams within a second, at the cost of one listening connection."""
