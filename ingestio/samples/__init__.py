"""Sample documents made by this project, with the fields each of them holds."""
