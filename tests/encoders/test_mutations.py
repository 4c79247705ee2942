"""What the parity check is worth: each classic mistake, made on purpose, must be caught by it."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from oracle import discrepancy, normalised, sequences

from repscope.encoders import load
from repscope.encoders.contract import HALF
from repscope.encoders.transformer import Network, Transformer
from repscope.images.photo import Photo

MISTAKE = 1e-2
"""A thousand times the tolerance of the parity tests."""


class Changed:
    """A network whose pixels or sequences are tampered with."""

    def __init__(
        self,
        network: Network,
        pixels: Callable[[torch.Tensor], torch.Tensor] = lambda x: x,
        sequence: Callable[[torch.Tensor], torch.Tensor] = lambda x: x,
    ):
        self.network, self.pixels, self.sequence = network, pixels, sequence

    def __call__(self, pixels: torch.Tensor, layers: Sequence[int]) -> list[torch.Tensor]:
        return [self.sequence(x) for x in self.network(self.pixels(pixels), layers)]

    def attention(self, pixels: torch.Tensor, block: int) -> torch.Tensor:
        return self.network.attention(self.pixels(pixels), block)


def wrong_mean(encoder: Transformer) -> Transformer:
    rule = replace(encoder.contract.preprocessing, **HALF)
    return Transformer(replace(encoder.contract, preprocessing=rule), encoder.network, str)


def blue_green_red(encoder: Transformer) -> Transformer:
    return Transformer(encoder.contract, Changed(encoder.network, pixels=lambda x: x.flip(1)), str)


def no_final_norm(encoder: Transformer) -> Transformer:
    encoder.network.norm = None
    return encoder


def rows_for_columns(encoder: Transformer) -> Transformer:
    def turned(x: torch.Tensor) -> torch.Tensor:
        (rows, columns), prefix = encoder.contract.grid, encoder.contract.architecture.prefix
        patches = x[:, prefix:].unflatten(1, (rows, columns)).transpose(1, 2).flatten(1, 2)
        return torch.cat([x[:, :prefix], patches], 1)

    return Transformer(encoder.contract, Changed(encoder.network, sequence=turned), str)


def positions_turned(encoder: Transformer) -> Transformer:
    return Transformer(encoder.contract, Changed(encoder.network, pixels=lambda x: x.mT), str)


def registers_among_patches(encoder: Transformer) -> Transformer:
    def last(x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x[:, :1], x[:, 5:], x[:, 1:5]], 1)

    return Transformer(encoder.contract, Changed(encoder.network, sequence=last), str)


def two_frames(encoder: Transformer) -> Transformer:
    return Transformer(replace(encoder.contract, frames=2), encoder.network, str)


def one_layer_early(encoder: Transformer) -> Transformer:
    class Early(Changed):
        def __call__(self, pixels: torch.Tensor, layers: Sequence[int]) -> list[torch.Tensor]:
            return self.network(pixels, [encoder.contract.architecture.depth for _ in layers])

    return Transformer(encoder.contract, Early(encoder.network), str)


@pytest.mark.parametrize(
    ("mistake", "name"),
    [
        (wrong_mean, "dinov2 with registers"),
        (wrong_mean, "clip, vision tower"),
        (blue_green_red, "dinov2 with registers"),
        (blue_green_red, "vjepa2"),
        (no_final_norm, "dinov2 with registers"),
        (no_final_norm, "vjepa2"),
        (one_layer_early, "ijepa"),
        (rows_for_columns, "ijepa"),
        (rows_for_columns, "dinov3"),
        (positions_turned, "dinov3"),
        (registers_among_patches, "dinov2 with registers"),
        (registers_among_patches, "dinov3"),
    ],
)
def test_the_mistake_is_caught(published, mistake, name):
    made = published(name)
    expected = made.expected()[-1]
    (right,) = load(str(made.folder))(made.photos)
    (wrong,) = mistake(load(str(made.folder)))(made.photos)
    assert discrepancy(right, expected, made.case) < 1e-5
    assert discrepancy(wrong, expected, made.case) > MISTAKE


def test_forgotten_frames_are_caught(published):
    made = published("vjepa2")
    expected = made.expected()[-1]
    (few,) = two_frames(load(str(made.folder)))(made.photos)
    assert few.frames is not None
    assert few.frames.shape[1] == 1
    in_time = expected.reshape(2, 8, 4, 4, -1)
    assert np.abs(few.patches - in_time.mean(1)).max() / np.abs(expected).max() > MISTAKE


def test_tokens_in_the_order_of_the_noise_are_caught(published):
    made = published("mae")
    pixels = normalised(made.photos, made.case.statistics)
    noise = torch.rand(1, 9, generator=torch.Generator().manual_seed(0))
    shuffled = sequences(made.model, pixels, replace(made.case, options={"noise": noise}))[-1]
    (tokens,) = load(str(made.folder))(made.photos)
    assert discrepancy(tokens, shuffled, made.case) > MISTAKE
    back = noise[0].argsort().argsort()
    unshuffled = np.concatenate([shuffled[:, :1], shuffled[:, 1:][:, back]], 1)
    assert discrepancy(tokens, unshuffled, made.case) < 1e-5


def test_the_two_rules_of_dinov2_differ(published):
    """Which rule carries the positions to another grid shows in the tokens: antialiasing, and the offset of .1."""
    made = published("dinov2, large native grid")
    expected = made.expected()[-1]
    for rule in ("bicubic-antialias", "bicubic-offset"):
        encoder = load(str(made.folder))
        encoder.network.architecture = replace(encoder.network.architecture, resample=rule)
        (tokens,) = encoder(made.photos)
        assert discrepancy(tokens, expected, made.case) > 1e-3


def test_photos_matter(published):
    made = published("dinov2 with registers")
    other = [Photo(photo.id, photo.pixels[::-1].copy()) for photo in made.photos]
    (tokens,) = load(str(made.folder))(other)
    assert discrepancy(tokens, made.expected()[-1], made.case) > MISTAKE
