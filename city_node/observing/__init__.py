"""Who is shown the world between two windows, and how: viewers, programs, files, the terminal.

`snapshot` is what all are shown, `control` what they may ask for.
"""
