"""What cities and observers say to one another, without I/O: bytes and the time in, events out.

    SPEC.md        the wire between cities in words, with golden lines that the tests read out of it
    limits.py      every bound of that wire, and why it is what it is
    messages.py    one merchant as one line of JSON: encode, and decode with every check
    checks.py      the checks of single values, and how a stranger's value is shown
    money.py       coins off the wire into minor units
    bulk.py        many lines at once into flat columns, by messages.py or a quick reader it got
    events.py      what comes out of a connection
    connection.py  greeting, framing and manners of one connection, in both dialects and roles
    node_messages.py, node_lines.py
                   what nodes say to one another, version 2: messages, and lines of them
    migration.py   the rules of a migration: states, moves of money, what is written before said
    outbound.py, inbound.py
                   the two sides of one ordered pair of cities
    pairs.py       all pairs of two nodes; nothing is said here that has not been written
    offers.py      the merchants of an offer into columns, each with a verdict of his own
    node_connection.py
                   the conversation of two nodes on an authenticated stream
    client.py      a small blocking client for other people's programs: the one socket in here
    observe.py, observe_lines.py
                   what a node shows its observers and takes from them

This floor knows msgspec and the standard library. It must not know the engine (no arrays of a
city, no ticks), trio, sockets (client.py apart), files, or which city the merchants live in.
"""
