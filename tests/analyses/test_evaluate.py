"""evaluate: every number of the table, what may be said of two encoders, and what is bad input."""

import json
from pathlib import Path

import numpy as np
import pytest
from test_evaluate_neighbours import clusters

import repscope
from repscope.analyses.evaluate import evaluate, metrics_json
from repscope.errors import UnfitData, UnknownName, WrongUsage
from repscope.images import Photo
from repscope.render import media
from repscope.render.json import from_json
from repscope.report import Curve, Gallery, Heatmap, Note, Table
from repscope.store import Given

KEYS = {
    *("embedding_dim", "variance_10_pcs", "variance_50_pcs", "silhouette", "silhouette_cosine"),
    *(f"nn_precision_at_{k}" for k in (1, 5, 10, 20)),
    *("nn_precision_at_5_centred", "knn_accuracy", "probe_accuracy"),
    *(f"few_shot_{k}_accuracy" for k in (1, 5, 10)),
}


def two(n=300, photos=None, **given):
    """An encoder that tells classes apart, and a narrower one that is mostly noise."""
    x, y = clusters(n, width=60, apart=0.5)
    noise = np.random.default_rng(7).normal(size=(n, 24)) * 3 + x[:, :24]
    names = np.array(["cat", "dog", "frog", "ship"])[y]
    return Given({"good": x, "poor": noise.astype(np.float16)}, labels=list(names), photos=photos, **given)


@pytest.fixture(scope="module")
def report():
    pixels = np.random.default_rng(0).integers(0, 255, (300, 16, 16, 3), np.uint8)
    return evaluate(two(photos=[Photo(f"p{i:03d}", each, sha256=str(i)) for i, each in enumerate(pixels)]), queries=4)


def numbers(report):
    (table,) = (block for block in report.blocks if isinstance(block, Table))
    return table, {row[0]: row[1:] for row in table.rows}


def notes(report, kind=None):
    return [block.text for block in report.blocks if isinstance(block, Note) and kind in (None, block.kind)]


def test_the_table_has_every_row_with_value_interval_and_null(report):
    table, rows = numbers(report)
    assert table.header == ("measure", "good", "poor", "difference", "ratio")
    for label in ("Variance in 10 components", "Silhouette", "Precision at 5", "k-NN accuracy", "5-shot accuracy"):
        good, poor, difference, ratio = rows[label]
        for each in (good, poor, difference):
            assert each.ci[0] <= each.value <= each.ci[1], label
            assert each.n
            assert each.definition
        assert difference.value == pytest.approx(good.value - poor.value)
        assert ratio.reason if ratio.value is None else ratio.value == pytest.approx(good.value / poor.value)
    assert rows["Embedding dimension"][0].value == 60
    assert rows["Precision at 5"][0].null.mean == pytest.approx(0.25, abs=0.02)
    assert rows["Silhouette"][0].null.kind == "permutation"
    assert rows["Linear probe accuracy"][0].null.kind == "largest class"
    assert rows["Precision at 5"][0].value > 0.8 > rows["Precision at 5"][1].value
    width = rows["Variance in 50 components"][1]
    assert width.value == pytest.approx(1)
    assert "width 24" in width.caveats[0]


def test_findings_come_first_and_name_the_encoder_that_is_ahead(report):
    first = report.blocks[0]
    assert isinstance(first, Note)
    assert first.kind == "finding"
    assert first.text.startswith("Precision at 5: good (0.")
    assert "ahead of poor (0." in first.text
    assert any(text.startswith("Linear probe accuracy: good") for text in notes(report, "finding"))


def test_nothing_is_claimed_of_an_encoder_and_its_copy():
    x, y = clusters(200, apart=0.3)
    turned = x @ np.linalg.qr(np.random.default_rng(0).normal(size=(8, 8)))[0]
    found = evaluate(Given({"a": x, "b": turned.astype(np.float32)}, labels=list(y)))
    assert not [text for text in notes(found, "finding") if "ahead" in text]
    assert any("No encoder is ahead by: Precision at 5" in text for text in notes(found))


def test_metrics_json_has_the_keys_of_the_table_and_is_saved_beside_the_report(report, tmp_path: Path):
    found = metrics_json(report)
    assert {name: set(each) for name, each in found.items()} == {"good": KEYS, "poor": KEYS}
    _, rows = numbers(report)
    entry = found["good"]["nn_precision_at_5"]
    assert entry["value"] == rows["Precision at 5"][0].value
    assert entry["ci"] == list(rows["Precision at 5"][0].ci)
    assert entry["n"] == 300
    report.save(tmp_path, ("json",), force=True)
    assert json.loads((tmp_path / "metrics.json").read_text()) == found
    assert "metrics.json" in json.loads((tmp_path / "manifest.json").read_text())["files"]
    opened = from_json((tmp_path / "report.json").read_text())
    assert metrics_json(opened) == found
    with pytest.raises(UnfitData, match=r"metrics\.json belongs to a report of `evaluate`"):
        metrics_json(repscope.metrics and type(report)("other", ()))


def test_the_figures_are_there(report):
    matrices = [block for block in report.blocks if isinstance(block, Heatmap)]
    assert [block.title for block in matrices] == [
        f"Likeness of classes, {how}: {name}" for name in ("good", "poor") for how in ("raw", "centred")
    ]
    assert [curve.title for curve in report.blocks if isinstance(curve, Curve)] == [
        "Variance of each component",
        "Variance of the first components",
    ]
    galleries = [block for block in report.blocks if isinstance(block, Gallery)]
    assert len(galleries) == 4
    assert {block.title.split()[2] for block in galleries} == {"cat,", "dog,", "frog,", "ship,"}
    for block in galleries:
        assert block.across == 6
        assert len(block.pictures) == 12
        assert block.pictures[0].caption.startswith("good: ")
        for picture in block.pictures[1:6]:
            name, *mark = picture.caption.split()
            assert (mark == ["✓"]) == (name == block.pictures[0].caption.split(": ")[1])


def test_retrieval_shows_the_nearest_and_not_the_query(report):
    given = two()
    x = given.embedding("good") / np.linalg.norm(given.embedding("good"), axis=1, keepdims=True)
    shown = np.random.default_rng(0).integers(0, 255, (300, 16, 16, 3), np.uint8)
    block = next(block for block in report.blocks if isinstance(block, Gallery))
    row = int(block.title.split("p")[-1])
    near = np.argsort(-(x @ x[row]))
    assert near[0] == row
    for picture, each in zip(block.pictures[1:6], near[1:6], strict=True):
        assert (picture.pixels == shown[each]).all()


def test_matrices_are_cosines_of_class_means(report):
    given = two()
    x, labels = given.embedding("good").astype(np.float64), given.labels
    raw, centred = (block for block in report.blocks if isinstance(block, Heatmap) and "good" in block.title)
    means = np.stack([x[labels == name].mean(0) for name in raw.rows])
    for block, each in ((raw, means), (centred, means - x.mean(0))):
        unit = each / np.linalg.norm(each, axis=1, keepdims=True)
        assert np.array([[cell.value for cell in row] for row in block.cells]) == pytest.approx(unit @ unit.T, abs=1e-6)
        assert all(cell.ci[0] <= cell.value <= cell.ci[1] for row in block.cells for cell in row)


def test_every_number_says_what_it_is(report):
    for number in report.numbers():
        assert number.label
        assert number.value is not None or number.reason
        assert number.ci or number.caveats or number.reason or number.label in ("Difference", "Ratio"), number


@pytest.mark.parametrize("medium", ["text", "html", "json"])
def test_every_medium_shows_it(report, medium):
    assert "Precision at 5" in media[medium](report)


def test_the_order_of_images_changes_nothing():
    x, y = clusters(120)
    ids = [f"{i:04d}" for i in range(120)]
    order = np.random.default_rng(3).permutation(120)
    one = evaluate(Given({"e": x}, labels=list(y), ids=ids))
    other = evaluate(Given({"e": x[order]}, labels=list(y[order]), ids=[ids[i] for i in order]))
    known, again = metrics_json(one)["e"], metrics_json(other)["e"]
    for key in KEYS:  # products round by where arrays lie in memory
        for part in ("value", "ci", "null"):
            assert again[key][part] == pytest.approx(known[key][part], abs=1e-6), (key, part)
    assert metrics_json(one) != metrics_json(evaluate(Given({"e": x}, labels=list(y), ids=ids), seed=1))


def test_images_without_a_label_are_left_out_of_what_is_asked_of_classes():
    x, y = clusters(120)
    labels = [None if i % 4 == 0 else int(each) for i, each in enumerate(y)]
    found = metrics_json(evaluate(Given({"e": x}, labels=labels)))["e"]
    assert found["nn_precision_at_5"]["n"] == 90
    assert found["variance_10_pcs"]["n"] == 120
    kept = np.arange(120) % 4 != 0
    alone = evaluate(Given({"e": x[kept]}, labels=list(y[kept]), ids=[f"{i}" for i in np.flatnonzero(kept)]))
    assert found["nn_precision_at_5"]["value"] == metrics_json(alone)["e"]["nn_precision_at_5"]["value"]
    assert any("30 of 120 images have no label" in text for text in notes(evaluate(Given({"e": x}, labels=labels))))


@pytest.mark.parametrize("labels", [None, ["one"] * 60])
def test_without_two_classes_what_needs_none_is_answered(labels):
    x, _ = clusters(60)
    pixels = [Photo(f"{i:02d}", np.zeros((8, 8, 3), np.uint8), sha256=str(i)) for i in range(60)]
    found = evaluate(Given({"e": x}, labels=labels, photos=pixels), queries=2)
    assert set(metrics_json(found)["e"]) == {"embedding_dim", "variance_10_pcs", "variance_50_pcs"}
    assert notes(found, "warning")
    assert len([block for block in found.blocks if isinstance(block, Gallery)]) == 2


def test_fewer_images_than_neighbours_components_and_shots_is_said_at_each_number():
    x, y = clusters(16, width=60, classes=2)
    found = metrics_json(evaluate(Given({"e": x}, labels=list(y))))["e"]
    assert "20 neighbours want 21 labelled images or more; there are 16" in found["nn_precision_at_20"]["reason"]
    assert "50 components want 51 images or more; there are 16" in found["variance_50_pcs"]["reason"]
    assert "20 neighbours want 20 images or more" in found["knn_accuracy"]["reason"]
    assert "10 of each class" in found["few_shot_10_accuracy"]["reason"]
    assert found["nn_precision_at_5"]["value"] is not None


@pytest.mark.parametrize("count", [2, 3, 5])
def test_very_few_images_give_what_they_can(count):
    x, _ = clusters(count)
    found = metrics_json(evaluate(Given({"e": x}, labels=list("abaab"[:count]))))["e"]
    assert found["embedding_dim"]["value"] == 8


def test_an_encoder_that_tells_nothing_apart_is_said_and_the_other_is_answered():
    x, y = clusters(60)
    found = evaluate(Given({"dead": np.full((60, 5), 0.3), "e": x}, labels=list(y)))
    assert "alike" in metrics_json(found)["dead"]["nn_precision_at_5"]["reason"]
    assert metrics_json(found)["e"]["nn_precision_at_5"]["value"] is not None
    assert any("dead: All embeddings" in text for text in notes(found, "warning"))
    assert not [text for text in notes(found, "finding") if "dead" in text]


def test_groups_are_held_out_whole_and_widen_intervals():
    """Frames of scenes: alone, each finds its own scene; by groups it must find another of its class."""
    rng = np.random.default_rng(0)
    scene = np.repeat(np.arange(30), 8)
    y = scene % 3
    centre = rng.normal(size=(30, 10)) + np.random.default_rng(5).normal(size=(3, 10))[y[::8]] * 0.5
    x = (centre[scene] + rng.normal(size=(240, 10)) * 0.1).astype(np.float32)
    given = Given({"e": x}, labels=list(y))
    alone, grouped = (metrics_json(evaluate(given, group=group))["e"] for group in (None, scene))
    for key in ("nn_precision_at_5", "knn_accuracy"):
        assert alone[key]["value"] > 0.99
        assert grouped[key]["value"] < 0.8
        assert np.diff(grouped[key]["ci"]) > 4 * np.diff(alone[key]["ci"])
    assert np.diff(grouped["variance_10_pcs"]["ci"]) >= 0


def test_near_copies_across_the_split_are_warned_of():
    x, y = clusters(100)
    x = np.concatenate([x, x[:5]])
    mask = np.arange(105) < 100
    found = evaluate(Given({"e": x}, labels=[*y, *y[:5]]), train=mask)
    (warned,) = notes(found, "warning")
    assert warned.startswith("To e, 5 held-out images of 5 are all but the same as one that was learnt from")


def test_three_encoders_are_told_apart_at_a_level_for_all_pairs():
    x, y = clusters(200, apart=0.5)
    noise = np.random.default_rng(2).normal(size=(200, 8)).astype(np.float32)
    found = evaluate(Given({"a": x, "noise": noise, "b": x[:, ::-1].copy()}, labels=list(y)))
    tables = [block.title for block in found.blocks if isinstance(block, Table)]
    assert tables == ["Evaluation", "Differences, paired"]
    assert any("for all 3 pairs together" in text for text in notes(found))
    assert any("ahead of noise" in text and "not told apart from" in text for text in notes(found, "finding"))


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"k": 0}, WrongUsage, "1 or more"),
        ({"k": ()}, WrongUsage, "1 or more"),
        ({"encoders": ["goood"]}, UnknownName, "Did you mean good"),
        ({"layer": 3}, UnknownName, "layer"),
        ({"pool": "cls"}, UnknownName, "pool"),
        ({"group": [1, 2]}, UnfitData, "a name for each of 300 images"),
    ],
)
def test_bad_input_is_refused_in_words(given, error, said):
    with pytest.raises(error, match=said):
        evaluate(two(), **given)


def test_progress_is_told():
    told = []
    evaluate(two(60), progress=lambda done, whole: told.append((done, whole)), queries=0)
    assert told == [(1, 2), (2, 2)]


def test_photos_that_are_gone_are_a_note():
    assert any("Retrieval is not shown in pictures" in text for text in notes(evaluate(two(60))))


def test_one_encoder_is_compared_with_chance():
    x, y = clusters(200)
    found = evaluate(Given({"e": x}, labels=list(y)))
    assert notes(found, "finding")[0].startswith("Precision at 5 0.")
    table, _ = numbers(found)
    assert table.header == ("measure", "e")
    noise = np.random.default_rng(0).normal(size=(200, 8))
    assert not notes(evaluate(Given({"e": noise}, labels=list(y))), "finding")
