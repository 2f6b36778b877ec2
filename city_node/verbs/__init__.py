"""What a user types, a file a group of verbs; `city_node.cli` finds them.

run what he types most; look, trust, replay what needs a world or a running node; laboratory what
needs neither. `running` says which nodes of his run.
"""
