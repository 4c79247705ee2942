"""preprocessing: a contract that lies about the transform is found, whichever way it lies; no weights are needed."""

import hashlib
import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from trial import asked, facts, failed, lying, only, with_facts

from repscope.checks import _picture
from repscope.checks._drawn import SIZES, textured
from repscope.checks._shown import rule_of
from repscope.encoders import available
from repscope.encoders.preprocess import prepared
from repscope.errors import Unreachable, WrongUsage
from repscope.images.photo import Photo

ROOT = Path(__file__).parents[2]
PUBLISHED = [each.name for each in available().values() if each.family != "lab"]
DRAWN, STATED = "pixels of drawn pictures", "transform of the contract"


def script():
    spec = importlib.util.spec_from_file_location("digests", ROOT / "benchmarks" / "processor_digests.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", [*facts("processors")["rules"]])
def test_the_digests_are_what_the_published_processors_make(name):
    made, held = script().described(name), facts("processors")["rules"][name]
    assert {**made, "pictures": None} == {**held, "pictures": None}
    for picture, wanted in held["pictures"].items():
        assert made["pictures"][picture].get("sha256") == wanted.get("sha256")
        assert np.allclose(made["pictures"][picture]["samples"], wanted["samples"], rtol=0, atol=2e-6)


def test_every_published_encoder_has_a_transform_noted_apart_from_its_contract():
    assert set(facts("processors")["encoders"]) == set(PUBLISHED)
    assert facts("processors")["encoders"] == script().ENCODERS


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_contract_makes_the_published_pixels(name):
    found = asked("preprocessing", name)
    assert not failed(found)
    assert only(found, DRAWN).verdict == only(found, STATED).verdict == "verified"


@pytest.mark.parametrize("name", ["dinov2-vit-s14", "vjepa2-vitl-img16-256", "dinov3-vit-s16", "eupe-vit-t16"])
@pytest.mark.parametrize("lie", ["edge", "size", "filter", "mean", "deviation", "resize", "statistics"])
def test_a_contract_that_lies_about_its_transform_fails(monkeypatch, name, lie):
    contract = available()[name]
    rule = contract.preprocessing
    lies = {
        "edge": replace(rule, edge=rule.edge + 1, resize="shortest")
        if rule.edge
        else replace(rule, size=rule.size + 2),
        "size": replace(rule, size=rule.size - 14),
        "filter": replace(rule, filter="bilinear" if rule.filter != "bilinear" else "bicubic"),
        "mean": replace(rule, mean=(rule.mean[0] + 1e-3, *rule.mean[1:])),
        "deviation": replace(rule, deviation=(*rule.deviation[:2], rule.deviation[2] + 1e-3)),
        "resize": replace(rule, resize="squash" if rule.resize == "shortest" else "shortest", edge=rule.size),
        "statistics": replace(rule, mean=(0.5,) * 3, deviation=(0.5,) * 3),
    }
    lying(monkeypatch, replace(contract, preprocessing=lies[lie]))
    assert failed(asked("preprocessing", name)) == [STATED, DRAWN]


def test_of_grey_levels_every_bit_counts(monkeypatch):
    contract = available()["dinov2-vit-s14"]
    rule = contract.preprocessing
    lying(monkeypatch, replace(contract, preprocessing=replace(rule, mean=(rule.mean[0] + 1e-6, *rule.mean[1:]))))
    found = asked("preprocessing", "dinov2-vit-s14")
    assert failed(found) == [STATED, DRAWN]
    assert 0 < only(found, DRAWN).measured < 1e-4


def test_a_transform_that_is_carried_out_wrongly_fails_though_the_contract_is_right(monkeypatch):
    """A crop one pixel off, as another rounding makes it."""
    from repscope.encoders import preprocess

    plain = preprocess.central
    monkeypatch.setattr(preprocess, "central", lambda *asked: tuple(np.add(plain(*asked), (1, 0, 1, 0))))
    found = asked("preprocessing", "dinov2-vit-s14")
    assert failed(found) == [DRAWN]
    assert only(found, DRAWN).measured > 0.1
    assert not failed(asked("preprocessing", "siglip-vit-b16"))  # which crops nothing


@pytest.mark.parametrize("name", ["tiny-mae", "tiny-supervised"])
def test_the_labs_own_transform_is_carried_out_right_and_has_no_publisher(name):
    found = asked("preprocessing", name)
    assert only(found, DRAWN).verdict == "verified"
    assert "no upstream processor exists" in only(found, STATED).said


def test_a_folder_that_brings_its_processor(copy):
    said = {"crop_size": {"height": 224, "width": 224}, "size": {"shortest_edge": 256}, "resample": 3}
    said |= {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
    beside = copy / "preprocessor_config.json"
    for change, named, alone in (
        ({}, "verified", "verified"),
        ({"size": {"shortest_edge": 224}}, "failed", "unchecked"),
        ({"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}, "failed", "unchecked"),
        ({"resample": 2}, "failed", "unchecked"),
    ):
        beside.write_text(json.dumps(said | change))
        found = asked("preprocessing", f"dinov2-vit-s14@{copy}")
        assert only(found, "beside the weights").verdict == named
        assert failed(found) == (["image processor beside the weights"] if change else [])
        found = asked("preprocessing", str(copy))
        assert not failed(found)
        assert only(found, DRAWN).verdict == alone
        assert ("not the usual one of its family" in only(found, STATED).said) == bool(change)


def test_the_coco_picture_is_compared_where_it_can_be_had(monkeypatch):
    assert "HF_HUB_OFFLINE is set" in only(asked("preprocessing", "dinov2-vit-s14"), "COCO").said
    photo, rules = textured(640, 480), facts("processors")
    monkeypatch.setattr(_picture, "picture", lambda given: photo)
    for name, rule in (("dinov2-vit-s14", "dinov2"), ("dinov3-vit-s16", "dinov3")):
        assert only(asked("preprocessing", "dinov2-vit-s14"), "COCO").verdict == "failed"  # another picture
        pixels = prepared([photo], rule_of(rules["rules"][rule]["rule"]), "official")[0][0].numpy()
        rules["rules"][rule]["coco"] = hashlib.sha256(pixels.tobytes()).hexdigest()
        with_facts(monkeypatch, processors=rules)
        assert only(asked("preprocessing", name), "COCO").verdict == "verified"
        rules["rules"]["dinov2"]["coco"] = "0" * 64
    rules["rules"]["dinov3"]["coco"] = "0" * 64
    assert "as rounding may make it" in only(asked("preprocessing", "dinov3-vit-s16"), "COCO").said
    contract = available()["dinov3-vit-s16"]
    lying(monkeypatch, replace(contract, preprocessing=replace(contract.preprocessing, mean=(0.5, 0.5, 0.5))))
    assert only(asked("preprocessing", "dinov3-vit-s16"), "COCO").verdict == "failed"


def test_another_picture_is_refused(tmp_path):
    from PIL import Image

    file = tmp_path / "cats.png"
    with pytest.raises(WrongUsage, match="cannot be read"):
        _picture.picture(file)
    Image.fromarray(textured(640, 480).pixels).save(file)
    with pytest.raises(WrongUsage, match="not COCO val2017 000000039769 to the pixel"):
        _picture.picture(file)


def test_the_picture_is_fetched_once_kept_and_never_taken_for_another(monkeypatch, tmp_path):
    """A stand-in for the network: the right bytes, a login page, no answer."""
    data = (ROOT / "docs" / "pictures" / "compare.png").read_bytes()
    published = facts("published")
    published["picture"]["sha256"] = hashlib.sha256(data).hexdigest()
    with_facts(monkeypatch, published=published)
    monkeypatch.delenv("HF_HUB_OFFLINE")
    answers = [OSError("no route"), b"<html>log in</html>", data]

    def asked_for(url: str) -> bytes:
        answer = answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer

    monkeypatch.setattr(_picture, "_asked", asked_for)
    for reason in ("no route", "something else"):
        with pytest.raises(Unreachable, match=reason):
            _picture.picture()
        with pytest.raises(Unreachable, match=reason):
            _picture.picture()  # a process asks once
        _picture._fetched.cache_clear()
    assert isinstance(_picture.picture(), Photo)
    _picture._fetched.cache_clear()
    assert isinstance(_picture.picture(), Photo)  # from the disk: nothing is left to answer
    assert not answers
    (kept,) = (tmp_path / "cache" / "pictures").iterdir()
    kept.write_bytes(b"spoilt")
    _picture._fetched.cache_clear()
    answers.append(data)
    assert isinstance(_picture.picture(), Photo)
    assert not answers


def test_drawn_pictures_differ_from_themselves_moved_by_a_pixel():
    for width, height in SIZES:
        pixels = textured(width, height).pixels.astype(int)
        assert pixels.min() >= 0
        for axis in (0, 1):
            assert np.abs(np.diff(pixels, axis=axis)).mean() > 5


def test_an_answer_that_is_no_http_is_told(monkeypatch):
    """As a proxy gives it that says <html> where a status should be."""
    from http.client import BadStatusLine

    def asked_for(url: str) -> bytes:
        raise BadStatusLine("<html>")

    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setattr(_picture, "_asked", asked_for)
    with pytest.raises(Unreachable, match="<html>"):
        _picture.picture()
