"""The four encoders of the published deck at full size, compared in one run: seconds and peak of memory.

    python benchmarks/deck_four.py [PHOTO]

Weights are drawn at random, saved in Hugging Face form, and loaded as NAME@DIR by the command itself.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from full_size_parity import SIDE, saved


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photo", nargs="*")
    parser.add_argument("--dtype", default="bfloat16", help="of the saved files; the run is float32")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        names = []
        for name in SIDE:
            place = Path(folder) / name
            saved(name, place, options.dtype)
            names.append(f"{name}@{place}")
            size = sum(file.stat().st_size for file in place.iterdir())
            print(f"{name}: saved {size / 2**30:.2f} GiB", flush=True)
        command = [sys.executable, "-m", "repscope", "compare", *options.photo, "-m", ",".join(names)]
        began = time.perf_counter()
        subprocess.run([*command, "-o", str(Path(folder) / "report")], check=True)
        seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    print(f"compare: {seconds:.1f} s, peak {peak:.2f} GiB")


if __name__ == "__main__":
    main()
