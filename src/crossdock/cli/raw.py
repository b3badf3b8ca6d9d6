"""Raw bodies on a terminal: text as it is, JSON laid out, anything else as a hint."""

import json
from contextlib import suppress
from typing import Final

from crossdock.foundation.visible import visible

SHOWN_MAX: Final = 20_000


def readable(body: bytes) -> str:
    """A foreign body as people can read it; control characters cannot play with the terminal."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return f"({len(body)} bytes, not UTF-8 text)"
    with suppress(ValueError, RecursionError):
        text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    clean = visible(text)
    return clean if len(clean) <= SHOWN_MAX else f"{clean[:SHOWN_MAX]}\n… {len(clean) - SHOWN_MAX} characters more"
