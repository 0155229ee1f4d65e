"""Wire models of the HTTP contract; never reused as domain types."""
