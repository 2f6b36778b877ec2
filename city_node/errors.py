"""What the program says to a user who asked for something impossible."""


class ConfigError(ValueError):
    """One line: field, value, limit. Ends the program with exit status 2."""
