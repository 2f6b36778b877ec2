"""`python -m city_node` is `city-node`."""

from city_node.cli import main

main()
