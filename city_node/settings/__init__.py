"""What a user means: flags, environment, file and `defaults.toml` become one checked Config.

`config` puts it together of a city's part, the network's, the roads'; `fields` checks one by one.
Nothing here runs anything.
"""
