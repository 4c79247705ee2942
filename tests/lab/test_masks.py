"""Masks: how many, in which range, and never the same patch shown and asked."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from repscope.errors import UnfitData
from repscope.lab import masks

GRIDS = st.tuples(st.integers(4, 14), st.integers(4, 14))
SEEDS = st.integers(0, 2**31)


def of(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class TestScattered:
    @given(batch=st.integers(1, 5), places=st.integers(8, 200), share=st.floats(0.1, 0.85), seed=SEEDS)
    @settings(max_examples=60, deadline=None)
    def test_shown_and_hidden_part_the_patches(self, batch, places, share, seed):
        shown, hidden = masks.scattered(batch, places, share, of(seed))
        assert hidden.shape == (batch, round(places * share))
        for row in torch.cat([shown, hidden], 1):
            assert sorted(row.tolist()) == list(range(places))
        assert (shown.diff() > 0).all()
        assert (hidden.diff() > 0).all()

    def test_the_seed_decides(self):
        first, again, other = (masks.scattered(4, 64, 0.75, of(seed))[0] for seed in (1, 1, 2))
        assert torch.equal(first, again)
        assert not torch.equal(first, other)

    def test_every_patch_is_hidden_as_often(self):
        _, hidden = masks.scattered(4000, 16, 0.75, of(0))
        often = hidden.flatten().bincount(minlength=16) / 4000
        assert (often - 0.75).abs().max() < 4 * (0.75 * 0.25 / 4000) ** 0.5

    @pytest.mark.parametrize("share", [0.0, 0.01, 0.99, 1.0])
    def test_a_share_that_leaves_nothing_to_see_or_to_paint_is_refused(self, share):
        with pytest.raises(UnfitData, match="choose a share that leaves some"):
            masks.scattered(2, 16, share, of(0))


class TestBlocks:
    @given(batch=st.integers(1, 6), grid=GRIDS, seed=SEEDS)
    @settings(max_examples=150, deadline=None)
    def test_context_and_targets_are_disjoint_and_on_the_grid(self, batch, grid, seed):
        shown, asked = masks.blocks(batch, grid, of(seed))
        places = grid[0] * grid[1]
        assert len(shown) == batch
        assert asked.shape[:2] == (4, batch)
        for image in range(batch):
            context, targets = set(shown[image].tolist()), set(asked[:, image].flatten().tolist())
            assert len(context) == shown.shape[1] > 0
            assert not context & targets
            assert context | targets <= set(range(places))

    @given(batch=st.integers(1, 64), side=st.integers(6, 14), seed=SEEDS)
    @settings(max_examples=60, deadline=None)
    def test_three_patches_of_ten_at_least_are_left_to_see(self, batch, side, seed):
        shown, _ = masks.blocks(batch, (side, side), of(seed))
        assert shown.shape[1] >= 0.3 * side * side

    def test_without_that_law_one_image_would_thin_all_others(self):
        thinned = [masks.blocks(128, (8, 8), of(seed), least=0.0)[0].shape[1] for seed in range(10)]
        assert min(thinned) < 0.3 * 64
        assert min(masks.blocks(128, (8, 8), of(seed))[0].shape[1] for seed in range(10)) >= 0.3 * 64

    def test_the_context_lies_within_one_large_block(self):
        """Without targets in the way it is the whole of it: .85 to 1 of the image, a square."""
        for seed in range(20):
            shown, _ = masks.blocks(4, (10, 10), of(seed), targets=1, target_scale=(0.01, 0.01), target_aspect=(1, 1))
            for context in shown:
                rows, columns = context // 10, context % 10
                sides = {int(line.max() - line.min()) + 1 for line in (rows, columns)}
                assert sides <= {9, 10}
                assert len(context) >= min(sides) ** 2 - 1

    @given(grid=GRIDS, seed=SEEDS)
    @settings(max_examples=60, deadline=None)
    def test_targets_are_full_rectangles_of_the_asked_size(self, grid, seed):
        _, asked = masks.blocks(3, grid, of(seed))
        sides = set()
        for block in asked.flatten(0, 1):
            rows, columns = block // grid[1], block % grid[1]
            height, width = (int(line.max() - line.min()) + 1 for line in (rows, columns))
            assert len(block.unique()) == height * width == len(block)
            sides.add((height, width))
        ((height, width),) = sides  # one size for the batch
        for side, full, aspect in ((height, grid[0], (0.75, 1.5)), (width, grid[1], (1 / 1.5, 1 / 0.75))):
            low, high = ((grid[0] * grid[1] * s * a) ** 0.5 for s, a in zip((0.15, 0.2), aspect, strict=True))
            assert min(low, full) - 0.5 <= side <= min(high, full) + 0.5

    def test_the_seed_decides(self):
        first, again, other = (masks.blocks(4, (8, 8), of(seed)) for seed in (1, 1, 2))
        assert torch.equal(first[0], again[0])
        assert torch.equal(first[1], again[1])
        assert first[0].shape != other[0].shape or not torch.equal(first[0], other[0])

    def test_blocks_lie_in_other_places_in_other_images(self):
        _, asked = masks.blocks(64, (8, 8), of(0))
        assert len({tuple(block.tolist()) for block in asked.flatten(0, 1)}) > 10

    def test_targets_that_hide_all_are_placed_anew(self):
        # Four blocks of 2 x 2 can cover a grid of 4 x 4: of so many images some are, at first.
        shown, asked = masks.blocks(
            2000, (4, 4), of(0), target_scale=(0.25, 0.25), target_aspect=(1, 1), context_scale=(1, 1)
        )
        assert asked.shape == (4, 2000, 4)
        assert shown.shape[1] >= 1
        hidden = torch.zeros(2000, 16).scatter_(1, asked.transpose(0, 1).flatten(1), 1.0)
        assert hidden.sum(1).max() < 16
        assert (hidden.gather(1, shown) == 0).all()

    def test_a_grid_without_room_is_refused_with_what_to_do(self):
        with pytest.raises(UnfitData, match="use fewer or smaller targets, or a larger image"):
            masks.blocks(2, (1, 1), of(0))
