"""`python -m ingestio.cli`, as the supervisor starts its parts."""

from ingestio.cli import program

program()
