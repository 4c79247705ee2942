"""inspect: readings, spectrum, CLS, layers, points; and the pictures both analyses use."""

import numpy as np
import pytest
from known import Known, noisy_photo, smooth

import repscope
from repscope.analyses._pictures import pca_maps, places_apart, shown
from repscope.errors import WrongUsage
from repscope.frames import Frame
from repscope.metrics import Rows
from repscope.report import Curve, Gallery, Note, Overlay, Table


@pytest.fixture
def encoder() -> Known:
    return Known("one", lambda photo, layer: smooth(photo, (12, 12), 12, layer), cls=True)


def titles(report) -> list[str]:
    return [getattr(block, "title", "") for block in report.blocks]


def test_everything_that_was_promised_is_there(photos, encoder):
    report = repscope.inspect(photos[:1], encoder)
    for title in ("Readings of the patches", "CLS token", "Variance spectrum", "Cumulative variance", "Patch norms"):
        assert title in titles(report)
    assert "CLS and patches: photo 0.png" in titles(report)
    assert "Contract" in titles(report)
    (gallery,) = (block for block in report.blocks if isinstance(block, Gallery))
    assert gallery.pictures[1].pixels.shape == (12, 12, 3)


def test_the_spectrum_is_whole_and_sums_to_one(photos, encoder):
    report = repscope.inspect(photos[:3], encoder)
    curve = next(block for block in report.blocks if isinstance(block, Curve) and block.title == "Cumulative variance")
    assert len(curve.lines[0].y) == 12
    assert curve.lines[0].y[-1] == pytest.approx(1)


def test_layers_give_a_curve_over_depth(photos, encoder):
    report = repscope.inspect(photos[:2], encoder, layers=True)
    curve = next(b for b in report.blocks if isinstance(b, Curve) and b.title == "Effective rank by layer")
    depth = encoder.contract.architecture.depth
    assert curve.lines[0].x == tuple(map(float, range(depth + 1)))
    assert len(curve.lines[0].low) == depth + 1
    assert report.provenance["options"]["layers"] == [-1, *range(depth + 1)]
    direct = [repscope.metrics.effective_rank(smooth(photo, (12, 12), 12, 3)) for photo in photos[:2]]
    assert curve.lines[0].y[3] == pytest.approx(np.mean(direct), rel=1e-4)


def test_queries_choose_the_patches_that_are_asked_about(photos, encoder):
    report = repscope.inspect(photos[:1], encoder, queries=[(0.5, 0.1), (0.99, 0.99)])
    overlays = [b for b in report.blocks if isinstance(b, Overlay) and b.title.startswith("Like row")]
    # the frame is the central 48 of 64 columns
    assert [overlay.mark for overlay in overlays] == [(1, 6)]
    assert overlays[0].values[1, 6] == pytest.approx(1)
    rows = Rows(smooth(photos[0], (12, 12), 12, -1).astype(np.float32))
    np.testing.assert_allclose(overlays[0].values.ravel(), rows.unit_centred @ rows.unit_centred[18], atol=1e-6)
    unseen = [b.text for b in report.blocks if isinstance(b, Note) and b.kind == "warning"]
    assert len(unseen) == 1
    assert "one was not shown the point 0.99, 0.99 of photo 0.png" in unseen[0]
    with pytest.raises(WrongUsage, match="two fractions"):
        repscope.inspect(photos[:1], encoder, queries=[(0.5, 1.5)])


def test_an_encoder_without_cls_says_so(photos):
    report = repscope.inspect(photos[:1], Known("one", lambda photo, layer: smooth(photo, (12, 12), 5, 0)))
    assert any("no CLS token" in block.text for block in report.blocks if isinstance(block, Note))


def test_outliers_are_a_finding(photos):
    def see(photo, layer):
        field = smooth(photo, (12, 12), 12, 0) + 5
        field[3, 4] *= 20
        return field

    report = repscope.inspect(photos[:1], Known("one", see))
    assert any("0.7% of patches are longer" in b.text for b in report.blocks if isinstance(b, Note))


def test_intrinsic_dimension_is_shown_by_scale(photos, encoder):
    table = next(b for b in repscope.inspect(photos[:1], encoder).blocks if isinstance(b, Table) and "scale" in b.title)
    assert table.header == ("estimator", "144 patches", "72 patches", "36 patches")


def test_pca_maps_have_one_basis_a_fixed_sign_and_robust_limits():
    rng = np.random.default_rng(0)
    grids = [rng.normal(size=(6, 8, 5)) * [5, 3, 2, 0.1, 0.1] for _ in range(2)]
    maps = pca_maps(grids)
    assert [each.shape for each in maps] == [(6, 8, 3)] * 2
    turned = pca_maps([grid @ np.diag([1.0, 1, 1, 1, 1]) * 9 + 4 for grid in grids])
    for one, other in zip(maps, turned, strict=True):
        assert np.abs(one.astype(int) - other).max() <= 1
    red = np.concatenate([each[..., 0].ravel() for each in maps]).astype(float)
    first = np.concatenate([grid[..., 0].ravel() for grid in grids])
    assert abs(np.corrcoef(red, first)[0, 1]) > 0.98
    outlying = [grid.copy() for grid in grids]
    outlying[0][0, 0] *= 30
    assert pca_maps(outlying)[1].std() > 0.4 * maps[1].std()


def test_few_dimensions_still_give_three_colours():
    maps = pca_maps([np.random.default_rng(0).normal(size=(4, 4, 2))])
    assert maps[0].shape == (4, 4, 3)
    assert (maps[0][..., 2] == maps[0][0, 0, 2]).all()


def test_the_picture_shows_what_the_encoder_saw():
    photo = noisy_photo("a", 3, (40, 20))
    seen = shown(photo, Frame.square(40, 20))
    np.testing.assert_array_equal(seen, photo.pixels[:, 10:30])


def test_default_points_are_apart_and_start_in_the_middle():
    field = np.zeros((6, 6, 3))
    field[:, :3, 0], field[:, 3:, 1], field[0, 0] = 1, 1, (0, 0, 4)
    places = places_apart(Rows(field))
    assert places[0] == (3, 3)
    assert len(set(places)) == 3
    assert (0, 0) in places
