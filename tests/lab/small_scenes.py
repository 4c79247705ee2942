"""Small images with something to learn in them: gratings of any direction, with two blobs of any colour."""

import numpy as np
import torch

from repscope.lab.data import TrainingSet


def scenes(count: int, side: int = 16, seed: int = 0) -> TrainingSet:
    """Images that differ in many ways, labelled by the quarter in which their grating's direction lies."""
    random = np.random.default_rng(seed)
    down, across = np.mgrid[:side, :side] / side
    angle, frequency, phase = (random.uniform(0, most, (count, 1, 1)) for most in (np.pi, 3, 2 * np.pi))
    waves = np.sin(2 * np.pi * (1 + frequency) * (np.cos(angle) * across + np.sin(angle) * down) + phase)
    pixels = 128 + random.normal(0, 30, (count, 1, 1, 3)) + 50 * waves[..., None] * _colour(random, count)
    for _ in range(2):
        x, y, width = (random.uniform(low, high, (count, 1, 1)) for low, high in ((0.1, 0.9), (0.1, 0.9), (0.1, 0.3)))
        blob = np.exp(-((across - x) ** 2 + (down - y) ** 2) / (2 * width**2))
        pixels += 100 * blob[..., None] * _colour(random, count)
    labels = torch.from_numpy(angle.ravel() / np.pi * 4).long()
    return TrainingSet(torch.from_numpy(pixels.clip(0, 255).astype(np.uint8)).permute(0, 3, 1, 2).contiguous(), labels)


def _colour(random: np.random.Generator, count: int) -> np.ndarray:
    return random.uniform(-1, 1, (count, 1, 1, 3))
