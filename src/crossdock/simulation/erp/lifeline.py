"""A program of its own between us and a server: it ends the server when we end, however we end (also by kill -9).

Run as a file by a bare interpreter, so it imports nothing of ours. Its standard input is the lifeline: when the other
end closes, the server is asked to stop, and killed if it will not.
"""

import subprocess
import sys
import threading

PATIENCE_S = 10.0


def keep(command: list[str]) -> int:
    """Run *command* until it ends or our standard input does."""
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, close_fds=False)  # noqa: S603 (the command is ours)

    def await_end_of_input() -> None:
        sys.stdin.buffer.read()
        server.terminate()
        impatient = threading.Timer(PATIENCE_S, server.kill)
        impatient.daemon = True
        impatient.start()

    threading.Thread(target=await_end_of_input, daemon=True).start()
    return server.wait()


if __name__ == "__main__":
    sys.exit(keep(sys.argv[1:]) & 0xFF)
