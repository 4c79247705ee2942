"""Configuration: what the json files of a folder say about the checkpoint in it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from repscope.encoders.contract import Contract, Filter, Preprocessing
from repscope.encoders.family import Config, Family, square
from repscope.errors import RepscopeError, UnfitCheckpoint

PROCESSORS = ("preprocessor_config.json", "video_preprocessor_config.json")
FILTER: dict[int, Filter] = {2: "bilinear", 3: "bicubic"}


def config(folder: Path) -> dict[str, Any] | None:
    """The folder's config.json, or None where it has none."""
    return _json(folder / "config.json")


def contract(name: str, family: Family, said: Config, processor: Config | None) -> Contract:
    """The contract of a checkpoint that is known by its configuration alone."""
    try:
        architecture = family.architecture(said)
    except (RepscopeError, ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
        reason = str(error) if isinstance(error, RepscopeError) else repr(error)
        raise UnfitCheckpoint(f"The configuration of {name} is not one of {family.title}: {reason}") from None
    usual = family.preprocessing(architecture)
    rule = usual if processor is None else preprocessing(processor, usual, name)
    if rule.size < architecture.patch:
        raise UnfitCheckpoint(f"{name} shows images of {rule.size} pixels in patches of {architecture.patch}.")
    return Contract(
        name=name,
        family=family.name,
        architecture=architecture,
        preprocessing=rule,
        pool=family.pool,
        frames=family.frames,
    )


def processor(folder: Path) -> dict[str, Any] | None:
    """The published transform that stands beside a checkpoint, or None."""
    return next((said for name in PROCESSORS if (said := _json(folder / name)) is not None), None)


def preprocessing(said: Config, usual: Preprocessing, name: str) -> Preprocessing:
    """A transform as a Hugging Face image processor's json describes it; what it leaves open is as usual.

    Raises UnfitCheckpoint for a transform that this project would have to guess.
    """
    try:
        rule = _colours(said, _sides(said, usual))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UnfitCheckpoint(f"The image processor of {name} reads as no resize, crop and scale: {error}") from None
    if not 0 < rule.size <= (rule.edge if rule.resize == "shortest" else rule.size):
        raise UnfitCheckpoint(f"{name} crops {rule.size} pixels of images scaled to {rule.edge}: nothing to crop.")
    return rule


def _sides(said: Config, usual: Preprocessing) -> Preprocessing:
    size, crop = said.get("size"), said.get("crop_size")
    kind = str(said.get("image_processor_type") or said.get("feature_extractor_type") or "")
    cropped = said.get("do_center_crop", crop is not None)
    edge = size.get("shortest_edge") if isinstance(size, dict) else size if cropped else None
    if edge is not None:
        side = square([crop["height"], crop["width"]] if isinstance(crop, dict) else crop or edge)
        usual = replace(usual, resize="shortest", edge=_pixels(edge), size=_pixels(side))
    elif size is not None:
        side = square([size["height"], size["width"]] if isinstance(size, dict) else size)
        usual = replace(usual, resize="squash", edge=0, size=_pixels(side))
        if cropped and crop is not None:
            raise ValueError("squashed and then cropped")
    resample = said.get("resample")
    if resample is None:
        return usual
    if resample not in FILTER:
        raise ValueError(f"filter {resample}; known are 2 (bilinear) and 3 (bicubic)")
    floats = kind.startswith("DINOv3") and resample == 2
    return replace(usual, filter="bilinear-float" if floats else FILTER[resample])


def _pixels(value: Any) -> int:
    if type(value) is not int or not 0 < value <= 8192:
        raise ValueError(f"a side of {value!r} pixels")
    return value


def _colours(said: Config, rule: Preprocessing) -> Preprocessing:
    if said.get("do_resize") is False or said.get("do_rescale") is False:
        raise ValueError("it leaves the resize or the scale to 0..1 to the caller")
    if abs(float(said.get("rescale_factor", 1 / 255)) * 255 - 1) > 1e-3:
        raise ValueError(f"rescale_factor {said['rescale_factor']}, not 1/255")
    if said.get("do_normalize") is False:
        return replace(rule, mean=(0.0, 0.0, 0.0), deviation=(1.0, 1.0, 1.0))
    mean, deviation = (
        tuple(float(v) for v in said.get(key) or usual)
        for key, usual in (("image_mean", rule.mean), ("image_std", rule.deviation))
    )
    if len(mean) != 3 or len(deviation) != 3 or min(deviation) <= 0:
        raise ValueError(f"mean {mean} and deviation {deviation} of three colours")
    return replace(rule, mean=mean, deviation=deviation)


def _json(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    try:
        said = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise UnfitCheckpoint(f"{path} cannot be read as json: {error}. Fetch or copy it again.") from None
    if not isinstance(said, dict):
        raise UnfitCheckpoint(f"{path} should hold a json object; it holds {type(said).__name__}.")
    return said
