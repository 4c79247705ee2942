"""drift: similarities, the largest shift, collapse, and what cannot be said."""

import json
import random

import numpy as np
import pytest
from drifting import BEFORE, GRID, LAST, WIDTH, block_of, collapsed, many, moving, row, said
from exported import PROCESSOR, matrix, write
from known import Known, noisy_photo, smooth

import repscope
from repscope import metrics
from repscope.analyses._drift_blocks import largest_shift
from repscope.render import media
from repscope.report import Curve, Number


class TestSimilarity:
    def test_identical_checkpoints_are_the_same_and_nothing_is_found(self):
        report = repscope.drift(many(10), [moving(f"step-{n}", 0.3) for n in (1, 2, 3, 4)])
        for title, names in ((BEFORE, ["step-1 → step-2", "step-3 → step-4"]), (LAST, ["step-1 → step-4"])):
            for name in names:
                cells = row(report, title, name)
                for measure in ("CKA", "Shared 10 nearest"):
                    assert cells[measure].value == pytest.approx(1, abs=1e-9)
                    assert cells[measure].null.exceeded
                    assert cells[measure].n == 10
        assert said(report, "finding") == []
        assert any("no largest shift is claimed" in text for text in said(report))

    def test_values_are_those_of_the_metrics(self):
        photos, encoders = many(6), [moving("step-1", 0), moving("step-2", 0.2), moving("step-3", 0.6)]
        report = repscope.drift(photos, encoders)
        fields = [[each.see(photo, -1).astype(np.float32) for photo in photos] for each in encoders]
        for title, name, (i, j) in (
            (BEFORE, "step-1 → step-2", (0, 1)),
            (BEFORE, "step-2 → step-3", (1, 2)),
            (LAST, "step-1 → step-3", (0, 2)),
            (LAST, "step-2 → step-3", (1, 2)),
        ):
            for measure in (metrics.linear_cka, metrics.mutual_knn):
                wanted = np.mean([measure(x, y) for x, y in zip(fields[i], fields[j], strict=True)])
                assert row(report, title, name)[measure.title].value == pytest.approx(wanted, abs=1e-9)
        for place, name in enumerate(("step-1", "step-2", "step-3")):
            for key in ("effective_rank", "rankme_centred", "mean_cosine", "uniformity", "token_norm"):
                card = metrics.catalogue[key]
                wanted = np.mean([card(x) for x in fields[place]])
                number = row(report, "Readings of the patches", name)[card.title]
                assert number.value == pytest.approx(wanted, rel=1e-9)
                assert number.ci[0] <= wanted <= number.ci[1]

    def test_every_similarity_has_the_stricter_of_two_nulls(self, photos):
        report = repscope.drift(photos, [moving("step-1", 0), moving("step-2", 0.2), moving("step-3", 0.6)])
        table = block_of(report, "Both nulls")
        assert [cells[:2] for cells in table.rows[:2]] == [
            ("step-1 → step-2", "torus shifts"),
            ("step-1 → step-2", "other images"),
        ]
        assert {cells[0] for cells in table.rows} == {"step-1 → step-2", "step-2 → step-3", "step-1 → step-3"}
        unlike = row(repscope.drift(photos, [moving("a", 0), moving("b", 0, seed=9)]), BEFORE, "a → b")["CKA"]
        assert not unlike.null.exceeded

    def test_the_order_of_arguments_changes_no_bit(self, photos):
        encoders = [moving(f"step-{n}", n / 20) for n in (1, 2, 10)]
        one = repscope.drift(photos, encoders)
        other = repscope.drift(photos[::-1], random.Random(1).sample(encoders, 3))
        assert one.numbers() == other.numbers()
        assert (one.title, one.provenance) == (other.title, other.provenance)

    def test_curves_stand_over_the_steps(self, photos):
        report = repscope.drift(photos, [moving(f"step-{n}", n / 2000) for n in (1, 100, 1000)])
        curve = block_of(report, "CKA over the checkpoints")
        assert isinstance(curve, Curve)
        assert (curve.x_label, [line.x for line in curve.lines]) == ("step", [(100, 1000), (1, 100)])
        assert all(len(line.low) == 2 for line in curve.lines)
        rank = block_of(report, "Effective rank over the checkpoints")
        assert rank.lines[0].x == (1, 100, 1000)
        assert any("not evenly spaced in step: from 99.0 to 900 apart" in text for text in said(report))


class TestLargestShift:
    def test_a_checkpoint_of_something_else_is_where_it_shifts(self):
        shares = {1: 0, 2: 0.05, 3: 0.1, 4: 0.15}
        run = [moving(f"step-{n}", share) for n, share in shares.items()]
        run.append(moving("step-5", 0.15, seed=7))
        (found,) = [text for text in said(repscope.drift(many(10), run), "finding") if "shift" in text]
        assert found.startswith("Largest shift: step-4 → step-5, CKA ")
        assert "its interval lies below every other's" in found
        assert "Shared 10 nearest too is lowest there" in found

    def test_in_the_middle_both_its_steps_are_large_and_none_is_the_largest(self):
        run = [moving("step-1", 0), moving("step-2", 0.05), moving("step-3", 0.05, seed=7), moving("step-4", 0.1)]
        report = repscope.drift(many(10), run)
        assert not any("shift" in text for text in said(report, "finding"))
        (told,) = [text for text in said(report) if text.startswith("Lowest CKA")]
        assert "step-3" in told.split(",")[0]

    def test_from_few_photos_none_is_claimed(self):
        run = [moving("step-1", 0), moving("step-2", 0), moving("step-3", 0, seed=7)]
        report = repscope.drift(many(9), run)
        assert said(report, "finding") == []
        assert any("step-2 → step-3" in text and "under 10 photos" in text for text in said(report))
        assert any("no change of a reading is claimed" in text for text in said(report))

    def test_two_checkpoints_say_what_cannot_be_answered(self):
        report = repscope.drift(many(10), [moving("step-1", 0), moving("step-2", 0, seed=7)])
        assert any("Two checkpoints make one shift" in text and "cannot be said" in text for text in said(report))
        assert not any("shift" in text for text in said(report, "finding"))

    @pytest.mark.parametrize(
        ("numbers", "claimed"),
        [
            ([(0.2, 0.1, 0.3, 10), (0.6, 0.5, 0.7, 10), (0.8, 0.7, 0.9, 10)], True),
            ([(0.2, 0.1, 0.5, 10), (0.6, 0.5, 0.7, 10), (0.8, 0.7, 0.9, 10)], False),
            ([(0.2, 0.1, 0.3, 10), (0.8, 0.7, 0.9, 10), (0.6, 0.2, 0.7, 10)], False),
            ([(0.2, 0.1, 0.3, 9), (0.6, 0.5, 0.7, 10), (0.8, 0.7, 0.9, 10)], False),
            ([(0.2, 0.1, 0.3, 10), (0.6, 0.5, 0.7, 9), (0.8, 0.7, 0.9, 10)], False),
            ([(0.2, 0.1, 0.3, 10), (None, 0, 0, 10), (0.8, 0.7, 0.9, 10)], False),
        ],
    )
    def test_it_is_a_finding_where_its_interval_is_below_all_others(self, numbers, claimed):
        shifts = [Number("CKA", v, None if v is None else (low, high), n=n) for v, low, high, n in numbers]
        (note,) = largest_shift(["a → b", "b → c", "c → d"], shifts, shifts)
        assert (note.kind == "finding") == claimed
        assert "a → b" in note.text


class TestCollapse:
    def test_a_collapsed_checkpoint_is_named_and_stops_nothing(self):
        run = [moving("step-1", 0), moving("step-2", 0.1), collapsed("step-3")]
        report = repscope.drift(many(10), run)
        (told,) = said(report, "warning")
        assert told.startswith("step-3 gives one token for every patch of 10 of 10 photos")
        shift = row(report, BEFORE, "step-2 → step-3")["CKA"]
        assert shift.value is None
        assert "one token for the whole photo" in shift.reason
        readings = row(report, "Readings of the patches", "step-3")
        assert readings["Effective rank"].value is None
        assert readings["Mean cosine"].value == pytest.approx(1)
        assert any("step-2 → step-3 has none, so no largest shift is claimed" in text for text in said(report))
        assert row(report, BEFORE, "step-1 → step-2")["CKA"].value > 0.5

    def test_photos_it_has_collapsed_on_are_left_out_and_counted(self):
        photos = many(6)
        bad = {photo.sha256 for photo in photos[:2]}
        whole = moving("step-2", 0.1)
        see = whole.see
        whole.see = lambda photo, layer: np.ones((*GRID, WIDTH)) if photo.sha256 in bad else see(photo, layer)
        number = row(repscope.drift(photos, [moving("step-1", 0), whole]), BEFORE, "step-1 → step-2")["CKA"]
        assert number.n == 4
        assert any("2 of 6 photos left out" in caveat for caveat in number.caveats)

    def test_one_embedding_for_all_photos_is_a_collapse(self):
        steady = Known("step-2", lambda photo, layer: smooth(noisy_photo("", 1), GRID, WIDTH, 0))
        report = repscope.drift(many(20), [moving("step-1", 0), steady])
        assert "step-2 gives every photo the same embedding: it has collapsed." in said(report, "warning")
        number = row(report, "Embeddings: similarity to the last", "step-1 → step-2")["CKA"]
        assert (number.value, number.reason) == (None, "every photo has the same embedding")


class TestEmbeddings:
    def test_from_twenty_photos_on(self):
        run, photos = [moving("step-1", 0), moving("step-2", 0.3), moving("step-3", 0.9)], many(20)
        report = repscope.drift(photos, run)
        rows = [
            np.stack([each.see(photo, -1).astype(np.float32).mean((0, 1)) for photo in photos]).astype(float)
            for each in run
        ]
        for to, name, (i, j) in (
            ("one before", "step-1 → step-2", (0, 1)),
            ("last", "step-1 → step-3", (0, 2)),
            ("last", "step-2 → step-3", (1, 2)),
        ):
            number = row(report, f"Embeddings: similarity to the {to}", name)["CKA"]
            assert number.value == pytest.approx(metrics.linear_cka(rows[i], rows[j]), abs=1e-6)
            assert number.null.kind == "permutation"
        rank = row(report, "Readings of the embeddings", "step-2")["Effective rank"]
        assert rank.value == pytest.approx(metrics.effective_rank(rows[1]), rel=1e-5)
        few = repscope.drift(photos[:19], run)
        assert any("from 20 photos on; there are 19" in text for text in said(few))

    def test_encoders_without_patches_are_compared_by_their_embeddings(self, tmp_path):
        (tmp_path / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
        for step, scale in ((1, 0.0), (20, 0.5)):
            weight = matrix() + np.float32(scale) * matrix(seed=1)
            write(tmp_path / f"step-{step}.onnx", weight, mean=True)
        report = repscope.drift(many(20), tmp_path)
        assert any("nothing can be said of patches" in text for text in said(report))
        number = row(report, "Embeddings: similarity to the last", "step-1 → step-20")["CKA"]
        assert 0 < number.value < 1
        assert not any(isinstance(block, Curve) for block in report.blocks)
        assert all(media[name](report) for name in ("text", "json", "html"))
