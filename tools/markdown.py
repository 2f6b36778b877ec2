"""Markdown as this project's files have it: paragraphs wrapped at a hundred characters.

Called by the tools that write pages of `docs/`.
"""

from textwrap import fill

WIDTH = 100


def filled(text: str) -> str:
    """Paragraphs, each wrapped anew, a blank line between them; no blank line at the end."""
    paragraphs = [" ".join(paragraph.split()) for paragraph in text.strip().split("\n\n")]
    return "\n\n".join(
        fill(each, WIDTH, break_on_hyphens=False, break_long_words=False) for each in paragraphs
    )
