"""`python -m docs.generate [--check]`: write every generated page and region, or name those that are stale."""

import sys

from .pages import texts


def main(arguments: list[str]) -> int:
    """Write, or with `--check` only compare; exit code 1 names what is stale."""
    stale = [(file, text) for file, text in texts() if not file.exists() or file.read_text(encoding="utf-8") != text]
    if "--check" in arguments:
        for file, _ in stale:
            sys.stdout.write(f"{file} is not what the code says: run `./crossdock docs`\n")
        return 1 if stale else 0
    for file, text in stale:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        sys.stdout.write(f"wrote {file}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
