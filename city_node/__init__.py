"""The program: `city-node NAME ...` runs cities, shows them, and ends them cleanly.

cli, verbs      what a user types
settings        what he means: flags, environment, file and defaults become one checked Config
node            the nursery and the window loop; pace, signals, machine, cores, ports, running,
                log, compiling and kernel_cache beside it
cities          the cities of a process and the roads between them; inputs, advance, report
durability      a world's folder: what makes it go on after a crash
observing       who is shown the world between two windows, and what they may ask
identity        who a node is, by its keys, and whom its user trusts
network         others: where they are found, what is said to them, and who of theirs may enter
laboratory      what computes without a node: breeding, training, grading
trained         the networks in the package, as data
environments    the worlds of the laboratory, for other people's libraries

The deterministic part is `cities`; nothing in it sees a clock, a socket or a thread.
"""

VERSION = "0.1.0"
"""Part of every state hash: equal states are equal only for one version."""
