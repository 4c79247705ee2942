"""Views: the random crops and flips that training looks at, whole batches at a time."""

import math

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn.functional import grid_sample

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def normalised(pixels: UInt8[Tensor, "B 3 H W"]) -> Float[Tensor, "B 3 H W"]:
    """Pixels as the encoders of the lab want them: ImageNet's mean and deviation."""
    mean, deviation = (torch.tensor(v, device=pixels.device)[:, None, None] for v in (MEAN, DEVIATION))
    return (pixels.float() / 255 - mean) / deviation


def cropped(
    pixels: UInt8[Tensor, "B 3 H W"],
    generator: torch.Generator,
    scale: tuple[float, float] = (0.3, 1.0),
    aspect: tuple[float, float] = (3 / 4, 4 / 3),
) -> Float[Tensor, "B 3 H W"]:
    """A random part of each image, scaled back to its size (bilinear), half of them mirrored."""
    count = len(pixels)
    area = torch.empty(count).uniform_(*scale, generator=generator)
    ratio = torch.empty(count).uniform_(*map(math.log, aspect), generator=generator).exp()
    width, height = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
    across, down = torch.rand(2, count, generator=generator) * 2 - 1
    mirror = 1 - 2 * torch.randint(0, 2, (count,), generator=generator)
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0], theta[:, 0, 2] = width * mirror, across * (1 - width)
    theta[:, 1, 1], theta[:, 1, 2] = height, down * (1 - height)
    places = torch.nn.functional.affine_grid(theta, list(pixels.shape), align_corners=False)
    images = normalised(pixels)
    return grid_sample(images, places.to(images.device), padding_mode="reflection", align_corners=False)
