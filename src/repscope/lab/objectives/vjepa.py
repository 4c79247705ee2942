"""vjepa: from the visible tubes of a clip, foresee a teacher's tokens of the masked ones."""

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn.functional import l1_loss, layer_norm

from repscope.encoders.vit import ViT, positions
from repscope.encoders.vit.model import gather
from repscope.errors import WrongUsage
from repscope.lab import average, masks, views
from repscope.lab.bounds import Few, PartialShare, ProperShare
from repscope.lab.chance import Chance
from repscope.lab.narrow import Narrow, NarrowWidth
from repscope.lab.objectives import Batch, Objective, Setting, momentum


class VideoPrediction(Objective):
    """L1 between predicted and layer-normalised teacher tokens of tubes masked through all frames.

    Clips are photos under a camera that pans and zooms. Frames are cut into the image encoder's
    own patches and attended to together; a frame's time is added to its tokens, 0 at the first
    frame, so that a still image is a clip of one. The tubes lie at random places, 75 % of them
    (`hidden`); the paper hides blocks, about 90 % of each clip. The teacher is a moving average,
    .996 rising to 1, and it is the teacher that is kept. Bardes et al., Revisiting feature
    prediction for learning visual representations from video, 2024 (arXiv 2404.08471).

    Args:
        frames: Of a clip.
        hidden: Share of the places that are masked, each through all frames.
        teacher_momentum: 0 makes the teacher the encoder of the step before.
        width, depth: Of the predictor.

    Raises WrongUsage for an encoder with rotary positions, which leave no place for time; UnfitData
    for a share that leaves nothing to see, or to foresee.
    """

    def __init__(
        self,
        encoder: ViT,
        setting: Setting,
        frames: Few = 3,
        hidden: ProperShare = 0.75,
        teacher_momentum: PartialShare = 0.996,
        width: NarrowWidth = 96,
        depth: Few = 4,
    ):
        super().__init__(encoder, setting)
        a = encoder.architecture
        if a.position not in ("sincos", "learned"):
            raise WrongUsage(f"vjepa wants an encoder with sincos or learned positions; this has {a.position}.")
        masks.counts((setting.view // a.patch) ** 2, hidden)
        self.frames, self.hidden, self.momentum = frames, hidden, teacher_momentum
        self.predictor = Narrow(a, a.width, width, depth)
        self.teacher = average.teacher_of(encoder)

    def views(self, pixels: UInt8[Tensor, "B 3 H W"], chance: Chance) -> tuple[Float[Tensor, "B ..."], ...]:
        clip = views.clip(pixels, chance, self.setting.view, self.frames, self.setting.crop)
        return (views.normalised(clip),)

    def loss(self, batch: Batch) -> Float[Tensor, ""]:
        (clips,), chance = batch.views, batch.chance
        grid = self.encoder.grid(clips)
        whole = masks.scattered(chance.count, grid[0] * grid[1], self.hidden, chance.generator)
        shown, asked = (self._tubes(chance.mine(places).to(clips.device), grid) for places in whole)
        with torch.no_grad():
            targets = self.target(self.teacher, clips, asked)
        foreseen = self.predictor(self._encoded(self.encoder, clips, shown), shown, asked, self._places(grid))
        return l1_loss(foreseen.float(), targets)

    def _tubes(self, places: Tensor, grid: tuple[int, int]) -> Tensor:
        """These places of every frame."""
        starts = torch.arange(self.frames, device=places.device) * grid[0] * grid[1]
        return (places[:, None] + starts[:, None]).flatten(1)

    def _encoded(self, encoder: ViT, clips: Tensor, shown: Tensor | None = None) -> Float[Tensor, "B N D"]:
        """Tokens of the shown patches of all frames, or of all; frame by frame, prefix first."""
        b, t = clips.shape[:2]
        x = encoder.embed(clips.flatten(0, 1)).unflatten(0, (b, t))
        x = (x + moments(t, x.shape[-1])[:, None].to(x)).flatten(1, 2)
        return encoder.through(x if shown is None else gather(x, shown))

    def target(self, teacher: ViT, clips: Tensor, asked: Tensor) -> Float[Tensor, "B M D"]:
        """The teacher's tokens at the asked places, each with mean 0 and variance 1."""
        tokens = self._encoded(teacher, clips)[:, teacher.architecture.prefix :].float()
        return gather(layer_norm(tokens, tokens.shape[-1:]), asked)

    def _places(self, grid: tuple[int, int]) -> Float[Tensor, "N width"]:
        """Positions of all frames' patches, for the predictor."""
        width = self.predictor.inner.out_features
        still = positions.sincos(grid, grid, width)
        return (still + moments(self.frames, width)[:, None].to(still)).flatten(0, 1)

    def follow(self, progress: float) -> None:
        average.follow(self.teacher, self.encoder, momentum(self.momentum, progress))

    @property
    def result(self) -> ViT:
        return self.teacher


def moments(frames: int, width: int) -> Float[Tensor, "T width"]:
    """Sines and cosines of each frame's time, less those of the first."""
    rate = 10_000 ** -(torch.arange(width // 2) / (width // 2))
    angle = torch.arange(frames)[:, None] * rate
    table = torch.cat([angle.sin(), angle.cos()], 1)
    return table - table[:1]


vjepa = VideoPrediction
