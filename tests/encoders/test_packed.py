"""Packed layers say what linear layers say, to rounding, whether the processor's library is used or not."""

import copy
import gc
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from repscope.encoders import load
from repscope.encoders.load import trainable
from repscope.encoders.vit import Architecture, ViT, packed
from repscope.encoders.vit.model import ACTIVATION
from repscope.encoders.vit.packed import FUSED, Packed

HALF_STEP = {torch.float32: 2.0**-24, torch.bfloat16: 2.0**-8}
"""Relative error of rounding once, with a little to spare for bfloat16."""

ARCHITECTURES = [
    {"activation": "gelu-tanh", "registers": 2, "layer_scale": True},
    {"activation": "gelu-quick", "pre_norm": True, "qkv_bias": False},
    {"activation": "swiglu", "position": "rotary", "registers": 4},
    {"position": "sincos", "cls": False, "final_norm": False, "patch_bias": False},
]


@pytest.fixture(params=[True, False], ids=["oneDNN", "torch"])
def library(request, monkeypatch):
    """Each way to multiply; the second is what a machine without the first does."""
    if request.param and not packed.packable(torch.float32):
        pytest.skip("no oneDNN on this machine")
    if not request.param:
        monkeypatch.setattr(packed, "packable", lambda dtype: False)
    return request.param


def vit_of(**choices) -> ViT:
    torch.manual_seed(0)
    vit = ViT(Architecture(**{"width": 32, "depth": 2, "heads": 2, "hidden": 48, "patch": 4, "grid": (4, 4)} | choices))
    with torch.no_grad():
        for weight in vit.parameters():
            weight += 0.2 * torch.randn_like(weight)
    return vit.eval().requires_grad_(False)


def exactly(layer: nn.Linear, x: torch.Tensor, dtype: torch.dtype, activation: str) -> torch.Tensor:
    """In float64, of what is left of x and the weights in this type."""
    weight, bias = (value.to(dtype).double() for value in (layer.weight, layer.bias))
    said = nn.functional.linear(x.to(dtype).double(), weight, bias)
    return ACTIVATION[activation](said) if activation else said


class TestLayer:
    @pytest.mark.usefixtures("library")
    @pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
    @pytest.mark.parametrize("activation", ["", *FUSED])
    def test_it_says_what_a_linear_layer_says(self, dtype, activation):
        @settings(max_examples=25, deadline=None)
        @given(st.integers(1, 3), st.integers(1, 40), st.integers(1, 70), st.integers(1, 70), st.integers(0, 99))
        def holds(batch, tokens, wide, to, seed):
            torch.manual_seed(seed)
            layer, x = nn.Linear(wide, to), torch.randn(batch, tokens, wide)
            said, wanted = Packed(layer, dtype, activation)(x), exactly(layer, x, dtype, activation)
            size = wanted.abs()
            assert (said.shape, said.dtype) == ((batch, tokens, to), dtype)
            # how far sums may go astray depends on what is summed, not on what is left
            summed = x.abs() @ layer.weight.abs().mT + layer.bias.abs()
            assert (said - wanted).abs().le(HALF_STEP[dtype] * size + 8 * 2.0**-24 * (1 + summed)).all()

        holds()

    @pytest.mark.usefixtures("library")
    def test_without_a_bias_and_of_rows_that_lie_apart(self):
        layer, x = nn.Linear(24, 40, bias=False), torch.randn(6, 48)[:, ::2]
        torch.testing.assert_close(Packed(layer, torch.float32)(x), layer(x))

    @pytest.mark.parametrize("activation", ["", "gelu"])
    @pytest.mark.usefixtures("library")
    def test_gradients_of_what_goes_in_are_right(self, activation):
        layer, x = nn.Linear(24, 40), torch.randn(3, 24)
        plain = nn.Sequential(layer, nn.GELU()) if activation else layer
        gradients = []
        for through in (plain, Packed(layer, torch.float32, activation)):
            shown = x.clone().requires_grad_()
            through(shown).square().sum().backward()
            gradients.append(shown.grad)
        torch.testing.assert_close(*gradients)

    @pytest.mark.usefixtures("library")
    def test_its_state_is_that_of_the_linear_layer(self):
        layer = nn.Linear(24, 40)
        made = Packed(layer, torch.float32, "gelu-tanh")
        copied = pickle.loads(pickle.dumps(copy.deepcopy(made)))
        assert copied.weight.is_mkldnn == made.weight.is_mkldnn
        assert torch.equal(copied(torch.ones(2, 24)), made(torch.ones(2, 24)))
        state = copied.state_dict()
        assert list(state) == ["weight", "bias"]
        for name, value in layer.state_dict().items():
            assert torch.equal(state[name], value)


class TestTransformer:
    @pytest.mark.parametrize("choices", ARCHITECTURES)
    @pytest.mark.usefixtures("library")
    def test_every_layer_is_that_of_the_plain_one(self, choices):
        plain = vit_of(**choices)
        ready = packed.packed(copy.deepcopy(plain), "float32")
        pixels, layers = torch.randn(3, 3, 20, 16), (0, 1, 2, -1)
        for said, wanted in zip(ready(pixels, layers), plain(pixels, layers), strict=True):
            assert said.dtype == torch.float32
            assert (said - wanted).abs().max() < 1e-5 * wanted.abs().max()
        torch.testing.assert_close(ready.attention(pixels, 2), plain.attention(pixels, 2))

    @pytest.mark.usefixtures("library")
    def test_gradients_reach_the_pixels(self):
        plain = vit_of()
        gradients = []
        for vit in (plain, packed.packed(copy.deepcopy(plain), "float32")):
            pixels = torch.ones(1, 3, 16, 16, requires_grad=True)
            vit(pixels)[0][0, 0, 0].backward()
            gradients.append(pixels.grad)
        torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-5)

    def test_the_processors_library_is_used_where_it_is_right(self):
        if not packed.packable(torch.float32):
            pytest.skip("no oneDNN on this machine")
        ready = packed.packed(vit_of(), "float32")
        layers = [m for m in ready.modules() if isinstance(m, Packed)]
        assert len(layers) == 1 + 4 * 2
        assert all(layer.weight.is_mkldnn for layer in layers)
        assert not any(isinstance(module, nn.Linear) for module in ready.modules())

    @pytest.mark.parametrize("change", [lambda x: x * 1.001, lambda x: x.double(), None])
    def test_a_library_that_is_wrong_or_gone_is_left_alone(self, monkeypatch, change):
        class Changed:
            _reorder_linear_weight = staticmethod(lambda weight: weight.to_mkldnn())
            if change is not None:
                _linear_pointwise = staticmethod(
                    lambda x, weight, bias, *after: change(
                        nn.functional.gelu(nn.functional.linear(x, weight.to_dense(), bias))
                    )
                )

        monkeypatch.setattr(torch.ops, "mkldnn", Changed)
        assert not packed.packable.__wrapped__(torch.float32)


class TestLoaded:
    @pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs Linux's list of mapped files")
    def test_no_weight_keeps_the_file_in_memory(self, published):
        """A view of one weight in a mapped file would hold all of it."""

        def mapped() -> bool:
            return str(file) in Path("/proc/self/maps").read_text()

        file = published("dinov2 with registers").folder / "model.safetensors"
        held = trainable(str(file.parent))
        assert mapped()
        del held
        gc.collect()
        encoder = load(str(file.parent))
        gc.collect()
        assert not mapped()
        assert encoder.precision == "float32"

    def test_the_same_photos_give_the_same_bits(self, published):
        made = published("dinov3, gated")
        one, other = (load(str(made.folder))(made.photos)[0] for _ in range(2))
        np.testing.assert_array_equal(one.patches, other.patches)

    def test_what_can_be_trained_says_the_same(self, published):
        made = published("vjepa2")
        ours, theirs = load(str(made.folder)), trainable(str(made.folder))
        assert ours.contract == theirs.contract
        assert ours.revision == theirs.revision
        assert {type(m) for m in theirs.network.modules()} & {nn.Linear, Packed} == {nn.Linear}
        for one, other in zip(ours(made.photos, (0, 2, -1)), theirs(made.photos, (0, 2, -1)), strict=True):
            np.testing.assert_allclose(one.frames, other.frames, atol=1e-5 * np.abs(other.frames).max())
        assert {p.dtype for p in theirs.network.parameters()} == {torch.float32}
        state, wanted = ours.network.state_dict(), theirs.network.state_dict()
        assert list(state) == list(wanted)
        assert all(torch.equal(state[name], value) for name, value in wanted.items())
