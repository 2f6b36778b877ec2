"""What a user types, a file a group of verbs; `city_node.cli` finds them.

run what he types most; look, trust, replay what needs a world or a running node; laboratory and
doctor what needs neither.
"""
