"""Views: the crops, colours and clips that training looks at, whole batches at a time.

Everything here works on tensors, on whatever device they are; random numbers come from `Chance`.
"""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn.functional import affine_grid, conv2d, grid_sample, pad

from repscope.lab.chance import Chance

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
GREY = (0.299, 0.587, 0.114)

Pixels = UInt8[Tensor, "B 3 H W"]
Images = Float[Tensor, "B 3 S S"]


def _column(values: tuple[float, ...], like: Tensor) -> Tensor:
    return torch.tensor(values, device=like.device)[:, None, None]


def normalised(pixels: Float[Tensor, "B 3 H W"] | Pixels) -> Float[Tensor, "B 3 H W"]:
    """Pixels as the encoders of the lab want them: ImageNet's mean and deviation. Bytes, or floats from 0 to 1."""
    shares = pixels if pixels.is_floating_point() else pixels.float() / 255
    return (shares - _column(MEAN, pixels)) / _column(DEVIATION, pixels)


def _windows(
    chance: Chance, scale: tuple[float, float], aspect: tuple[float, float]
) -> tuple[Float[Tensor, "B 2"], Float[Tensor, "B 2"]]:
    """Half sides and centres (across, down) of random windows, in an image that reaches from -1 to 1."""
    area = chance.uniform(*scale)
    ratio = chance.uniform(math.log(aspect[0]), math.log(aspect[1])).exp()
    half = torch.stack([(area * ratio).sqrt(), (area / ratio).sqrt()], 1).clamp(max=1)
    return half, chance.uniform(-1, 1, 2) * (1 - half)


def _seen(pixels: Pixels, half: Tensor, centre: Tensor, mirror: Tensor, size: int) -> Float[Tensor, "B 3 S S"]:
    """These windows of the images as shares from 0 to 1, `size` pixels wide and high (bilinear)."""
    theta = torch.zeros(len(pixels), 2, 3)
    theta[:, 0, 0], theta[:, 1, 1] = half[:, 0] * mirror, half[:, 1]
    theta[:, :, 2] = centre
    places = affine_grid(theta, [len(pixels), 3, size, size], align_corners=False).to(pixels.device)
    return grid_sample(pixels.float() / 255, places, padding_mode="reflection", align_corners=False)


def cropped(
    pixels: Pixels,
    chance: Chance,
    size: int,
    scale: tuple[float, float] = (0.3, 1.0),
    aspect: tuple[float, float] = (3 / 4, 4 / 3),
) -> Images:
    """A random part of each image at `size` pixels (bilinear), half of them mirrored; shares from 0 to 1."""
    half, centre = _windows(chance, scale, aspect)
    return _seen(pixels, half, centre, 1 - 2 * chance.coins(0.5), size)


def clip(
    pixels: Pixels, chance: Chance, size: int, frames: int, scale: tuple[float, float] = (0.3, 1.0)
) -> Float[Tensor, "B T 3 S S"]:
    """A camera that pans and zooms over a photo: windows that go evenly from one to another.

    All frames of a clip are mirrored or none; shares from 0 to 1.
    """
    starts, ends = _windows(chance, scale, (1, 1)), _windows(chance, scale, (1, 1))
    mirror = 1 - 2 * chance.coins(0.5)
    moments = torch.linspace(0, 1, frames)
    shots = []
    for moment in moments.tolist():
        half, centre = (start.lerp(end, moment) for start, end in zip(starts, ends, strict=True))
        shots.append(_seen(pixels, half, centre, mirror, size))
    return torch.stack(shots, 1)


def coloured(images: Images, chance: Chance, share: float = 0.8, strength: float = 0.4) -> Images:
    """Brightness, contrast and saturation of most images changed, by factors within 1 +- strength; hue turned.

    Hue turns the two colour axes of YIQ, by at most a quarter of `strength` of a full turn.
    """
    amounts = 1 + chance.uniform(-strength, strength, 3) * chance.coins(share, 1)
    turn = chance.uniform(-strength / 4, strength / 4) * chance.coins(share) * 2 * math.pi
    bright, contrast, colour = (a[:, None, None, None] for a in amounts.to(images.device).unbind(1))
    images = (images * bright).clamp(0, 1)
    mean = _grey(images).mean((1, 2, 3), keepdim=True)
    images = (mean + contrast * (images - mean)).clamp(0, 1)
    grey = _grey(images)
    images = grey + colour * (images - grey)
    return torch.einsum("bij,bjhw->bihw", _turned(turn).to(images.device), images).clamp(0, 1)


def _turned(angle: Float[Tensor, " B"]) -> Float[Tensor, "B 3 3"]:
    """RGB matrices that turn the colour plane of YIQ and leave grey alone."""
    to_yiq = torch.tensor([[0.299, 0.587, 0.114], [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]])
    turn = torch.eye(3).repeat(len(angle), 1, 1)
    turn[:, 1, 1], turn[:, 1, 2] = angle.cos(), -angle.sin()
    turn[:, 2, 1], turn[:, 2, 2] = angle.sin(), angle.cos()
    return torch.linalg.inv(to_yiq) @ turn @ to_yiq


def _grey(images: Images) -> Float[Tensor, "B 1 S S"]:
    return (images * _column(GREY, images)).sum(1, keepdim=True)


def _some(images: Images, chance: Chance, share: float, change: Callable[[Images], Images]) -> Images:
    """The images, this share of them changed; the others cost nothing."""
    chosen = chance.coins(share).nonzero()[:, 0].to(images.device)
    return images.index_copy(0, chosen, change(images[chosen])) if len(chosen) else images


def greyed(images: Images, chance: Chance, share: float = 0.2) -> Images:
    """Some images without their colour."""
    return _some(images, chance, share, lambda x: _grey(x).expand(-1, 3, -1, -1))


def blurred(images: Images, chance: Chance, share: float = 0.5, sigma: float = 1.0) -> Images:
    """Some images under a Gaussian of this deviation in pixels."""
    reach = math.ceil(2 * sigma)
    bell = torch.exp(-(torch.arange(-reach, reach + 1, device=images.device) ** 2) / (2 * sigma**2))
    bell = (bell / bell.sum()).expand(3, 1, 1, -1)

    def change(x: Images) -> Images:
        x = conv2d(pad(x, (reach, reach, 0, 0), mode="reflect"), bell, groups=3)
        return conv2d(pad(x, (0, 0, reach, reach), mode="reflect"), bell.mT, groups=3)

    return _some(images, chance, share, change)


def solarised(images: Images, chance: Chance, share: float = 0.2) -> Images:
    """Some images with everything brighter than a half inverted."""
    return _some(images, chance, share, lambda x: torch.where(x > 0.5, 1 - x, x))


def distorted(
    pixels: Pixels, chance: Chance, size: int, scale: tuple[float, float], blur: float = 0.5, solar: float = 0.1
) -> Images:
    """One view of the joint-embedding objectives: crop, mirror, colours, grey, blur, solarise; normalised."""
    images = coloured(cropped(pixels, chance, size, scale), chance)
    images = blurred(greyed(images, chance), chance, blur) if blur else greyed(images, chance)
    return normalised(solarised(images, chance, solar) if solar else images)
