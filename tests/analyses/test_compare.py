"""compare: matrices, nulls, findings, skipped photos."""

from dataclasses import replace

import numpy as np
import pytest
from known import Known, noisy_photo, smooth

import repscope
from repscope.errors import NoImages, UnfitTokens, UnknownName, WrongUsage
from repscope.report import Curve, Gallery, Heatmap, Note, Number, Report, Table


def block_of(report: Report, title: str):
    (found,) = (block for block in report.blocks if getattr(block, "title", None) == title)
    return found


def cell(report: Report, title: str, row: str, column: str) -> Number:
    matrix = block_of(report, title)
    return matrix.cells[matrix.rows.index(row)][matrix.columns.index(column)]


def test_a_rotated_copy_is_the_same_and_another_is_not(photos, encoders):
    report = repscope.compare(photos, encoders)
    alike, apart = cell(report, "CKA", "one", "copy"), cell(report, "CKA", "one", "other")
    assert alike.value == pytest.approx(1, abs=1e-5)
    assert alike.null.exceeded
    assert not apart.null.exceeded
    assert apart.value < 0.5
    assert alike.n == 6
    assert alike.ci[0] <= alike.value <= alike.ci[1]
    said = [block.text for block in report.blocks if isinstance(block, Note) and block.kind == "finding"]
    assert any("one and copy arrange patches alike" in text for text in said)
    assert not any("other arrange" in text for text in said)


def test_matrices_have_a_best_diagonal_and_only_the_ridge_map_two_halves(photos, encoders):
    report = repscope.compare(photos[:2], encoders)
    matrices = [block for block in report.blocks if isinstance(block, Heatmap)]
    assert [matrix.title for matrix in matrices] == [
        *("CKA", "Shared 10 nearest", "CKNNA", "Procrustes angle", "Ridge map", "RSA", "CCA"),
    ]
    itself = {"Procrustes angle": 0, "Ridge map": None, "CCA": None}
    for matrix in matrices:
        for i in range(3):
            assert matrix.cells[i][i].value == itself.get(matrix.title, 1)
            for j in range(i):
                same = matrix.cells[i][j] == matrix.cells[j][i]
                assert same == (matrix.title != "Ridge map")


def test_biased_cka_is_shown_on_request_with_its_floor(photos, encoders):
    report = repscope.compare(photos[:1], encoders, also=["linear_cka_biased"])
    assert "score 0.13" in " ".join(cell(report, "CKA, biased", "one", "other").caveats)
    with pytest.raises(UnknownName, match="linear_cka_biased"):
        repscope.compare(photos[:1], encoders, also=["linear_cka_bias"])


def test_many_photos_are_held_against_each_other_and_few_are_not(photos, encoders):
    many, few = repscope.compare(photos, encoders), repscope.compare(photos[:2], encoders)
    other = cell(many, "CKA", "one", "other")
    kinds = {row[1] for row in block_of(many, "Both nulls").rows}
    assert kinds == {"torus shifts", "other images"}
    assert other.null.kind in kinds
    assert cell(few, "CKA", "one", "other").null.kind == "torus shifts"


def test_a_layout_shared_by_all_photos_does_not_pass_the_other_images():
    """Two encoders that know only the place of a patch agree everywhere: torus shifts are fooled, photos are not."""

    def place(grid: int, d: int, seed: int):
        field = smooth(noisy_photo("", 5), (grid, grid), d, 0)  # the same for every photo
        mix = np.random.default_rng(seed).normal(size=(d, d))
        return lambda photo, layer: field @ mix + 0.02 * smooth(photo, (grid, grid), d, seed)

    photos = [noisy_photo(f"{k}.png", 50 + k) for k in range(6)]
    report = repscope.compare(photos, [Known("a", place(12, 8, 1)), Known("b", place(12, 8, 2))])
    number = cell(report, "CKA", "a", "b")
    assert number.value > 0.5
    assert number.null.kind == "other images"
    assert number.null.p > 0.2
    torus = next(row for row in block_of(report, "Both nulls").rows if row[1] == "torus shifts")
    assert float(torus[2].split("p ")[1]) < 0.05
    assert not any(block.kind == "finding" for block in report.blocks if isinstance(block, Note))


def test_one_photo_has_no_interval_and_claims_no_difference(photos, encoders):
    report = repscope.compare(photos[:1], encoders)
    assert all(number.ci is None for number in report.numbers())
    assert any("One photo has no interval" in block.text for block in report.blocks if isinstance(block, Note))
    assert not any("do not touch" in block.text for block in report.blocks if isinstance(block, Note))


def test_two_photos_claim_nothing(photos, encoders):
    said = [block for block in repscope.compare(photos[:2], encoders).blocks if isinstance(block, Note)]
    assert not any(note.kind == "finding" for note in said)
    assert any("from 2 photos is too narrow" in note.text for note in said)


def test_a_difference_is_claimed_where_intervals_separate():
    photos = [noisy_photo(f"{k}.png", 700 + k) for k in range(10)]
    rough = Known(
        "rough", lambda photo, layer: np.random.default_rng(int(photo.sha256[:6], 16)).normal(size=(12, 12, 12))
    )
    even = Known("even", lambda photo, layer: smooth(photo, (12, 12), 12, 0))
    report = repscope.compare(photos, [rough, even])
    said = [block.text for block in report.blocks if isinstance(block, Note)]
    assert any(text.startswith("Spatial coherence of the centred patches: even") for text in said)
    table = block_of(report, "Readings of the patches")
    row = next(row for row in table.rows if row[0] == "Spatial coherence of the centred patches")
    assert row[2].ci[0] > row[1].ci[1]


def test_grids_that_differ_are_registered(photos):
    def see(side: int, mix: int):
        turn = np.linalg.qr(np.random.default_rng(mix).normal(size=(24, 24)))[0]
        return lambda photo, layer: smooth(photo, (side, side), 24, 0) @ turn

    report = repscope.compare(photos[:3], [Known("fine", see(16, 1)), Known("coarse", see(14, 2))])
    assert cell(report, "CKA", "fine", "coarse").value > 0.97
    assert cell(report, "Shared 10 nearest", "fine", "coarse").value > 0.8
    assert block_of(report, "Registration").rows == (("fine, coarse", "14 x 14", "100%, 100%"),)


def test_official_frames_report_their_overlap(photos):
    see = lambda photo, layer: smooth(photo, (12, 12), 8, 0)  # noqa: E731
    report = repscope.compare(photos[:2], [Known("part", see), Known("all", see, whole=True)], framing="official")
    assert block_of(report, "Registration").rows[0] == ("part, all", "12 x 9", "100%, 75%")


def test_what_cannot_be_computed_says_why(photos):
    noise = np.random.default_rng(0).normal(size=(2, 12, 12, 40))
    wide = [Known(name, lambda photo, layer, s=s: noise[s]) for s, name in enumerate("ab")]
    number = cell(repscope.compare(photos[:2], wide), "CCA", "a", "b")
    assert number.value is None
    assert "10 rows for each" in number.reason
    small = [Known(name, lambda photo, layer, s=s: smooth(photo, (4, 4), 3, s)) for s, name in enumerate("ab")]
    report = repscope.compare(photos[:1], small)
    assert cell(report, "CKA", "a", "b").null is None
    assert "too small to shift" in " ".join(cell(report, "CKA", "a", "b").caveats)


def test_embeddings_are_compared_from_twenty_photos_on(encoders):
    photos = [noisy_photo(f"{k}.png", 300 + k) for k in range(20)]
    table = block_of(repscope.compare(photos, encoders[:2]), "Embeddings")
    assert isinstance(table, Table)
    number = dict(zip(table.header, table.rows[0], strict=True))["CKA"]
    assert number.value == pytest.approx(1, abs=1e-5)
    assert number.null.kind == "permutation"
    assert number.null.exceeded
    assert any(
        "from 20 photos" in b.text for b in repscope.compare(photos[:19], encoders[:2]).blocks if isinstance(b, Note)
    )


def test_usage(photos, encoders):
    with pytest.raises(WrongUsage, match="two encoders or more; got one"):
        repscope.compare(photos, encoders[:1])
    with pytest.raises(WrongUsage, match="one is named twice"):
        repscope.compare(photos, [encoders[0], encoders[0]])
    with pytest.raises(NoImages):
        repscope.compare(["no such file.jpg"], encoders)


def test_a_photo_with_tokens_all_alike_is_skipped_by_name(photos, encoders):
    flat = photos[2].sha256
    see = encoders[0].see
    encoders[0].see = lambda photo, layer: np.ones((9, 9, 12)) if photo.sha256 == flat else see(photo, layer)
    report = repscope.compare(photos, encoders)
    ((source, reason),) = report.skipped
    assert source == photos[2].source
    assert "one gives the same token for every patch at layer -1" in reason
    assert cell(report, "CKA", "one", "copy").n == 5
    with pytest.raises(UnfitTokens, match=r"photo 2\.png.*one"):
        repscope.compare(photos, encoders, strict=True)
    encoders[0].see = lambda photo, layer: np.ones((9, 9, 12))
    with pytest.raises(UnfitTokens, match="one gives the same token"):
        repscope.compare(photos, encoders, strict=True)
    with pytest.raises(UnfitTokens, match="one gives the same token"):
        repscope.compare(photos, encoders[:2])


def test_the_order_of_photos_changes_no_bit(photos, encoders):
    forward = repscope.compare(photos, encoders, batch=4)
    backward = repscope.compare(photos[::-1], encoders, batch=4)
    assert forward.numbers() == backward.numbers()


def test_batches_are_as_large_as_asked(photos, encoders):
    repscope.compare(photos, encoders, batch=4)
    assert encoders[0].batches == [4, 2]


def test_a_photo_of_one_colour_is_skipped(photos, encoders):
    flat = replace(
        photos[0], id="flat.png", source="flat.png", pixels=np.full((48, 64, 3), 90, np.uint8), sha256="0" * 64
    )
    report = repscope.compare([flat, *photos[:2]], encoders)
    assert report.skipped == (("flat.png", "it is one flat colour: only the positions of patches could be measured."),)


def test_every_frame_is_shown(photos):
    see = lambda photo, layer: smooth(photo, (12, 12), 8, 0)  # noqa: E731
    report = repscope.compare(photos[:1], [Known("part", see), Known("all", see, whole=True)], framing="official")
    pictures = block_of(report, "PCA maps: photo 0.png").pictures
    assert [picture.caption for picture in pictures] == ["as shown", "part", "as shown to all", "all"]
    assert [picture.pixels.shape[:2] for picture in pictures] == [(48, 48), (12, 12), (48, 64), (48, 64)]


def test_pictures_and_provenance(photos, encoders):
    report = repscope.compare(photos, encoders)
    galleries = [block for block in report.blocks if isinstance(block, Gallery)]
    assert [gallery.title for gallery in galleries] == [f"PCA maps: photo {k}.png" for k in range(4)]
    assert [picture.caption for picture in galleries[0].pictures] == ["as shown", "one", "copy", "other"]
    spectrum = block_of(report, "Variance spectrum")
    assert isinstance(spectrum, Curve)
    assert {line.label for line in spectrum.lines} == {"one", "copy", "other"}
    made = report.provenance
    assert {photo["sha256"] for photo in made["photos"]} == {photo.sha256 for photo in photos}
    assert [encoder["contract"]["name"] for encoder in made["encoders"]] == ["one", "copy", "other"]
    assert made["options"].keys() >= {"framing", "batch", "strict", "also", "seed", "layers"}


def test_what_was_done_to_a_photo_is_said(photos, encoders):
    turned = replace(photos[0], notes=("rotated by EXIF",))
    report = repscope.compare([turned, *photos[1:2]], encoders)
    assert any(b.text == "photo 0.png: rotated by EXIF." for b in report.blocks if isinstance(b, Note))


def test_progress_counts_photos(photos, encoders):
    seen = []
    repscope.compare(photos, encoders, batch=4, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (6, 6)
