"""Told: the raw numbers of a run as a page of the manual."""

from collections.abc import Mapping, Sequence
from typing import Any

from bars import Bar, bars, counted, shared
from quiet import median, noisy, ratio
from sides import TITLES

PAGE = """# Measured beside others

One command makes this page and its raw numbers, [benchmarks/peers.json](../benchmarks/peers.json):
`{command}`

{machine}

**The promises are of a machine with AMX.** {amx} Nothing here was measured elsewhere.{marked}

## Promises

A ratio is of two times of one round; medians, with the range.

{promises}

## Forwards

Published shapes with random weights, the same for all; the same noise as pixels, tokens back as an array. Each side
is a process that stays alive and computes only on its turn; sides take turns in every round, each round begun by
another one. "Times" is ONNX Runtime float32's time over this side's in the same round. "Of the product" is
multiply-adds a second (of linear layers and attention), over those that a product of 2048 x 2048 matrices in bfloat16
reached in the same round; "in blocks" is the same against oneDNN's product with its weights laid out beforehand,
"float32" against torch's in float32. "Apart" is the largest difference of a token of one image from ONNX Runtime's,
relative to the largest token; thingsvision wants an older transformers, which reads positions at another size with an
offset. A video encoder is shown one photo 16 times; repscope knows that it does not move, and projects it once.

{forwards}

## Images at once

repscope alone, images/s; the largest is set bold. The default is {batch}.

{sizes}

## Whole processes

{cold}

## How it was done

Before every round a product of 1024 x 1024 is timed, five times, their median taken. Where it takes more than 1.3
times its best of the run, the round waits, at most twenty seconds and some; where that does not help, it is dropped.
{dropped} The load average before was {load:.2f} on {cores} cores; above {loaded} a core the command refuses to begin.
Sides that are absent:

{absent}
"""


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def page(raw: Mapping[str, Any], batch: int) -> str:
    """The whole page, of what `raw` holds and of nothing else."""
    from quiet import LOADED

    machine = raw["machine"]
    return PAGE.format(
        command=raw["command"],
        machine=f"{machine['processor']}, {machine['cores']} cores, {machine['instructions']}; "
        f"{machine['versions']}; {raw['date']}.",
        amx="This one has it." if "amx_bf16" in machine["instructions"] else "This one has none.",
        marked=_marked(raw),
        promises=_promises(bars(raw)),
        forwards="\n\n".join(_forwards(answer, raw["best"]) for answer in raw["encoders"]) or "Not measured.",
        sizes=_sizes(raw),
        batch=batch,
        cold=_cold(raw),
        dropped=_dropped(raw),
        load=raw["load"],
        cores=machine["cores"],
        loaded=LOADED,
        absent=_absent(raw),
    )


def _marked(raw: Mapping[str, Any]) -> str:
    marks = []
    if noisy(raw["load"], raw["machine"]["cores"]):
        marks.append("**The machine was not quiet: something else was at work, and the ratios say little.**")
    if raw["quick"]:
        marks.append("**A quick run: it shows that the parts work, and its numbers are of one round or two.**")
    return "".join(f" {mark}" for mark in marks)


def _promises(found: Sequence[Bar]) -> str:
    rows = []
    for bar in found:
        sign = "at least" if bar.least else "at most"
        said = {True: "met", False: f"**missed**: {bar.reason}", None: "not measured"}[bar.met]
        rows.append([bar.title, f"{sign} {bar.bar:g}", str(bar.found or ""), said])
    return table(["what", "promised", "measured", ""], rows)


def _forwards(answer: Mapping[str, Any], best: float) -> str:
    rounds, rows = counted(answer["rounds"], best), []
    batches = sorted({int(name.split()[1]) for each in answer["rounds"] for name in each if name.startswith("ours ")})
    for batch in batches:
        for side, hello in answer["hello"].items():
            seconds = median(rounds, f"{side} {batch}")
            if seconds is None:
                continue
            shares = [shared(answer, batch, side, product, best) for product in ("bfloat16", "in blocks", "float32")]
            apart = answer["apart"].get(side)
            rows.append(
                [
                    str(batch),
                    f"{TITLES[side]} ({hello})",
                    f"{1000 * seconds / batch:.0f}",
                    str(ratio(rounds, f"onnx_runtime {batch}", f"{side} {batch}") or ""),
                    *(f"{share.median:.2f}" if share else "" for share in shares),
                    "" if apart is None else f"{apart:.0e}" if apart >= 0 else "another shape",
                ]
            )
    head = ["batch", "side", "ms an image", "times", "of the product", "in blocks", "float32", "apart"]
    title = f"**{answer['name']}**, {answer['multiply_adds'] / 1e9:.1f} thousand million multiply-adds an image"
    return f"{title}, {len(rounds)} of {len(answer['rounds'])} rounds:\n\n{table(head, rows)}"


def _sizes(raw: Mapping[str, Any]) -> str:
    measured = [(answer["name"], counted(answer["sizes"], raw["best"])) for answer in raw["encoders"]]
    measured = [(name, rounds) for name, rounds in measured if rounds]
    sizes = sorted({int(key.split()[1]) for _, rounds in measured for each in rounds for key in each if " " in key})
    if not sizes:
        return "Not measured."
    rows = []
    for name, rounds in measured:
        seconds = {size: median(rounds, f"ours {size}") for size in sizes}
        rates = {size: size / took for size, took in seconds.items() if took}
        most = max(rates.values())
        told = {size: f"**{rate:.2f}**" if rate == most else f"{rate:.2f}" for size, rate in rates.items()}
        rows.append([name, *(told.get(size, "") for size in sizes), str(len(rounds))])
    return table(["encoder", *map(str, sizes), "rounds"], rows)


def _cold(raw: Mapping[str, Any]) -> str:
    parts = []
    if first := raw.get("first"):
        rounds = counted(first["rounds"], raw["best"])
        parts.append(
            f"ViT-L/14 from nothing to the tokens of one photo, the converted file in the page cache: "
            f"{_seconds(rounds, 'first tokens')} s; `import torch` alone {_seconds(rounds, 'import torch')} s; "
            f"{len(rounds)} of {len(first['rounds'])} rounds."
        )
    if deck := raw.get("deck"):
        rounds, spent = counted(deck["rounds"], raw["best"]), deck["shares"]
        inside = ", ".join(f"{name} {took:.1f}" for name, took in spent.items() if name != "all")
        parts.append(
            f"The deck's four on one photo, files in the page cache: to a written report "
            f"{_seconds(rounds, 'report')} s, peak {(median(rounds, 'peak report') or 0) / 1e9:.2f} GB; "
            f"ONNX Runtime's sessions and one forward each "
            f"{_seconds(rounds, 'onnx')} s, peak {(median(rounds, 'peak onnx') or 0) / 1e9:.2f} GB; {len(rounds)} of "
            f"{len(deck['rounds'])} rounds. Inside one run more of {spent['all']:.1f} s, in seconds of the thread that "
            f"answers: {inside}; the rest is imports, and waiting for weights."
        )
    return "\n\n".join(parts) or "Not measured."


def _seconds(rounds: Sequence[Mapping[str, float]], name: str) -> str:
    found = median(rounds, name)
    return "no" if found is None else f"{found:.2f}"


def _dropped(raw: Mapping[str, Any]) -> str:
    every = [each for answer in raw["encoders"] for each in (*answer["rounds"], *answer["sizes"])]
    every += [each for part in ("first", "deck") if raw.get(part) for each in raw[part]["rounds"]]
    gone = len(every) - len(counted(every, raw["best"]))
    return f"Of {len(every)} rounds {gone or 'none'} {'was' if gone == 1 or not gone else 'were'} dropped."


def _absent(raw: Mapping[str, Any]) -> str:
    lines = [
        f"- {TITLES[side]}, {answer['name']}: `{why}`"
        for answer in raw["encoders"]
        for side, why in answer["absent"].items()
    ]
    return "\n".join(lines) or "- none."
