"""Device: where a run computes, and with how many threads."""

import os

import torch

from repscope.errors import WrongUsage
from repscope.threads import beside, products, take

MISSING = {
    "cuda": "no CUDA device that this torch can use; install a torch with CUDA, or choose --device auto",
    "mps": "no Apple GPU that this torch can use; choose --device auto",
}


def chosen(name: str = "auto") -> torch.device:
    """`cpu`, `cuda` or `mps`; `auto` is the first GPU there is. Of several processes each gets its own GPU.

    Raises WrongUsage for a device that is not there.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(each for each, found in there.items() if found)
    if name not in there:
        raise WrongUsage(f"--device knows auto, {', '.join(there)}; got {name!r}.")
    if not there[name]:
        raise WrongUsage(f"There is {MISSING[name]}.")
    if name != "cuda":
        return torch.device(name)
    place = int(os.environ.get("LOCAL_RANK", "0"))
    if place >= torch.cuda.device_count():
        raise WrongUsage(f"Process {place} wants a GPU of its own, and there are {torch.cuda.device_count()}.")
    torch.cuda.set_device(place)
    return torch.device("cuda", place)


def threads(wanted: int | None) -> int:
    """Threads for this process, which torch is told: as wanted, or the processors shared by the processes here.

    A process that is alone keeps torch's own number, all cores unless the environment says otherwise.
    """
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", os.environ.get("WORLD_SIZE", "1")))
    if wanted is not None and wanted < 1:
        raise WrongUsage(f"--threads wants 1 or more; got {wanted}.")
    if wanted is not None or processes > 1:
        take(wanted or beside(processes))
    return products()
