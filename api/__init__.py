"""The front door: accepts uploads, starts workflows, answers questions. It never extracts."""
