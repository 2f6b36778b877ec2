"""The window: draws what an observer sees of a node, and sends what its user asks. Its own process.

    feed.py      a thread with a socket: messages in, commands out
    history.py   what has been seen: the latest snapshot and the series before it
    state.py     what the user chose: theme, view, focus, span; and what a key means
    tabs.py      which views there are;  layout.py   where panels lie, by window size
    scales.py    numbers to positions: axes, columns, labels that keep apart
    theme.py  text.py  strokes.py  sprites.py     colours and the tricks behind crisp pixels
    scene.py     what drawing needs at hand
    map.py       and map_….py: places, names, ground, cities, walkers
    charts.py    the panels of the market;  charts_declared.py   those an economy declares
    chart_….py   one kind of chart each;  peers.py   the table of peers
    header.py  footer.py  overlays.py  waiting.py    what lies around and over it
    draw.py      render(surface, view, history, link): the whole picture, pure
    app.py       the window loop;  record.py  gif.py   pictures without a window

It knows `protocol` and nothing else of this project: not one line here is written for an economy,
only for kinds of charts. `pygame.init()` is never called: the viewer makes no sound and must not
ask for an audio device; display and font are all it needs.
"""

import os
import warnings

# pygame greets on standard output, which belongs to whoever started us, and asks setuptools for a
# module that warns of its own end.
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pygame  # noqa: F401
