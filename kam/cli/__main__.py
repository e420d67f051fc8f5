"""`python -m kam.cli` is the command `kam`."""

from kam.cli.commands import main

main()
