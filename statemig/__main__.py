"""`python -m statemig`."""

from statemig.cli.main import main

main()
