"""Others: where they are found, what is said on roads to them, and who of theirs may enter.

For all: `meeting`, `discovery`, `network` (roads as data), `border`, `policy`, `departures`,
`sockets`. Guests, anybody's programs: `travelway`, `crossing`, `quotas`.
Nodes of ours: `link`, `linking`, `sightings`, `gate`, `conversation`, `peer_nodes`, `migrating`.
"""
