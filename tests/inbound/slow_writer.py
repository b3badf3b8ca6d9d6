"""A sender that takes its time: a process of its own, one step per line of its input, "ok" when the step is on disk.

`slow_writer.py STYLE PATH`; each line of input is a piece of text as JSON, the end of input is the end of writing.
"""

import json
import sys
from pathlib import Path


def main() -> None:
    style, path = sys.argv[1], Path(sys.argv[2])
    half = path.with_name(f".{path.name}.tmp")
    target = half if style == "rename" else path
    written = ""
    with target.open("w") as held:
        for line in sys.stdin:
            piece = json.loads(line)
            written += piece
            if style == "reopen":
                with target.open("a") as again:
                    again.write(piece)
            elif style == "rewrite":
                held.seek(0)
                held.truncate()
                held.write(written)
            else:
                held.write(piece)
            held.flush()
            sys.stdout.write("ok\n")
            sys.stdout.flush()
    if style == "rename":
        half.rename(path)


if __name__ == "__main__":
    main()
