"""Alive: the numbers are what they say, sound encoders pass with room, broken ones fail."""

import numpy as np
import pytest
import torch
import transformers
from hypothesis import given
from hypothesis import strategies as st
from mutations import sequences
from standing import Standing, failed, findings, told

from repscope.checks import Subject
from repscope.checks._marked import drawn, marked
from repscope.checks._response import answering, dealt, sensitivity
from repscope.checks._tensors import damaged
from repscope.checks.alive import ANSWER, SHARE, SIZE

# Eight numbers of the patch tokens of a gradient, a checkerboard and a centre square, as
# AbdelStark/latent-inspector published them of a broken export of EUPE-ViT-B and of the corrected one.
BROKEN = (
    (-0.4286912, -0.8406176, -0.81155974, -0.8437906, -0.847937, -0.83377784, -0.7746815, -0.69480973),
    (-0.40307027, -0.838743, -0.8133681, -0.8128943, -0.82093406, -0.82185465, -0.8226056, -0.81019086),
    (-0.35078675, -0.61012024, -0.68886834, -0.6909223, -0.66095555, -0.6071156, -0.5755689, -0.58590734),
)
MENDED = (
    (1.0293462, 0.29243785, 0.23093581, 0.26820576, 0.34706238, 0.31021884, 0.3328101, 0.36238366),
    (0.63907754, 0.35523576, 0.37802717, 0.27678758, 0.122320406, 0.19639817, 0.28986302, 0.3114188),
    (0.11531743, 0.727879, 0.43237916, 0.5735008, 0.20353417, 0.093373194, 0.5969979, 0.39785606),
)


class TestSensitivity:
    def test_of_the_published_outputs_of_a_broken_and_a_mended_export(self):
        broken, mended = (sensitivity(np.array(each)[:, None]) for each in (BROKEN, MENDED))
        assert broken.size == pytest.approx(0.118, abs=1e-3)
        assert mended.size == pytest.approx(0.369, abs=1e-3)
        assert broken.size < SIZE / 1.6
        assert mended.size > SIZE * 1.6

    def test_positions_alone_are_nothing(self):
        x = np.random.default_rng(0).normal(size=(1, 9, 4)).repeat(3, 0)
        assert max(sensitivity(x).share, sensitivity(x).size) < 1e-15

    def test_of_zeros(self):
        assert sensitivity(np.zeros((3, 4, 5))).share == 0

    @given(st.floats(1e-6, 1e6), st.integers(0, 99))
    def test_neither_scale_nor_the_order_of_pictures_matters(self, scale, seed):
        draws = np.random.default_rng(seed)
        x = draws.normal(size=(4, 6, 5)) + draws.normal(size=(6, 5))
        one, other = sensitivity(x), sensitivity(scale * draws.permutation(x))
        assert one.share == pytest.approx(other.share)
        assert one.size == pytest.approx(other.size)

    @given(st.floats(0.01, 10), st.floats(0.01, 10))
    def test_pictures_places_and_rest_by_their_variances(self, of_picture, of_place):
        """x = a_i + b_p with centred a, b: the share is var a / (var a + var b)."""
        a, b = of_picture * np.array([-1.0, 1.0]), of_place * np.array([-1.0, 1.0, -1.0, 1.0])
        x = (a[:, None] + b)[..., None]
        assert sensitivity(x).share == pytest.approx(of_picture**2 / (of_picture**2 + of_place**2))

    def test_a_few_large_numbers_that_never_change_do_not_hide_the_rest(self):
        x = np.random.default_rng(0).normal(size=(3, 8, 100))
        x[..., :3] = 1000
        assert sensitivity(x).size > 0.5


BROKEN_GRIDS = {
    "transposed": lambda x: x.transpose(0, 2, 1, 3),
    "mirrored": lambda x: x[:, :, ::-1],
    "upside down": lambda x: x[:, ::-1],
    "half turned": lambda x: x[:, ::-1, ::-1],
    "one place later": lambda x: np.roll(x.reshape(len(x), -1, x.shape[-1]), 1, 1).reshape(x.shape),
    "lower two thirds rolled": lambda x: np.concatenate([x[:, :5], np.roll(x[:, 5:], 3, 2)], 1),
    "inner half shuffled": lambda x: inner(x, lambda rows: rows[:, np.random.default_rng(1).permutation(140)]),
    "inner half frozen": lambda x: inner(x, lambda rows: rows[:1].repeat(len(rows), 0)),
}


class TestPlaces:
    """Each token is known by which of the pictures moves it, so any grid of tokens can be dealt out anew."""

    @staticmethod
    def tokens():
        """Of a picture and the five with marks: each token moves much where its place is marked, a little elsewhere."""
        draws, parts = np.random.default_rng(0), dealt(16, 16)
        before = draws.normal(size=(16, 16, 8))
        moves = 0.5 * draws.normal(size=(5, 16, 16, 8))
        moves[parts[None] == np.arange(5)[:, None, None]] *= 20
        return parts, np.concatenate([before[None], before + moves])

    def test_all_of_a_sound_grid(self):
        parts, x = self.tokens()
        assert answering(x[0], x[1:], parts).all()

    @pytest.mark.parametrize("broken", BROKEN_GRIDS)
    def test_a_grid_that_is_broken_in_part_is_told(self, broken):
        parts, x = self.tokens()
        y = BROKEN_GRIDS[broken](x)
        assert answering(y[0], y[1:], parts).mean() < ANSWER - 0.05

    def test_a_long_token_does_not_answer_for_others(self):
        parts, x = self.tokens()
        x[1:, 3, 3] += 1000 * np.random.default_rng(2).normal(size=(5, 8))
        assert answering(x[0], x[1:], parts).sum() >= 255

    @pytest.mark.parametrize("side", range(3, 40))
    def test_each_part_has_its_share(self, side):
        assert np.ptp(np.bincount(dealt(side, side).ravel())) <= 1

    def test_a_mark_is_seen_on_black_and_on_white(self):
        for value in (0, 255):
            pixels = np.full((8, 8, 3), value, np.uint8)
            one, other = marked(pixels, np.array([[0, 0], [1, 0]]), 4)
            assert (other.pixels[4:, :4] == 255 - value).all()
            assert (other.pixels != pixels).sum() == 4 * 4 * 3
            assert (one.pixels != pixels).sum() == 3 * 4 * 4 * 3


def inner(x, change):
    """A change to the tokens of 10 rows and 14 columns about the middle of 16."""
    made = x.copy()
    made[:, 3:13, 1:15] = change(x[:, 3:13, 1:15].reshape(len(x), 140, -1)).reshape(len(x), 10, 14, -1)
    return made


def test_drawn_pictures_are_those_of_the_published_outputs():
    """By the rules published with them, at their size: whole numbers, division rounded down."""
    gradient, board, square = (photo.pixels.astype(int) for photo in drawn(224))
    for x, y in ((0, 0), (17, 3), (16, 100), (100, 223), (57, 57), (56, 57), (167, 167), (168, 100)):
        assert gradient[y, x].tolist() == [x * 255 // 224, y * 255 // 224, (x + y) * 255 // 448]
        light = 224 if (x // 16 + y // 16) % 2 == 0 else 32
        assert board[y, x].tolist() == [light, 64, 255 - light]
        inside = 57 <= x <= 167 and 57 <= y <= 167
        assert square[y, x].tolist() == ([255, 196, 32] if inside else [12, 18, 28])


class TestTensors:
    def test_what_no_training_leaves_behind(self):
        sound = torch.randn(6, 4)
        tensors = {
            "blocks.0.norm1.weight": torch.zeros(4),
            "blocks.0.perceptron.outer.weight": torch.full((4, 4), 2.0),
            "blocks.0.attention.qkv.weight": torch.cat([sound, 0 * sound, sound]),
            "norm.bias": torch.tensor([1.0, torch.nan]),
            "norm.weight": torch.tensor([1.0, -torch.inf]),
        }
        ill, count = damaged(tensors.items())
        assert count == 5
        assert ill == [
            "blocks.0.norm1.weight is 0 throughout",
            "blocks.0.perceptron.outer.weight is 2 throughout",
            "blocks.0.attention.qkv.weight (keys) is 0 throughout",
            "norm.bias holds numbers that are not finite",
            "norm.weight holds numbers that are not finite",
        ]

    def test_what_an_initialisation_may_leave_behind(self):
        tensors = {"cls": torch.zeros(4), "registers": torch.zeros(2, 4), "position": torch.zeros(5, 4)}
        tensors |= {"norm.weight": torch.ones(4), "norm.bias": torch.zeros(4), "blocks.0.scale1": torch.ones(4)}
        assert damaged(tensors.items()) == ([], 6)


@pytest.mark.parametrize("kind", ["dinov2", "dinov3", "ijepa", "vjepa2", "vit", "clip"])
def test_freshly_initialised_encoders_are_alive(kind, tmp_path):
    """As transformers draws them, .02 wide: nothing was trained, and yet they answer."""
    shape = {"hidden_size": 96, "num_hidden_layers": 6, "num_attention_heads": 4}
    plain = {**shape, "intermediate_size": 384, "image_size": 64, "patch_size": 8}
    torch.manual_seed(0)
    make = {
        "dinov2": lambda: transformers.Dinov2Model(transformers.Dinov2Config(**shape, image_size=112, patch_size=14)),
        "dinov3": lambda: transformers.DINOv3ViTModel(transformers.DINOv3ViTConfig(**plain, num_register_tokens=4)),
        "ijepa": lambda: transformers.IJepaModel(transformers.IJepaConfig(**plain)),
        "vjepa2": lambda: transformers.VJEPA2Model(
            transformers.VJEPA2Config(
                **shape, crop_size=64, patch_size=8, pred_hidden_size=24, pred_num_hidden_layers=1
            )
        ),
        "vit": lambda: transformers.ViTModel(transformers.ViTConfig(**plain)),
        "clip": lambda: transformers.CLIPVisionModel(transformers.CLIPVisionConfig(**plain)),
    }
    make[kind]().save_pretrained(tmp_path)
    found = findings("alive", Subject(str(tmp_path)))
    assert {each.verdict for each in found} == {"verified"}, told(found)


class TestBroken:
    """In the style of the retracted export: a large constant, the place, and a small part of the picture."""

    @staticmethod
    def _like(part: float) -> Standing:
        def token(encoder, x):
            draws = torch.Generator().manual_seed(0)
            fixed = 2 * torch.randn(x.shape[-1], generator=draws)
            placed = 0.3 * torch.randn(x.shape[1:], generator=draws)
            return fixed + placed + part * x

        return Standing("tiny-dino", sequences(token))

    def test_it_fails(self):
        found = failed("alive", self._like(0.1))
        assert {each.about for each in found} >= {"Patches move with three drawn pictures"}, told(found)
        about = next(each for each in found if each.about == "Patches move with three drawn pictures")
        assert about.measured is not None
        assert 0.02 < about.measured < SIZE

    def test_the_less_of_the_picture_the_smaller_the_number(self):
        sizes = []
        for part in (0.05, 0.2, 0.8, 3.2):
            found = findings("alive", self._like(part))
            sizes += [e.measured for e in found if e.about == "Patches move with three drawn pictures"]
        assert sizes == sorted(sizes)
        assert sizes[0] < SIZE < sizes[-1]

    def test_positions_alone_fail_by_their_share(self):
        def token(encoder, x):
            placed = torch.randn(x.shape[1:], generator=torch.Generator().manual_seed(0))
            return 4 * placed + x

        found = failed("alive", Standing("tiny-random", sequences(token)))
        found = [each for each in found if each.about.startswith("Patches vary")]
        assert found
        assert all(each.measured < SHARE == each.at_least for each in found), told(found)


def test_onnx_graphs_are_asked_what_can_be_asked(tmp_path):
    import json

    from exported import PROCESSOR, matrix, write

    (tmp_path / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
    found = findings("alive", Subject(str(write(tmp_path / "encoder.onnx", matrix()))))
    unchecked = {each.about for each in found if each.verdict == "unchecked"}
    assert unchecked >= {"Weights", "No block is idle"}
    assert any(each.verdict == "verified" for each in found), told(found)
