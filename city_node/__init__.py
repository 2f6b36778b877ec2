"""The program: `city-node NAME ...` runs cities, shows them, and ends them cleanly.

cli           what a user types
config        what he means: flags, environment, file and defaults become one checked Config
world         the cities of a process and the roads between them: windows, events, report
node          the nursery and the window loop
status        the live lines in the terminal
kernel_cache  where compiled kernels are kept

The deterministic part is `world`; nothing in it sees a clock, a socket or a thread.
"""

VERSION = "0.1.0"
"""Part of every state hash: equal states are equal only for one version."""
