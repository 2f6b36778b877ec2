"""The program: `city-node NAME ...` runs cities, shows them, and ends them cleanly.

cli, verbs      what a user types
config, fields  what he means: flags, environment, file and defaults become one checked Config
world           the cities of a process and the roads between them; inputs, shocks, advance, report
node            the nursery and the window loop; pace, signals, kernel_cache beside it
folder, opened, recovery, keeping, ledger, records, books, checkpoint, shelf
                a world's folder: what makes it go on after a crash; audit, replay: reading it
status, snapshot, observer, gauges, history, window, metrics, websocket
                who is shown the world between two windows, and control, what they may ask
meeting, discovery, network, border, policy
                others: where they are found, roads to them as data, and who of theirs may enter
travelway, crossing
                guests, anybody's programs on the legacy wire: what is said, and what the world gets
node_id, node_name, identity, tls, trust, gate, link, sightings, sockets
                who other nodes are, by their keys; whom the user trusts; links with them
linking, conversation, peer_nodes, migrating
                what is said on a link, kept of a peer, and done for merchants between two windows
evolve, evolve_run, genomes, picture
                the laboratory

The deterministic part is `world` with `inputs`, `shocks`, `advance` and `report`; nothing in it
sees a clock, a socket or a thread.
"""

VERSION = "0.1.0"
"""Part of every state hash: equal states are equal only for one version."""
