"""Fuzzing for as long as one likes: `python -m tools.fuzz wire --minutes 10`, or `nodes`.

wire       what merchants come as: lines and streams, and what must hold of whoever reads them
identity   what is shown to let somebody in: ids, certificates, charters
nodes      lines between nodes, and the merchants in them

Each has properties of its own, with what they are given: the default suite runs a little of them;
the program runs rounds of them.
"""
