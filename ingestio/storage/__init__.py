"""The object store behind one small interface, and the rules for its keys."""
