"""neighbors: planted neighbours are found, shared ones marked, and chance is what it is."""

import numpy as np
import pytest
from scipy.stats import hypergeom

from repscope.analyses.neighbors import neighbors
from repscope.errors import UnfitData, UnfitTokens, UnknownName, UnreadableImage, WrongUsage
from repscope.images import Photo
from repscope.render.html import html
from repscope.render.png import png
from repscope.render.text import text
from repscope.report import Gallery, Note
from repscope.store import Given
from sets import block_of, cell, complete, picture, shuffled

N, ASKED = 50, 7


def planted(photos: bool = True) -> Given:
    """Under `a` images 1, 2, 3 lie beside image 7, under `b` images 3, 4, 1."""
    found = {}
    for name, near in (("a", (1, 2, 3)), ("b", (3, 4, 1))):
        x = np.random.default_rng(ord(name)).normal(size=(N, 16))
        for far, row in enumerate(near, 1):
            x[row] = x[ASKED] + 0.01 * 4**far * np.random.default_rng(row).normal(size=16)
        found[name] = x
    return Given(found, photos=[picture(i) for i in range(N)], name="toys") if photos else Given(found, name="toys")


def named(gallery: Gallery) -> list[tuple[str, str]]:
    return [(each.caption.split(",")[0], each.mark) for each in gallery.pictures]


def test_planted_neighbours_are_found_and_shared_ones_marked():
    report = neighbors(planted(), "image 007", k=3)
    assert named(block_of(report, "Nearest under a")) == [
        ("asked: image 007", ""),
        ("1. image 001", "also b"),
        ("2. image 002", ""),
        ("3. image 003", "also b"),
    ]
    assert [name for name, _ in named(block_of(report, "Nearest under b"))[1:]] == [
        *("1. image 003", "2. image 004", "3. image 001"),
    ]
    shared = cell(report, "Shared neighbours", "a, b", "of 3 nearest")
    assert shared.value == 2
    assert shared.null.mean == pytest.approx(9 / 49)
    assert shared.null.p == pytest.approx(hypergeom(49, 3, 3).sf(1))
    (said,) = (block for block in report.blocks if isinstance(block, Note))
    assert said.kind == "finding"
    assert "share 2 of 3" in said.text
    assert complete(report) == []


def test_cosines_and_ranks_agree_with_a_sort_by_hand():
    images = planted()
    report = neighbors(images, "image 007", k=3, centred=True)
    x = images.embedding("b") - images.embedding("b").mean(0)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    cosine = x @ x[ASKED]
    order = [row for row in np.argsort(-cosine) if row != ASKED]
    for place in (1, 2, 3, 4):
        assert cell(report, "Neighbours", f"image {place:03d}", "b: cosine").value == pytest.approx(
            cosine[place], abs=1e-6
        )
        rank = order.index(place) + 1
        assert cell(report, "Neighbours", f"image {place:03d}", "b: rank") == f"{rank}{' *' if rank <= 3 else ''}"


def test_a_cosine_stands_beside_that_of_random_pairs():
    images = planted()
    number = cell(neighbors(images, "image 007", "a", k=3), "Neighbours", "image 001", "cosine")
    x = images.embedding("a") / np.linalg.norm(images.embedding("a"), axis=1, keepdims=True)
    pairs = (x @ x.T)[np.triu_indices(N, 1)]
    assert number.null.q95 == pytest.approx(np.quantile(pairs, 0.95), abs=0.03)
    assert number.null.mean == pytest.approx(pairs.mean(), abs=0.01)
    assert number.null.p < 0.01
    near = cell(
        neighbors(images, "image 007", "a", k=3),
        "Is the nearest near?",
        "a",
        "share of images less near to their nearest",
    )
    assert near.value > 0.85
    lonely = cell(
        neighbors(images, "image 030", "a", k=3),
        "Is the nearest near?",
        "a",
        "share of images less near to their nearest",
    )
    assert lonely.value < near.value


def test_the_order_of_images_changes_nothing():
    order = np.random.default_rng(5).permutation(N)
    one, other = (neighbors(each, "image 007", k=3) for each in (planted(), shuffled(planted(), order)))
    assert block_of(one, "Neighbours").rows[0][0] == block_of(other, "Neighbours").rows[0][0]
    a, b = (cell(each, "Neighbours", "image 002", "a: cosine") for each in (one, other))
    assert a.value == pytest.approx(b.value, abs=1e-6)
    assert a.null.q95 == pytest.approx(b.null.q95, abs=0.02)


def test_a_photo_from_elsewhere_is_asked_by_its_embedding():
    images = planted()
    queries = {name: images.embedding(name)[ASKED] for name in images.encoders}
    report = neighbors(images, picture(99), k=3, queries=queries)
    assert named(block_of(report, "Nearest under a"))[:2] == [("asked: image 099", ""), ("1. image 007", "also b")]
    assert cell(report, "Shared neighbours", "a, b", "of 3 nearest").null.mean == pytest.approx(9 / 50)
    again = neighbors(images, picture(ASKED), k=3, queries=queries)
    assert any("byte for byte, as image 007" in getattr(block, "text", "") for block in again.blocks)
    same = neighbors(images, picture(ASKED), k=3)
    assert named(block_of(same, "Nearest under a"))[1][0] == "1. image 001"


def test_marks_are_seen_in_every_medium():
    report = neighbors(planted(), "image 007", k=3)
    assert "[also b]" in text(report)
    assert html(report).count('class="marked"') == 4
    assert "<b>also b</b>" in html(report)
    plain = neighbors(planted(), "image 007", "a", k=3)
    assert png(report)["nearest-under-a.png"] != png(plain)["nearest-under-a.png"]


def test_without_photos_there_are_numbers_and_a_note():
    report = neighbors(planted(photos=False), "7", k=3)
    assert not [block for block in report.blocks if isinstance(block, Gallery)]
    assert any("cannot be shown" in getattr(block, "text", "") for block in report.blocks)
    assert cell(report, "Shared neighbours", "a, b", "of 3 nearest").value == 2
    with pytest.raises(UnreadableImage):
        planted(photos=False).photo(0)


def test_mistakes_are_told():
    images = planted()
    with pytest.raises(UnknownName, match=r"Did you mean .*image 007") as told:
        neighbors(images, "image 0077")
    assert "and 26 more" in str(told.value)
    with pytest.raises(UnfitData, match="51 images"):
        neighbors(images, "image 007", k=50)
    with pytest.raises(WrongUsage, match="k of 1"):
        neighbors(images, "image 007", k=0)
    stranger = Photo("stranger", picture(1).pixels, sha256="f" * 64)
    with pytest.raises(WrongUsage, match="queries"):
        neighbors(images, stranger)
    with pytest.raises(WrongUsage, match="under b is missing"):
        neighbors(images, stranger, queries={"a": np.ones(16)})
    with pytest.raises(UnfitData, match="width"):
        neighbors(images, stranger, queries={"a": np.ones(9), "b": np.ones(16)})
    with pytest.raises(UnfitData, match="finite"):
        neighbors(images, stranger, queries={"a": np.full(16, np.nan), "b": np.ones(16)})
    with pytest.raises(UnfitTokens, match="same embedding"):
        neighbors(Given({"flat": np.ones((20, 3))}), "3", k=2)
