"""`python -m kam.cli` is the command `kam`."""

from kam.cli import main

main()
