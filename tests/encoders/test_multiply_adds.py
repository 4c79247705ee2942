"""What a forward is counted as, against torch's own counter."""

import pytest
import torch
from oracle import photographed

from repscope.encoders.load import trainable


def counted(encoder, photos) -> int:
    """Multiply-adds as torch itself counts them, of the same forward through layers that are not packed."""
    from torch.utils.flop_counter import FlopCounterMode

    pixels = encoder.shown(photos).pixels
    with torch.enable_grad(), FlopCounterMode(display=False) as counter:  # the fused attention is not counted
        encoder.network(pixels, (-1,))
    return counter.get_total_flops() // 2


@pytest.mark.parametrize("name", ["dinov2, gated", "dinov3", "vjepa2", "siglip, vision tower"])
def test_multiply_adds_are_those_that_torch_counts(published, name):
    made = published(name)
    encoder = trainable(str(made.folder))
    contract = encoder.contract
    ours = contract.architecture.multiply_adds(contract.patches)
    assert ours == counted(encoder, photographed(made.case.size, 1))
