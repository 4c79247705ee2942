"""What one of several processes does under torchrun: `two_processes.py FOLDER`; each leaves what it saw there.

The same functions run in one process for the comparison.
"""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from killed_run import PLAN, stripes
from small_objectives import SMALL, made
from torch import Tensor, nn

from repscope.errors import UnfitData
from repscope.lab import processes, train

STEPS = 3
AS_IT_COMES = {"optimiser": "muon", "precision": "bfloat16"}
"""What a recipe has where it says nothing, on a processor that multiplies bfloat16 faster."""


def course(name: str, folder: Path, **other: Any) -> dict[str, Any]:
    """Losses, the first step's gradients, and the weights after a few steps; of AdamW, where nothing else is asked."""
    plan = replace(PLAN, **{"optimiser": "adamw", **other})
    run = train.Run(made(name, plan), plan, stripes(), folder)
    gradients: list[dict[str, Tensor]] = []
    step = run.moving.step

    def kept(rate: float) -> None:
        named = run.objective.named_parameters()
        gradients.append({name: p.grad.clone() for name, p in named if p.grad is not None})
        step(rate)

    run.moving.step = kept  # type: ignore[method-assign]
    losses = [run.step(k) for k in range(STEPS)]
    return {"losses": losses, "gradients": gradients[0], "weights": dict(run.objective.state_dict())}


def rows_and_weights() -> tuple[Tensor, Tensor]:
    """Eight rows, and for each of two processes the weights by which it sums their squares."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(8, 3, generator=generator), torch.randn(2, 8, 3, generator=generator)


def by_hand() -> dict[str, Any]:
    """gathered: its rows, and the gradients of a loss that differs from process to process."""
    rows, weights = rows_and_weights()
    x = rows[processes.share(8)].clone().requires_grad_()
    every, own = processes.gathered(x), weights[processes.rank()]
    ((every + every.square()) * own).sum().backward()
    # Added to what is gathered, its gradient is its own process's; made before, it comes after in going back.
    beside = torch.zeros(8, 3, requires_grad=True)
    doubled = 2 * beside
    ((processes.gathered(x.detach().requires_grad_()) + doubled) * own).sum().backward()
    return {"every": every.detach(), "x": x.grad, "beside": beside.grad}


def averages() -> dict[str, Any]:
    parameter, still = nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(1))
    parameter.grad = torch.tensor([1.0, 10.0]) * (processes.rank() + 1)
    processes.averaged([parameter, still])
    return {"gradient": parameter.grad, "still": still.grad, "mean": processes.mean(processes.rank() + 1.0)}


def refused(call: Any) -> str:
    try:
        call()
    except UnfitData as error:
        return str(error)
    return ""


def astray(folder: Path) -> None:
    """One process's loss is no number; all must end, or the others would wait for it forever."""
    objective = made("mae", PLAN)
    loss = objective.loss
    spoilt = float("nan") if processes.rank() == 1 else 1.0
    objective.loss = lambda batch: loss(batch) * spoilt  # type: ignore[method-assign]
    train.Run(objective, PLAN, stripes(), folder).step(0)


def resumed(folder: Path) -> train.Trained:
    """A run in its folder, to its sixth step; then again, to its tenth."""
    for epochs in (1.5, 2.5):
        plan = replace(PLAN, epochs=epochs, optimiser="adamw", decay=0.0)
        done = train.train(made("dino", plan), plan, stripes(), folder, told="dino", every=2, resume=True)
    return done


if __name__ == "__main__":
    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    with processes.joined(torch.device("cpu")):
        seen: dict[str, Any] = {name: course(name, folder) for name in SMALL}
        seen["as it comes"] = course("mae", folder, **AS_IT_COMES)
        seen |= {"count": processes.count(), "by hand": by_hand(), "averages": averages()}
        seen["odd"] = refused(lambda: processes.share(7))
        seen["astray"] = refused(lambda: astray(folder / "astray"))
        seen["resumed"] = dict(resumed(folder / "resumed").encoder.state_dict())
        torch.save(seen, folder / f"{processes.rank()}.pt")
