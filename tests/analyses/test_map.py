"""map: what is known of a map's numbers, against scikit-learn and by hand, and what it does with little or odd data."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from sklearn.manifold import trustworthiness
from sklearn.neighbors import NearestNeighbors

from repscope.analyses import catalogue
from repscope.analyses._kept import kept, neighbours_on, overlap, trust_of_chance
from repscope.analyses._layout import aligned, components
from repscope.analyses._thumbnails import thumbnails
from repscope.analyses.map import map as map_of
from repscope.errors import UnfitData, UnfitTokens, UnknownName, Unsupported, WrongUsage
from repscope.images import Photo
from repscope.nearest import nearest
from repscope.render.json import from_json, json
from repscope.report import Heatmap, Note, Points, Report, Table
from repscope.store import Given


def clustered(count: int, width: int = 16, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, count)
    return (4 * rng.normal(size=(4, width)))[labels] + rng.normal(size=(count, width)), labels


@pytest.fixture
def given() -> Given:
    x, labels = clustered(120)
    turned = x @ np.linalg.qr(np.random.default_rng(1).normal(size=(16, 16)))[0]
    photos = [Photo(f"p{i:03}", np.full((9, 12, 3), i, np.uint8)) for i in range(120)]
    names = [None if i == 7 else "abcd"[label] for i, label in enumerate(labels)]
    return Given(
        {"one": x, "copy": 3 * turned, "other": np.random.default_rng(2).normal(size=(120, 8))},
        labels=names,
        photos=photos,
        readings={"one": {"effective_rank": np.r_[np.nan, np.arange(1.0, 120)], "made_up": np.ones(120)}},
    )


def points(report: Report) -> Points:
    return next(block for block in report.blocks if isinstance(block, Points))


def table(report: Report) -> dict[str, tuple]:
    (block,) = (block for block in report.blocks if isinstance(block, Table))
    return {str(row[0]): row[1:] for row in block.rows}


@pytest.mark.parametrize(("count", "k"), [(60, 5), (200, 10), (31, 15)])
def test_trustworthiness_is_scikit_learns(count, k):
    x, _ = clustered(count)
    places = np.random.default_rng(3).normal(size=(count, 2)) + x[:, :2]
    found = kept(x, nearest(x, k).rows, places)
    wanted = trustworthiness(x, places, n_neighbors=k, metric="cosine")
    assert found.trust.mean() == pytest.approx(wanted, abs=1e-5)  # a near tie in float32 is a rank
    own = NearestNeighbors(n_neighbors=k, metric="cosine").fit(x).kneighbors(return_distance=False)
    near = NearestNeighbors(n_neighbors=k).fit(places).kneighbors(return_distance=False)
    by_hand = [len(set(a) & set(b)) / k for a, b in zip(own, near, strict=True)]
    np.testing.assert_allclose(found.shared, by_hand)


def test_blocks_change_nothing(monkeypatch):
    x, _ = clustered(90)
    own, places = nearest(x, 7).rows, x[:, :2]
    whole = kept(x, own, places).trust
    monkeypatch.setattr("repscope.analyses._kept.BLOCK", 90 * 7)
    np.testing.assert_array_equal(kept(x, own, places).trust, whole)


def test_a_map_that_keeps_all_scores_one_and_chance_is_what_chance_scores():
    angle = np.random.default_rng(0).uniform(0, 2 * np.pi, 80)
    circle = np.stack([np.cos(angle), np.sin(angle)], 1)
    found = kept(circle.astype(np.float32), nearest(circle, 6).rows, circle)
    assert found.shared.mean() > 0.99  # by cosine in float32, the nearest on a circle nearly tie
    assert found.trust.mean() == pytest.approx(1, abs=1e-4)
    x = np.random.default_rng(1).normal(size=(400, 12))
    drawn = [kept(x, nearest(x, 10).rows, np.random.default_rng(s).normal(size=(400, 2))) for s in range(2, 6)]
    assert np.mean([each.trust.mean() for each in drawn]) == pytest.approx(trust_of_chance(400, 10), abs=0.02)
    assert np.mean([each.shared.mean() for each in drawn]) == pytest.approx(10 / 399, abs=0.006)


def test_trustworthiness_wants_more_than_twice_k():
    x, _ = clustered(20)
    assert len(kept(x, nearest(x, 10).rows, x[:, :2]).trust) == 0
    report = map_of(Given({"one": x}), method="pca")
    number = table(report)["one"][1]
    assert number.value is None
    assert "more than 20 images" in number.reason


def test_images_at_one_place_are_not_their_own_neighbours():
    near = neighbours_on(np.zeros((9, 2)), 3)
    assert near.shape == (9, 3)
    assert not (near == np.arange(9)[:, None]).any()
    assert overlap(np.array([[1, 2, 3]]), np.array([[4, 3, 1]])).tolist() == pytest.approx([2 / 3])


def test_components_are_those_of_rows_of_length_one_whichever_side_is_longer():
    for count, width in ((40, 6), (6, 40)):
        x = np.random.default_rng(0).normal(size=(count, width)) + 1
        rows = x / np.linalg.norm(x, axis=1, keepdims=True)
        rows -= rows.mean(0)
        u, s, _ = np.linalg.svd(rows, full_matrices=False)
        found, share = components(x)
        np.testing.assert_allclose(np.abs(found), np.abs(u[:, :2] * s[:2]), atol=1e-6)
        assert share == pytest.approx((s[:2] ** 2).sum() / (s**2).sum(), abs=1e-6)
        assert ((found**3).sum(0) >= 0).all()
        order = np.random.default_rng(1).permutation(count)
        np.testing.assert_allclose(components(x[order])[0], found[order], atol=1e-6)


def test_aligning_turns_and_mirrors_and_changes_no_distance():
    x = np.random.default_rng(0).normal(size=(30, 2))
    mirrored = 5 * x @ np.array([[0.6, 0.8], [0.8, -0.6]]) + 3
    found = aligned(mirrored, x)
    np.testing.assert_allclose(found, 5 * (x - x.mean(0)), atol=1e-12)
    other = np.random.default_rng(1).normal(size=(30, 2))
    turned = aligned(other, x)
    np.testing.assert_allclose(np.linalg.norm(turned[3] - turned[8]), np.linalg.norm(other[3] - other[8]))
    assert ((turned - (x - x.mean(0))) ** 2).sum() <= ((other - other.mean(0) - (x - x.mean(0))) ** 2).sum()


@pytest.mark.parametrize("method", ["tsne", "umap", "pca"])
def test_the_same_question_gives_the_same_bytes_and_clusters_are_seen(given, method):
    first, second = (map_of(given, ["one", "copy"], method=method, thumbs=0) for _ in range(2))
    assert json(first) == json(second)
    assert json(from_json(json(first))) == json(first)
    labels = np.array([str(label) for label in given.labels])
    for each in points(first).maps:
        near = neighbours_on(each.xy, 5)
        assert (labels[near] == labels[:, None]).mean() > 0.95
    kept_of, trust = table(first)["one"][:2]
    assert kept_of.value > 3 * kept_of.null.mean
    assert trust.value > 0.85
    (shared,) = [number for number in first.numbers() if number.label.startswith("Shared")]
    assert shared.value == pytest.approx(1, abs=0.01)  # turned and scaled, an encoder is the same
    assert shared.null.mean == pytest.approx(10 / 119)


def test_a_method_leaves_torchs_threads_as_they_were(given):
    import torch

    before = torch.get_num_threads()
    for method in ("umap", "tsne"):
        map_of(given, ["one"], method=method, thumbs=0)
        assert torch.get_num_threads() == before


def test_another_seed_is_another_map(given):
    first, second = (points(map_of(given, ["one"], thumbs=0, seed=seed, method="umap")) for seed in (0, 1))
    assert first.maps[0].places != second.maps[0].places
    assert first.maps[0].neighbours == second.maps[0].neighbours


def test_a_copy_is_turned_onto_the_first(given):
    one, copy = points(map_of(given, ["one", "copy"], method="pca")).maps
    np.testing.assert_allclose(copy.xy, one.xy, atol=1e-4)


def test_every_colour_there_is(given):
    block = points(map_of(given, method="pca", colour="effective_rank", k=8))
    names = [each.name for each in block.colours]
    assert names[0] == "effective_rank (one)"
    assert {"label", "overlap", "kept by the map (copy)", "norm of the embedding (other)", "made_up (one)"} < {*names}
    colours = {each.name: each for each in block.colours}
    assert colours["label"].classes == ("a", "b", "c", "d")
    assert np.isnan(colours["label"].array).nonzero()[0].tolist() == [7]
    assert np.isnan(colours["effective_rank (one)"].array).nonzero()[0].tolist() == [0]
    own = [nearest(given.embedding(name), 8).rows for name in given.encoders]
    pairs = [overlap(own[a], own[b]) for a, b in ((0, 1), (0, 2), (1, 2))]
    np.testing.assert_allclose(colours["overlap"].array, np.mean(pairs, 0), atol=1e-6)
    assert "0.067" in colours["overlap"].about  # chance 8 / 119
    norms = np.linalg.norm(given.embedding("copy"), axis=1)
    np.testing.assert_allclose(colours["norm of the embedding (copy)"].array, norms, rtol=1e-6)
    with pytest.raises(UnknownName, match="overlap"):
        map_of(given, method="pca", colour="overlp")


def test_three_encoders_have_a_matrix(given):
    report = map_of(given, method="pca")
    (matrix,) = (block for block in report.blocks if isinstance(block, Heatmap))
    values = np.array([[cell.value for cell in row] for row in matrix.cells])
    np.testing.assert_array_equal(values, values.T)
    assert values.diagonal().tolist() == [1, 1, 1]
    assert values[0, 1] > 0.99
    assert values[0, 2] < 0.2


def test_neighbours_are_those_of_the_encoders_own_space(given):
    report = map_of(given, method="pca", k=4)
    for name, each in zip(given.encoders, points(report).maps, strict=True):
        np.testing.assert_array_equal(each.nearest, nearest(given.embedding(name), 4).rows)
    assert report.provenance["options"]["k"] == 4
    assert any(isinstance(block, Note) and "apart" in block.text for block in report.blocks)


def test_of_more_images_the_same_are_taken_in_any_order(given):
    order = np.random.default_rng(0).permutation(120)
    turned = Given({"one": given.embedding("one")[order]}, ids=list(given.ids[order]))
    first, second = (points(map_of(each, ["one"], method="pca", most=50, thumbs=0)) for each in (given, turned))
    assert len(first.ids) == 50
    assert set(first.ids) == set(second.ids)
    assert "50 of 120 images" in first.caption


def test_of_more_images_everything_shown_is_of_the_same_ones(given):
    block = points(map_of(given, method="pca", most=50, k=5))
    rows = [int(name[1:]) for name in block.ids]
    colours = {each.name: each for each in block.colours}
    named = [None if np.isnan(at) else colours["label"].classes[int(at)] for at in colours["label"].array]
    assert given.labels is not None
    assert named == given.labels[rows].tolist()
    np.testing.assert_array_equal(
        colours["effective_rank (one)"].array, np.float32(given.readings("one")["effective_rank"][rows])
    )
    np.testing.assert_array_equal(block.maps[0].nearest, nearest(given.embedding("one")[rows], 5).rows)
    assert block.thumbnails is not None
    assert len(block.thumbnails.shown(50)) == 50


def test_few_images_lower_the_perplexity_and_say_so():
    x, _ = clustered(40)
    report = map_of(Given({"one": x}), perplexity=30)
    assert any(isinstance(block, Note) and "Perplexity is 13.0" in block.text for block in report.blocks)
    assert "perplexity 13.0" in points(report).maps[0].caption


@pytest.mark.parametrize("method", ["tsne", "umap", "pca"])
def test_images_that_are_there_twice_are_mapped(method):
    x, _ = clustered(30)
    report = map_of(Given({"one": np.concatenate([x, x, x[:3]])}), method=method, k=5)
    assert np.isfinite(points(report).maps[0].xy).all()


def test_bad_questions_say_what_to_do(given):
    x, _ = clustered(8)
    with pytest.raises(UnfitData, match="want 12 images or more on a map; got 8"):
        map_of(Given({"one": x}), method="pca")
    alike = np.ones((30, 4)) * np.arange(1, 31)[:, None]
    with pytest.raises(UnfitTokens, match="one: the embeddings of all 30 images point one way"):
        map_of(Given({"one": alike}), method="pca")
    with pytest.raises(UnknownName, match="umap"):
        map_of(given, method="umpa")  # type: ignore[arg-type]
    with pytest.raises(UnknownName, match="other"):
        map_of(given, ["othr"])
    for options in ({"k": 0}, {"perplexity": 1.0}, {"most": 2}):
        with pytest.raises(WrongUsage):
            map_of(given, **options)
    with pytest.raises(WrongUsage, match="1 encoder or more"):
        map_of(given, [])


@pytest.mark.parametrize(("method", "library"), [("tsne", "openTSNE"), ("umap", "umap")])
def test_without_its_library_a_method_says_how_to_get_it(given, method, library, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == library]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(Unsupported, match=r"pip install 'repscope\[maps\]'.*pca"):
        map_of(given, ["one"], method=method)
    assert points(map_of(given, ["one"], method="pca")).maps


def test_one_encoder_without_labels_and_photos():
    x, _ = clustered(30)
    block = points(map_of(Given({"one": x}), method="pca"))
    assert [each.name for each in block.colours] == ["kept by the map (one)", "norm of the embedding (one)"]
    assert block.thumbnails is None
    assert "Without thumbnails: 0: the set is of arrays" in block.caption


def test_progress_is_told_to_the_end(given):
    told: list[tuple[int, int]] = []
    map_of(given, ["one", "copy"], method="pca", progress=lambda done, whole: told.append((done, whole)))
    assert told[-1] == (360, 360)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_it_is_in_the_catalogue():
    assert catalogue["map"] is map_of


def noisy(count: int, side: int = 40) -> Given:
    rng = np.random.default_rng(0)
    photos = [Photo(f"p{i}", rng.integers(0, 256, (side, side + 9, 3), dtype=np.uint8)) for i in range(count)]
    return Given({"one": rng.normal(size=(count, 4))}, photos=photos)


def test_thumbnails_keep_to_their_budget_by_growing_small_then_few():
    given, rows = noisy(60), np.arange(60)
    sides = []
    for budget in (10**6, 40_000, 16_000, 4_000):
        made, said = thumbnails(given, rows, budget)
        assert made is not None
        made.check(60)
        assert len(made.sheet) <= budget
        sides.append((made.side, len(made.shown(60))))
    assert sides[0] == (32, 60)  # no larger than the images are
    assert sides == sorted(sides, reverse=True)
    assert sides[-1][0] == 16
    assert sides[-1][1] < 60
    assert f"{sides[-1][1]} of 60 images, drawn by chance" in said
    again, _ = thumbnails(given, rows, 4_000)
    assert again is not None
    assert again.rows == made.rows
    assert thumbnails(given, rows, 20)[0] is None


def test_a_thumbnail_is_the_middle_of_its_own_image(given):
    import io

    from PIL import Image

    rows = np.array([3, 50, 119])
    made, _ = thumbnails(given, rows)
    assert made is not None
    sheet = np.asarray(Image.open(io.BytesIO(made.sheet)).convert("L")).astype(int)
    for place, row in enumerate(rows):
        top, left = (at * made.side for at in divmod(place, made.columns))
        tile = sheet[top : top + made.side, left : left + made.side]
        assert abs(tile.mean() - row) < 6


def test_images_that_are_gone_are_counted(given, monkeypatch):
    from repscope.errors import UnreadableImage

    whole = given.photo

    def gone(row: int) -> Photo:
        if row % 10 == 0:
            raise UnreadableImage(f"{row}: gone")
        return replace(whole(row), notes=())

    monkeypatch.setattr(given, "photo", gone)
    made, said = thumbnails(given, np.arange(120))
    assert made is not None
    assert 10 not in made.shown(120)
    assert len(made.shown(120)) == 108
    assert "12 could not be read again: 0: gone" in said
