"""Events on their way out: signed, and only to addresses that anybody could reach."""
