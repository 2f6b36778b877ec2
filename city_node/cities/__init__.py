"""The cities of a process as one deterministic machine.

`world` is its state, `inputs` all that comes into it, `advance` lets time pass, `shocks` are events
told beforehand, `report` and `gauges` read it. Nothing here sees a clock, a socket or a thread.
"""
