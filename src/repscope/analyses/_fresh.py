"""Fresh: a new process that loads one encoder, looks at one photo, says how long that took, and ends.

python -m repscope.analyses._fresh NAME PRECISION
"""

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from tempfile import TemporaryFile

from repscope.errors import RepscopeError, Unsupported


@dataclass(frozen=True, slots=True)
class Fresh:
    """Seconds from the start of a process to the tokens of its first photo, and the most memory it held (bytes)."""

    first: float
    peak: int


def fresh(name: str, precision: str) -> Fresh:
    """What a new process takes; raises Unsupported where it ends without an answer."""
    begun = time.perf_counter()
    # -P: no file of the folder it runs in is taken for a module
    command = [sys.executable, "-P", "-m", "repscope.analyses._fresh", name, precision]
    with (
        TemporaryFile("w+") as errors,  # a pipe that nobody reads would stop it when it is full
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        assert process.stdout is not None
        line = process.stdout.readline()  # it says so as soon as it has its tokens; ending takes a while
        first = time.perf_counter() - begun
        process.communicate()
        errors.seek(0)
        error = errors.read()
    if process.returncode or not line:
        said = (error.strip() or "it gave no reason").splitlines()[-1]
        raise Unsupported(f"A fresh process did not get to its first tokens: {said}")
    return Fresh(first, json.loads(line)["peak"])


def main() -> None:
    from repscope.encoders import load
    from repscope.images import gather

    name, precision = sys.argv[1:]
    try:
        encoder = load(name, precision)  # type: ignore[arg-type]
        encoder(gather(())[0][:1])
    except RepscopeError as error:
        sys.exit(str(error))
    print(json.dumps({"peak": _peak()}), flush=True)


def _peak() -> int:
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most


if __name__ == "__main__":
    main()
