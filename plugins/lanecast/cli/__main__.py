"""`python -m lanecast.cli`."""

from lanecast.cli import main

main()
