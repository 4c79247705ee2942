"""Outcome: what a run has made, measured and written with its card."""

from dataclasses import dataclass
from pathlib import Path

from repscope.encoders.vit import ViT
from repscope.lab import card, checkpoint, knn, log, teachers, train
from repscope.lab.build import device_of, untrained
from repscope.lab.chance import Chance
from repscope.lab.data import TrainingSet
from repscope.lab.listener import Listener
from repscope.lab.objectives import Objective
from repscope.lab.recipe import Recipe
from repscope.monitor.neighbours import NEIGHBOURS, Votes


@dataclass(frozen=True)
class Outcome:
    """A run at its end.

    Attributes:
        plan: What was to be done.
        objective: What it was done with.
        trained: What it has made.
        name: Of the images.
        images: Trained on.
        validation: Kept apart; None where there are none.
    """

    plan: Recipe
    objective: Objective
    trained: train.Trained
    name: str
    images: TrainingSet
    validation: TrainingSet | None

    def write(self, out: Path, told: Listener) -> None:
        """Write the encoder and its card; k-NN is of the weights that the file gives back, and of their floor."""
        encoder = checkpoint.as_written(self.trained.encoder)
        said = self.card(out) | card.measured(*self.votes(encoder.to(device_of(self.objective)), told))
        checkpoint.write_encoder(encoder, out / checkpoint.ENCODER, said)
        with checkpoint.aside(out / "card.md") as page:
            page.write_text(card.page(said, encoder), encoding="utf-8")
        told.answered(f"Wrote {out / checkpoint.ENCODER} and card.md beside it")

    def card(self, out: Path) -> dict[str, object]:
        """What is known without measuring."""
        learnt_from = self.plan.options[self.plan.objective].get("teachers", ()) if self.trained.steps else ()
        return card.written(
            self.plan,
            self.trained,
            objective=self.plan.objective,
            data=self.name,
            images=len(self.images),
            views=self.views(),
            labels=teachers.labels(type(self.objective), learnt_from),
            teachers=[teachers.called(teacher) for teacher in learnt_from],
            dial=log.dial(out, self.trained.per_epoch),
            collapse=log.course(out)[1],
        )

    def views(self) -> list[int]:
        """The sides, in pixels, of the views that the objective makes of an image; each frame of a clip is one."""
        made = self.objective.views(self.images.pixels[:1].to(device_of(self.objective)), Chance(0, 1))
        return [view.shape[-1] for view in made for _ in range(view.shape[1] if view.ndim == 5 else 1)]

    def votes(self, encoder: ViT, told: Listener) -> tuple[Votes | None, Votes | None]:
        """k-NN of the encoder and of its own beginning; none where labels are missing, or there is one class."""
        bank, queries = self.images, self.validation
        if queries is None or not len(queries.places) or len(bank.places) < NEIGHBOURS or bank.classes < 2:
            return None, None
        told.said(f"k-NN of {len(queries.places):,} validation images among {len(bank.places):,}")
        votes = floor = knn.judged(encoder, bank, queries, self.trained.precision)
        if self.trained.steps:
            floor = knn.judged(self.beginning().to(device_of(encoder)), bank, queries, self.trained.precision)
        low, high = votes.interval
        told.answered(
            f"k-NN accuracy {votes.accuracy:.1%} (95 % interval {low:.1%} to {high:.1%}), "
            f"untrained {floor.accuracy:.1%}, chance {votes.chance:.1%}"
        )
        return votes, floor

    def beginning(self) -> ViT:
        """The encoder before its first step, as a file would give it back."""
        return checkpoint.as_written(untrained(self.plan))
