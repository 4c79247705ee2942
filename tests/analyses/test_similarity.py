"""similarity: rotated copies, unrelated sets, layers, patches, parts of a set, and what cannot be asked."""

import numpy as np
import pytest

from repscope import metrics
from repscope.analyses._set_layers import LayersMet
from repscope.analyses.similarity import similarity
from repscope.errors import UnfitData, UnknownName, WrongUsage
from repscope.render.html import html
from repscope.render.text import text
from repscope.report import Heatmap, Note, say
from repscope.statistics import lowest
from repscope.store import Given
from sets import block_of, cell, complete, picture, sample, shuffled, turned

N = 60


def three(n: int = N, **more) -> Given:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 6)) * np.arange(1, 7)
    return Given({"one": x, "copy": turned(x), "other": rng.normal(size=(n, 4))}, name="toys", **more)


@pytest.fixture(scope="module")
def report():
    return similarity(three())


def test_a_rotated_copy_is_the_same_and_another_is_not(report):
    for title, best in (("CKA", 1), ("CKNNA", 1), ("RSA", 1), ("CCA", 1), ("Procrustes angle", 0)):
        assert cell(report, f"{title}: embeddings", "one", "copy").value == pytest.approx(best, abs=1e-3)
    alike, apart = (cell(report, "CKA: embeddings", "one", name) for name in ("copy", "other"))
    assert alike.null.exceeded
    assert alike.null.draws == 200
    assert alike.ci == pytest.approx((1, 1), abs=1e-6)
    assert not apart.null.exceeded
    assert apart.ci[0] < apart.value < apart.ci[1]
    said = [block.text for block in report.blocks if isinstance(block, Note) and block.kind == "finding"]
    assert any(text.startswith("one and copy arrange the images alike") for text in said)
    assert not any(text.startswith("one and other arrange") for text in said)
    assert any("one and copy are more alike" in text for text in said)


def test_numbers_are_the_metrics_own_and_complete(report):
    images = three()
    for pair in metrics.pairs():
        if pair.name == "linear_cka_biased":
            continue
        number = cell(report, f"{pair.title}: embeddings", "other", "one")
        x, y = (images.embedding(name) for name in (("other", "one") if not pair.laws.swap else ("one", "other")))
        assert number.value == pytest.approx(pair(x, y), abs=1e-9), pair.name
        assert number.n == N
    assert complete(report) == []
    assert text(report)
    assert html(report)


def test_only_the_ridge_map_has_two_halves(report):
    for matrix in (block for block in report.blocks if isinstance(block, Heatmap)):
        same = matrix.cells[0][2] == matrix.cells[2][0]
        assert same == (not matrix.title.startswith("Ridge map"))


def test_the_order_of_images_changes_nothing(report):
    order = np.random.default_rng(5).permutation(N)
    again = similarity(shuffled(three(), order))
    for title in ("CKA", "Shared 10 nearest", "RSA", "Procrustes angle"):
        one, other = (cell(each, f"{title}: embeddings", "one", "other") for each in (report, again))
        assert one.value == pytest.approx(other.value, abs=1e-9)
        assert one.ci == pytest.approx(other.ci, abs=1e-9)


def test_of_many_images_nulls_and_intervals_are_of_a_part():
    images = three(200)
    whole, part = (similarity(images, ["one", "other"], within=size) for size in (200, 100))
    both = [cell(each, "CKA: embeddings", "one", "other") for each in (whole, part)]
    assert both[0].value == both[1].value
    widths = [number.ci[1] - number.ci[0] for number in both]
    assert 0.3 < widths[1] / widths[0] < 3
    assert any("100 images whose ids hash lowest" in caveat for caveat in both[1].caveats)
    rows = lowest(images.ids.tolist(), 100)
    own = metrics.linear_cka(*(images.embedding(name)[rows] for name in ("one", "other")))
    assert any(f"where the value is {say(own)}" in caveat for caveat in both[1].caveats)
    assert not any("hash lowest" in caveat for caveat in both[0].caveats)
    assert both[0].null.q95 < both[1].null.q95
    cca = cell(similarity(images, ["one", "other"], within=30), "CCA: embeddings", "one", "other")
    assert cca.value is not None
    assert cca.null is None
    assert any("CCA wants 10 rows" in caveat for caveat in cca.caveats)


def test_all_layers_against_all_with_the_null_of_the_largest():
    rng = np.random.default_rng(3)
    base = rng.normal(size=(80, 5))
    layers = {0: np.ones((80, 5)), 1: base, 2: rng.normal(size=(80, 5)), -1: rng.normal(size=(80, 5))}
    images = Given({"one": layers, "other": {1: turned(base), -1: rng.normal(size=(80, 5))}})
    steps: list[tuple[int, int]] = []
    report = similarity(images, layers=True, progress=lambda done, of: steps.append((done, of)))
    title = "CKA: Layers of one (down) and other (across)"
    matrix = block_of(report, title)
    assert matrix.rows == ("embedding", "block 1", "block 2", "output")
    assert matrix.columns == ("block 1", "output")
    assert cell(report, title, "block 1", "block 1").value == pytest.approx(1, abs=1e-9)
    assert cell(report, title, "block 1", "block 1").null.exceeded
    assert not cell(report, title, "block 2", "output").null.exceeded
    undefined = cell(report, title, "embedding", "output")
    assert undefined.value is None
    assert "alike" in undefined.reason
    x, y = layers[2], images.embedding("other")
    assert cell(report, title, "block 2", "output").value == pytest.approx(metrics.linear_cka(x, y), abs=1e-9)
    assert matrix.caption.startswith("Largest: block 1 and block 1.")
    itself = block_of(report, "CKA: Layers of one")
    assert itself.cells[1][1].value == 1
    assert steps[-1][0] == steps[-1][1]
    one = cell(report, title, "block 2", "block 1").null
    assert one.q95 == cell(report, title, "block 2", "output").null.q95


def test_the_null_of_the_largest_is_above_that_of_one_and_keeps_its_level():
    rng, passed = np.random.default_rng(0), 0
    for seed in range(20):
        layers = [{k: rng.normal(size=(40, 3)) for k in range(4)} for _ in range(2)]
        met = LayersMet(Given({"a": layers[0], "b": layers[1]}), {"a": None, "b": None}, seed, lambda: None)
        cells = [number for row in met.heatmap("a", "b").cells for number in row]
        passed += any(number.null.exceeded for number in cells)
    assert passed <= 4  # uncorrected, more than half of these sets of 16 have one


def test_patches_meet_where_they_were_kept():
    rng = np.random.default_rng(1)
    patches = rng.normal(size=(8, 8, 8, 6)).cumsum(1).cumsum(2)
    flat = patches.copy()
    flat[3] = 1
    kept = {"one": sample(patches), "copy": sample(turned(flat.reshape(-1, 6)).reshape(flat.shape))}
    report = similarity(three(samples=kept))
    assert cell(report, "CKA: patches", "one", "copy").value == pytest.approx(1, abs=1e-5)
    assert cell(report, "CKA: patches", "one", "copy").n == 7
    said = [block.text for block in report.blocks if isinstance(block, Note)]
    assert any("other" in text and "--keep names" in text for text in said)
    assert any("1 image left out" in text and "3" in text for text in said)
    assert block_of(report, "Registration").rows[0][1] == "8 x 8"


def test_no_patches_is_a_note(report):
    assert any(isinstance(block, Note) and "--keep names" in block.text for block in report.blocks)


def test_an_encoder_that_tells_nothing_apart_says_so_and_the_others_are_measured():
    rng = np.random.default_rng(0)
    images = Given({"a": rng.normal(size=(30, 3)), "flat": np.ones((30, 3)), "b": rng.normal(size=(30, 3))})
    report = similarity(images)
    assert "alike" in cell(report, "CKA: embeddings", "a", "flat").reason
    assert cell(report, "CKA: embeddings", "a", "b").value is not None


def test_copies_are_named():
    rng = np.random.default_rng(0)
    photos = [picture(i) for i in range(29)] + [picture(40, sha256=picture(7).sha256)]
    report = similarity(Given({"a": rng.normal(size=(30, 3)), "b": rng.normal(size=(30, 3))}, photos=photos))
    (warned,) = (block for block in report.blocks if isinstance(block, Note) and block.kind == "warning")
    assert "image 007 and image 040" in warned.text


def test_mistakes_are_told():
    with pytest.raises(WrongUsage, match="2 encoders"):
        similarity(three(), ["one"])
    with pytest.raises(WrongUsage, match="twice"):
        similarity(three(), ["one", "one"])
    with pytest.raises(UnknownName, match="Did you mean other"):
        similarity(three(), ["one", "othr"])
    with pytest.raises(UnfitData, match="20 images"):
        similarity(three(12))
    with pytest.raises(UnknownName, match="linear_cka_biased"):
        similarity(three(), also=["linear_cka_bias"])
