"""agentdb as a person meets it: a process in a terminal of its own."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path

CODES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[()][AB012]|[=>78])")


def environment(**given: str) -> dict[str, str]:
    """The test's environment without anybody's settings, and what is given."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("AGENTDB_", "OPENAI_", "LANGSMITH_"))}
    return clean | given


class Terminal:
    """A command in a terminal of its own, 100 columns wide."""

    def __init__(self, *arguments: str, cwd: Path, env: Mapping[str, str]) -> None:
        self.seen = ""
        self._at = 0
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            os.chdir(cwd)
            os.execve(
                sys.executable,
                [sys.executable, "-m", "agentdb", *arguments],
                {**env, "TERM": "xterm", "COLUMNS": "100", "LINES": "40"},
            )

    def wait_for(self, text: str, seconds: float = 90) -> str:
        """What was shown since the last wait, once `text` stands in it. Errors: AssertionError."""
        end = time.monotonic() + seconds
        while text not in self.seen[self._at :]:
            ready = select.select([self._fd], [], [], 0.2)[0]
            if ready and not self._read():
                break
            assert time.monotonic() < end, f"{text!r} was not shown; this was:\n{self.seen[self._at :]}"
        assert text in self.seen[self._at :], f"the process ended before {text!r}; this was:\n{self.seen[self._at :]}"
        cut = self.seen.index(text, self._at) + len(text)
        part, self._at = self.seen[self._at : cut], cut
        return part

    def type(self, text: str) -> None:
        os.write(self._fd, text.encode())

    def line(self, text: str) -> None:
        self.type(text + "\r")

    def end(self, seconds: float = 60) -> int:
        """The exit code, once the process has ended by itself. Errors: AssertionError."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            ready = select.select([self._fd], [], [], 0.2)[0]
            if ready and not self._read():
                break
        else:
            os.kill(self.pid, signal.SIGKILL)
            raise AssertionError(f"it did not end; this was:\n{self.seen[self._at :]}")
        os.close(self._fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def _read(self) -> bool:
        try:
            data = os.read(self._fd, 65536)
        except OSError:
            return False
        # prompt_toolkit asks where the cursor is before it draws
        if b"\x1b[6n" in data:
            os.write(self._fd, b"\x1b[1;1R")
        self.seen += CODES.sub("", data.decode(errors="replace"))
        return bool(data)
