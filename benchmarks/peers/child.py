"""Child: a worker that stays alive and takes its turn when it is asked."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from quiet import SLOWER

WAITS = 10
"""Times that a round waits for quiet, two seconds each; then it is measured, and dropped later."""
PAUSE = 0.25
"""Seconds before each turn, for threads of the side before that still spin."""


class Gone(Exception):
    """A side that cannot be measured, and why."""


class Child:
    """A worker under an interpreter; `hello` is what it says of itself once its encoder is loaded.

    Raises Gone where it does not come so far.
    """

    def __init__(self, *arguments: str, python: str = sys.executable, environment: dict[str, str] | None = None):
        self._process = subprocess.Popen(
            [python, "-W", "ignore", str(Path(__file__).with_name("worker.py")), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        try:
            self.hello: str = self._read()["hello"]
        except Gone:
            self.end()
            raise

    def ask(self, **asked: Any) -> float:
        """Seconds of what was asked for."""
        time.sleep(PAUSE)
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(asked) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise Gone(f"its process ended with code {self._process.wait()}") from None
        return self._read()["seconds"]

    def end(self) -> None:
        """End it; its memory is free when this returns."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise Gone(f"its process ended with code {self._process.wait()}")
        said = json.loads(line)
        if "error" in said:
            raise Gone(said["error"])
        return said


class Products(Child):
    """The worker that multiplies, and the best that its fixed product has been."""

    def __init__(self) -> None:
        super().__init__("products")
        self.best = min(self.ask(product="fixed") for _ in range(5))

    def fixed(self) -> float:
        """Seconds of the fixed product, once they are near their best or nothing is gained by waiting."""
        waits = 0
        while True:
            seconds = self.ask(product="fixed")
            self.best = min(self.best, seconds)
            if seconds <= SLOWER * self.best or waits == WAITS:
                return seconds
            waits += 1
            time.sleep(2)
