"""A photo made ready in the fast pace and in the exact one: one core, alternating, medians.

taskset -c 0 python benchmarks/decoding.py [--rounds 40]
"""

import argparse
import io
import statistics
import time

import torch
from PIL import Image

from repscope.encoders.contract import HALF, IMAGENET, Preprocessing
from repscope.encoders.preprocess import prepared
from repscope.images.decode import decode
from repscope.images.samples import samples

RULES = {
    "shorter side 256, bicubic": Preprocessing(size=224, resize="shortest", edge=256, filter="bicubic", **IMAGENET),
    "squash, bicubic": Preprocessing(size=224, resize="squash", filter="bicubic", **HALF),
    "squash, bilinear": Preprocessing(size=224, resize="squash", filter="bilinear", **IMAGENET),
    "squash, bilinear-float": Preprocessing(size=224, resize="squash", filter="bilinear-float", **IMAGENET),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    files = []
    for path in samples():
        file = io.BytesIO()
        Image.open(path).resize((500, 375)).save(file, "JPEG", quality=90)
        files.append(file.getvalue())
    print("| rule | framing | exact, ms | fast, ms | exact / fast | most levels apart |\n|---|---|---|---|---|---|")
    for name, rule in RULES.items():
        for framing in ("official", "square"):
            times: dict[str, list[float]] = {"exact": [], "fast": []}
            made = {}
            for number in range(rounds):
                for pace in times:
                    began = time.perf_counter()
                    photo = decode(files[number % len(files)], id="", source="", pace=pace)
                    made[pace] = prepared([photo], rule, framing)[0]
                    times[pace].append(1e3 * (time.perf_counter() - began))
            levels = (made["exact"] - made["fast"]).abs() * 255 * torch.tensor(rule.deviation)[:, None, None]
            a, b = (statistics.median(each) for each in times.values())
            print(f"| {name} | {framing} | {a:.2f} | {b:.2f} | {a / b:.2f} | {levels.max():.0f} |")


if __name__ == "__main__":
    main()
