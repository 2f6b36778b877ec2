"""How agents learn: networks and proximal policy optimisation. Needs torch, imported when called.

A city never imports this: what was learned reaches it as an `engine.policy.Policy`.
"""
