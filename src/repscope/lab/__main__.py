"""Train one encoder: `python -m repscope.lab mae tiny-imagenet --data DIR --out DIR`."""

import argparse
from dataclasses import replace
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m repscope.lab", description=__doc__)
    parser.add_argument("objective")
    parser.add_argument("recipe")
    parser.add_argument("--data", type=Path, required=True, help="folder with train*.parquet and val*.parquet")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=float)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--resume", action="store_true")
    options = parser.parse_args()

    import torch

    from repscope.lab import checkpoint, data, objectives, recipe, train

    if options.threads:
        torch.set_num_threads(options.threads)
    plan = recipe.read(options.recipe)
    plan = replace(plan, epochs=plan.epochs if options.epochs is None else options.epochs)
    objective = train.build(objectives.catalogue[options.objective], plan)
    images = data.read(sorted(options.data.glob("train*.parquet")), plan.size)
    print(f"{len(images)} images, {plan.epochs} epochs, batch {plan.batch}", flush=True)
    encoder = train.train(
        objective, plan, images, options.out, resume=options.resume, say=lambda line: print(line, flush=True)
    )
    card = {"objective": options.objective, "recipe": plan.name, "epochs": plan.epochs, "seed": plan.seed}
    checkpoint.write_encoder(encoder, options.out / "encoder.safetensors", card)


if __name__ == "__main__":
    main()
