"""One public function, one business operation, inside a session that the caller opened."""
