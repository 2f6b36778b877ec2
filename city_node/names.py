"""Names of cities and nodes: the one rule they obey."""

import re

NAME_BYTES_MAX = 64
"""So that a name fits a greeting, a TXT record and a line of the screen."""

_NAME = re.compile(r"[^\W][\w \-.']*|[_.'][\w \-.']*")


def check_name(field: str, name: str) -> str:
    """The name itself, if it obeys the rule.

    Letters, digits, space, `-`, `_`, `.` and `'`; 1 to 64 bytes; beginning with neither `-` nor a
    space and not ending with one.

    Raises:
        ValueError: one line with field, value and limit.
    """
    size = len(name.encode("utf-8", "surrogatepass"))
    if not 1 <= size <= NAME_BYTES_MAX:
        raise ValueError(f"{field} = {name!r}: must be 1 to {NAME_BYTES_MAX} bytes, has {size}")
    if name.startswith("-"):
        raise ValueError(f"{field} = {name!r}: must not begin with '-'")
    if name != name.strip() or not _NAME.fullmatch(name):
        raise ValueError(f"{field} = {name!r}: only letters, digits, space and - _ . ' may be used")
    return name
