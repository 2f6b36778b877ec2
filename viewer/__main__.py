"""`python -m viewer HOST:PORT`: a window on a running node, or a picture of it."""

import argparse
import sys
from pathlib import Path

from viewer.app import NoDisplayError, run
from viewer.record import NothingSeenError, record, screenshot
from viewer.state import View
from viewer.theme import THEMES


def main(arguments: list[str] | None = None) -> int:
    """Runs the program; returns its exit status."""
    parser = argparse.ArgumentParser(prog="viewer", description="A window on a running node.")
    parser.add_argument("address", metavar="HOST:PORT", help="where the node's observer listens")
    parser.add_argument("--theme", choices=sorted(THEMES), default="dark")
    parser.add_argument("--size", metavar="WxH", type=_size, help="pixels, from 640x420 up")
    parser.add_argument(
        "--token-file", metavar="FILE", type=Path, help="holds the node's token; -: stdin"
    )
    parser.add_argument("--view", metavar="CITY/VIEW", default="", help="what is shown at first")
    parser.add_argument("--screenshot", metavar="FILE.png", type=Path, help="draw, open no window")
    parser.add_argument("--record", metavar="FILE.gif", type=Path, help="record, open no window")
    parser.add_argument("--seconds", metavar="N", type=float, help="how long to watch for those")
    chosen = parser.parse_args(arguments)
    try:
        token = _token(chosen.token_file) if chosen.token_file else None
        view = View(theme=chosen.theme, wanted=chosen.view)
        if chosen.screenshot:
            seconds, size = chosen.seconds or 3.0, chosen.size or (1280, 800)
            screenshot(
                chosen.address,
                chosen.screenshot,
                seconds=seconds,
                size=size,
                view=view,
                token=token,
            )
        elif chosen.record:
            seconds, size = chosen.seconds or 8.0, chosen.size or (960, 600)
            record(
                chosen.address, chosen.record, seconds=seconds, size=size, view=view, token=token
            )
        else:
            size = chosen.size or (1280, 800)
            run(chosen.address, view=view, size=size, token=token)
    except (NoDisplayError, NothingSeenError, ValueError, OSError) as error:
        print(f"viewer: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _token(path: Path) -> str:
    return (sys.stdin.readline() if path == Path("-") else path.read_text()).strip()


def _size(text: str) -> tuple[int, int]:
    width, cross, height = text.partition("x")
    if not cross or not (width.isdigit() and height.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r}: must be like 1280x800")
    size = int(width), int(height)
    if not (640 <= size[0] <= 7680 and 420 <= size[1] <= 4320):
        raise argparse.ArgumentTypeError(f"{text!r}: must be from 640x420 to 7680x4320")
    return size


if __name__ == "__main__":
    sys.exit(main())
