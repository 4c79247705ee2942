"""bfloat16: which numbers are rounded, which are not, how far tokens move, and who cannot do it."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from exported import PROCESSOR, matrix, write
from oracle import photographed

import repscope
from repscope.encoders import load
from repscope.encoders.vit import packed
from repscope.errors import NoImages, UnknownName, Unsupported, WrongUsage
from repscope.extract.remembered import Remembered
from repscope.images import gather

FAMILIES = ["dinov2 with registers", "dinov2, gated", "dinov3", "vjepa2", "clip, vision tower", "siglip, vision tower"]


def apart(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.linalg.norm(one - other) / np.linalg.norm(other))


def rounded(values: np.ndarray) -> float:
    """Share of values that bfloat16 holds."""
    tensor = torch.from_numpy(values.copy())
    return float((tensor == tensor.bfloat16().float()).float().mean())


class TestBfloat16:
    @pytest.mark.parametrize("name", FAMILIES)
    @pytest.mark.parametrize("library", [True, False])
    def test_tokens_move_a_little_and_are_float32(self, published, name, library, monkeypatch):
        if not library:
            monkeypatch.setattr(packed, "packable", lambda dtype: False)
        made = published(name)
        exact, near = (load(str(made.folder), precision=p) for p in ("float32", "bfloat16"))
        layers = (0, 1, 3, -1)
        for one, other in zip(near(made.photos, layers), exact(made.photos, layers), strict=True):
            assert one.patches.dtype == one.registers.dtype == np.float32
            if one.layer == 0:
                np.testing.assert_array_equal(one.patches, other.patches)
            else:
                # weights of these small ones are noise of .2: what a block adds is large, as after no training
                assert 1e-4 < apart(one.patches, other.patches) < 0.015
                assert rounded(one.patches) < 0.1

    @pytest.mark.parametrize("name", ["tiny-dino", "tiny-mae", "tiny-ijepa"])
    def test_trained_encoders_stay_within_what_is_documented(self, name):
        photos, _ = gather()
        exact, near = (load(name, precision=p) for p in ("float32", "bfloat16"))
        (one,), (other,) = near(photos), exact(photos)
        assert 2e-4 < apart(one.patches, other.patches) < 0.0065
        assert apart(one.embedding("mean"), other.embedding("mean")) < 0.003

    def test_what_is_rounded(self, published):
        network = load(str(published("dinov3, gated").folder), precision="bfloat16").network
        narrow = {name for name, p in network.named_parameters() if p.dtype == torch.bfloat16}
        wide = {name for name, p in network.named_parameters() if p.dtype == torch.float32}
        assert {name.split(".")[2] for name in narrow} == {"attention", "perceptron"}
        assert len(narrow) == 3 * 8
        assert {"cls", "patch.weight", "norm.weight", "blocks.0.norm1.weight"} < wide
        assert not any("scale" in name for name in narrow | wide)  # they are in the layers they scale

    def test_attention_is_float32_and_sums_to_one(self, published):
        made = published("dinov3")
        exact, near = (load(str(made.folder), precision=p).attention(made.photos, 3) for p in ("float32", "bfloat16"))
        assert near.dtype == np.float32
        np.testing.assert_allclose(near.sum(-1), 1, atol=1e-5)
        assert 0 < np.abs(near - exact).max() < 0.1

    def test_photos_do_not_see_each_other(self, published):
        made = published("dinov2 with registers")
        encoder = load(str(made.folder), precision="bfloat16")
        (together,), (alone,) = encoder(made.photos), encoder(made.photos[1:])
        assert apart(together.patches[1], alone.patches[0]) < 0.005
        np.testing.assert_array_equal(together.patches, encoder(made.photos)[0].patches)

    def test_who_asked_for_what(self, published):
        made = published("ijepa")
        for encoder in (repscope.load(str(made.folder)), repscope.load(str(made.folder), precision="float32")):
            assert encoder.precision == Remembered(encoder).precision == "float32"
        near = repscope.load(str(made.folder), precision="bfloat16")
        assert near.precision == Remembered(near).precision == "bfloat16"
        with pytest.raises(UnknownName, match=r"No precision is called 'bf16'.*bfloat16"):
            load(str(made.folder), precision="bf16")  # type: ignore[arg-type]

    def test_encoders_of_other_libraries_refuse(self, tmp_path):
        (tmp_path / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
        file = str(write(tmp_path / "encoder.onnx", matrix()))
        assert load(file).precision == "float32"
        with pytest.raises(Unsupported, match=r"run by another library.*Leave it out"):
            load(file, precision="bfloat16")


class TestStages:
    @pytest.mark.parametrize("name", ["dinov2 with registers", "vjepa2", "siglip, vision tower"])
    @pytest.mark.parametrize("precision", ["float32", "bfloat16"])
    def test_a_call_is_its_two_steps(self, published, name, precision):
        encoder, photos = load(str(published(name).folder), precision=precision), photographed(70, 3)
        for framing in ("square", "official"):
            with ThreadPoolExecutor(1) as aside:
                shown = aside.submit(encoder.shown, photos, framing).result()
            assert shown.pixels.dtype == torch.float32
            for one, other in zip(encoder.tokens(shown, (1, -1)), encoder(photos, (1, -1), framing), strict=True):
                np.testing.assert_array_equal(one.patches, other.patches)
                np.testing.assert_array_equal(one.registers, other.registers)
                assert (one.layer, one.frame) == (other.layer, other.frame)

    def test_of_an_onnx_file_too(self, tmp_path):
        (tmp_path / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
        encoder = load(str(write(tmp_path / "encoder.onnx", matrix())))
        shown = encoder.shown(photographed(40), "official")
        (one,), (other,) = encoder.tokens(shown), encoder(photographed(40), framing="official")
        np.testing.assert_array_equal(one.patches, other.patches)
        with pytest.raises(Unsupported, match="not layer 1"):
            encoder.tokens(shown, (1,))

    def test_each_refuses_what_the_call_refuses(self, published):
        encoder = load(str(published("ijepa").folder))
        with pytest.raises(NoImages):
            encoder.shown([])
        shown = encoder.shown(photographed(24))
        with pytest.raises(WrongUsage, match="has no layer 4"):
            encoder.tokens(shown, (4,))
        assert encoder.tokens(shown, ()) == ()


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_network_elsewhere_says_the_same(precision: str):
    """The CPU stands for the other device: what is tested is the way there and back."""
    from repscope.encoders.elsewhere import Elsewhere
    from repscope.encoders.load import trainable

    there, here = trainable("tiny-mae"), repscope.load("tiny-mae", precision)
    photos, _ = gather()
    pixels = here.shown(photos).pixels
    network = Elsewhere(there.network, "cpu", precision)
    with torch.inference_mode():
        for layer, said in zip((3, -1), network(pixels, (3, -1)), strict=True):
            wanted = here.network(pixels, (layer,))[0]
            error = (said - wanted).norm() / wanted.norm()
            assert error < (1e-5 if precision == "float32" else 0.02)
            assert said.dtype == torch.float32
        assert network.attention(pixels, 2).shape == here.network.attention(pixels, 2).shape


def test_a_device_that_is_not_there_is_told():
    with pytest.raises(Unsupported, match="no device 'nowhere'"):
        repscope.load("tiny-mae", device="nowhere")


class TestReceived:
    """What each patch receives of attention, told while the encoder looks."""

    @pytest.mark.parametrize("name", ["dinov2 with registers", "dinov3", "vjepa2", "ijepa", "clip, vision tower"])
    def test_it_is_what_attention_says(self, published, name):
        made = published(name)
        encoder = load(str(made.folder))
        form, photos = encoder.contract.architecture, made.photos
        said = encoder.attending(photos, (2, 0, -1))
        for tokens, plain in zip(said, encoder(photos, (2, 0, -1)), strict=True):
            np.testing.assert_array_equal(tokens.patches, plain.patches)
            assert plain.received is None
        assert said[1].received is None
        for tokens, block in ((said[0], 2), (said[2], form.depth)):
            weights = encoder.attention(photos, block).mean(1)
            row = weights[:, 0] if form.cls else weights[:, form.prefix :].mean(1)
            wanted = row[:, form.prefix :].reshape(len(photos), -1, *tokens.grid).sum(1)
            np.testing.assert_allclose(tokens.received, wanted, atol=1e-6)

    def test_a_memory_asks_for_it_once(self, published):
        photos, _ = gather()
        encoder = Remembered(load(str(published("dinov3").folder)))
        encoder(photos[:1])
        (first,) = encoder.attending(photos)
        assert encoder.forwards == 3  # of the first photo it had not been asked
        assert first.received is not None
        assert encoder.attending(photos)[0].received is not None
        assert encoder(photos)[0].patches is not None
        assert encoder.forwards == 3
        assert encoder.attending(photos, (0,))[0].received is None
        assert encoder.forwards == 5
        encoder.attending(photos, (0,))
        assert encoder.forwards == 5
