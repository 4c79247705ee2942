"""drift: order, similarities, the largest shift, collapse, and what cannot be said."""

import json
import random
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from exported import PROCESSOR, matrix, write
from hypothesis import given, settings
from hypothesis import strategies as st
from known import Known, noisy_photo, smooth

import repscope
from repscope import metrics
from repscope.analyses import _checkpoints
from repscope.analyses._checkpoints import axis, listed
from repscope.analyses._drift_blocks import largest_shift
from repscope.errors import NoImages, UnfitCheckpoint, UnfitTokens, UnknownName, WrongUsage
from repscope.render import media
from repscope.report import Curve, Note, Number, Report, Table

GRID, WIDTH = (9, 9), 12


def moving(name: str, share: float, seed: int = 0) -> Known:
    """Patches that are `share` of one field and the rest of another: the more, the further from the start."""

    def see(photo, layer):
        one, other = smooth(photo, GRID, WIDTH, seed), smooth(photo, GRID, WIDTH, seed + 50)
        return np.sqrt(1 - share) * one + np.sqrt(share) * other

    return Known(name, see)


def collapsed(name: str) -> Known:
    return Known(name, lambda photo, layer: np.full((*GRID, WIDTH), 2.0) * (1 + int(photo.sha256[:4], 16)))


def many(count: int) -> list:
    return [noisy_photo(f"{k}.png", 900 + k) for k in range(count)]


def block_of(report: Report, title: str):
    (found,) = (block for block in report.blocks if getattr(block, "title", None) == title)
    return found


def row(report: Report, title: str, name: str) -> dict[str, Number]:
    table = block_of(report, title)
    (cells,) = (cells for cells in table.rows if cells[0] == name)
    return dict(zip(table.header, cells, strict=True))


def said(report: Report, kind: str = "") -> list[str]:
    return [block.text for block in report.blocks if isinstance(block, Note) and kind in ("", block.kind)]


BEFORE, LAST = "Patches: similarity to the one before", "Patches: similarity to the last"


class TestOrder:
    @given(st.sets(st.integers(0, 10**12), min_size=2, max_size=8), st.randoms(), st.text("ab_-.", max_size=4))
    @settings(max_examples=60, deadline=None)
    def test_numbers_are_numbers_wherever_they_stand(self, steps, chance, word):
        names = [f"{word}{step}{word}" for step in steps]
        chance.shuffle(names)
        found = [each.label for each in listed([moving(name, 0) for name in names])]
        assert found == [f"{word}{step}{word}" for step in sorted(steps)]
        assert axis(found)[1] == tuple(float(step) for step in sorted(steps))

    @given(st.lists(st.text("ab01 9-", min_size=1, max_size=6), unique=True, min_size=1, max_size=6), st.randoms())
    @settings(max_examples=60, deadline=None)
    def test_every_order_gives_one_order(self, names, chance):
        encoders = [moving(name, 0) for name in names]
        shuffled = chance.sample(encoders, len(encoders))
        assert [c.given for c in listed(encoders)] == [c.given for c in listed(shuffled)]
        assert listed([*encoders, *shuffled]) == [] or len(listed([*encoders, *shuffled])) == len(names)

    @pytest.mark.parametrize(
        ("labels", "name", "places"),
        [
            (["epoch_3", "epoch_20"], "epoch", (3, 20)),
            (["b16-run/checkpoint-5", "b16-run/checkpoint-50"], "checkpoint", (5, 50)),
            (["2", "3", "11"], "number", (2, 3, 11)),
            (["epoch-1-step-5", "epoch-2-step-10"], "checkpoint", (1, 2)),
            (["step-1", "step-2-ema"], "checkpoint", (1, 2)),
            (["step-2", "step-02", "step-5"], "checkpoint", (1, 2, 3)),
            (["hash-" + "9" * 40, "hash-1"], "checkpoint", (1, 2)),
            (["a", "b"], "checkpoint", (1, 2)),
        ],
    )
    def test_the_axis_is_the_one_number_that_differs(self, labels, name, places):
        assert axis(labels) == (name, places)


def touched(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


class TestListing:
    def labels(self, *given) -> list[str]:
        return [each.label for each in listed(given)]

    def test_files_of_a_folder(self, tmp_path):
        touched(tmp_path, "step-10.safetensors", "step-2.safetensors", "state.pt", ".step-1.safetensors", "log.jsonl")
        assert self.labels(tmp_path) == ["step-2", "step-10"]

    def test_a_run_of_the_lab_is_its_steps(self, tmp_path):
        names = (
            "encoder.safetensors",
            "run.state",
            "log.jsonl",
            "steps/step-100.safetensors",
            "steps/step-20.safetensors",
        )
        touched(tmp_path, *names)
        assert self.labels(str(tmp_path)) == ["step-20", "step-100"]

    def test_folders_that_hold_an_encoder_each(self, tmp_path):
        touched(tmp_path, *(f"checkpoint-{n}/{f}" for n in (500, 60) for f in ("config.json", "model.safetensors")))
        touched(tmp_path, "logs/events", "note.txt")
        assert self.labels(tmp_path) == ["checkpoint-60", "checkpoint-500"]
        touched(tmp_path, "config.json", "model.safetensors")  # the end of the run, where trainers put it
        assert self.labels(tmp_path) == ["checkpoint-60", "checkpoint-500"]
        assert self.labels(tmp_path / "checkpoint-60") == ["checkpoint-60"]

    def test_onnx_files(self, tmp_path):
        touched(tmp_path, "epoch12.onnx", "epoch3.onnx", "epoch3.onnx.data", "preprocessor_config.json")
        assert self.labels(tmp_path) == ["epoch3", "epoch12"]

    def test_the_same_one_twice_is_once(self, tmp_path, monkeypatch):
        touched(tmp_path, "step-1.safetensors", "step-2.safetensors")
        (tmp_path / "last.safetensors").symlink_to("step-2.safetensors")
        monkeypatch.chdir(tmp_path)
        file = tmp_path / "step-1.safetensors"
        assert self.labels(tmp_path, file, "step-1.safetensors", "./step-2.safetensors") == ["step-1", "step-2"]
        assert self.labels(tmp_path / "last.safetensors", tmp_path) == ["step-1", "step-2"]
        assert self.labels("tiny-random", "tiny-random") == ["tiny-random"]

    def test_runs_side_by_side_are_told_apart(self, tmp_path):
        touched(tmp_path, "a/steps/step-1.safetensors", "b/steps/step-1.safetensors")
        assert self.labels(tmp_path / "b", tmp_path / "a") == ["a/steps/step-1", "b/steps/step-1"]

    def test_a_folder_without_any_says_what_is_wanted(self, tmp_path):
        with pytest.raises(UnfitCheckpoint, match=r"^[^']*holds no checkpoint: neither a \.safetensors or \.onnx"):
            listed([tmp_path])


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


def test_onnx_checkpoints(tmp_path):
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
    big = matrix(patch=1)
    for step in (9, 10):
        write(tmp_path / f"step-{step}.onnx", big, before=1)
    report = repscope.drift(many(2), tmp_path)
    assert row(report, BEFORE, "step-9 → step-10")["CKA"].value == pytest.approx(1)
    assert "step-9, step-10 are the same weights." in said(report)


class TestUsage:
    def test_one_or_none(self, photos, tmp_path):
        with pytest.raises(WrongUsage, match=r"two checkpoints or more; got only step-1.*with inspect"):
            repscope.drift(photos, [moving("step-1", 0)])
        with pytest.raises(WrongUsage, match="got none"):
            repscope.drift(photos, [])
        touched(tmp_path, "step-1.safetensors")
        with pytest.raises(WrongUsage, match="got only step-1"):
            repscope.drift(photos, tmp_path)

    @pytest.mark.parametrize(("what", "named"), [("family", "hf"), ("width", "200"), ("patch grid", "16 x 16")])
    def test_another_kind_is_named_with_what_differs(self, photos, what, named):
        one, other = moving("step-1", 0), moving("step-2", 0)
        if what == "family":
            other.contract = replace(other.contract, family="hf")
        elif what == "width":
            shape = replace(other.contract.architecture, width=200, heads=1)
            other.contract = replace(other.contract, architecture=shape)
        else:
            for each, size in ((one, 64), (other, 128)):
                rule = replace(each.contract.preprocessing, size=size)
                each.contract = replace(each.contract, preprocessing=rule)
        one.see = other.see = lambda photo, layer: pytest.fail("a photo was looked at")
        with pytest.raises(WrongUsage, match=rf"the {what} differs: .* of step-1, {named} of step-2"):
            repscope.drift(photos, [one, other])

    def test_what_is_no_encoder(self, photos, tmp_path):
        touched(tmp_path, "step-1.safetensors", "step-2.safetensors")
        with pytest.raises(UnfitCheckpoint, match=r"step-1\.safetensors"):
            repscope.drift(photos, tmp_path)
        with pytest.raises(UnknownName, match="Did you mean tiny-random"):
            repscope.drift(photos, ["tiny-radom", "tiny-random"])

    def test_photos_that_are_none(self, photos):
        run = [moving("step-1", 0), moving("step-2", 0)]
        with pytest.raises(NoImages):
            repscope.drift(["nowhere.jpg"], run)
        flat = replace(photos[0], pixels=np.full((48, 64, 3), 90, np.uint8), source="flat.png")
        with pytest.raises(UnfitTokens, match="one flat colour"):
            repscope.drift([flat], run)
        report = repscope.drift([flat, *photos[1:]], run)
        assert report.skipped[0][0] == "flat.png"
        assert row(report, BEFORE, "step-1 → step-2")["CKA"].n == 5

    def test_another_transform_is_warned_of(self, photos):
        one, other = moving("step-1", 0), moving("step-2", 0)
        other.contract = replace(other.contract, preprocessing=replace(other.contract.preprocessing, filter="bilinear"))
        assert any("transforms differ" in text for text in said(repscope.drift(photos, [one, other]), "warning"))


def test_one_encoder_is_held_at_a_time(photos, monkeypatch):
    held, most = weakref.WeakSet(), []

    def load(name: str) -> Known:
        made = moving(name, int(name[5:]) / 10)
        held.add(made)
        most.append(len(held))
        return made

    monkeypatch.setattr(_checkpoints, "load", load)
    report = repscope.drift(photos, [f"step-{n}" for n in (3, 1, 2)])
    assert "3 checkpoints" in report.title
    assert len(most) == 6  # contracts first, then photos
    assert max(most) == 1


def test_every_medium_shows_it(photos, tmp_path):
    report = repscope.drift(photos, [moving("step-1", 0), moving("step-2", 0.2), collapsed("step-3")])
    curves = [block for block in report.blocks if isinstance(block, Curve)]
    assert len(curves) == 9
    fewer = replace(report, blocks=tuple(block for block in report.blocks if block not in curves[1:-1]))
    written = fewer.save(tmp_path / "out", ("text", "json", "html", "png"))
    assert {"report.txt", "report.json", "report.html"} < {Path(name).name for name in written}
    pictures = [name for name in written if name.endswith(".png")]
    assert len(pictures) == 2  # a second each
    ascii_page = media["text"](report, encoding="ascii")
    assert ascii_page.isascii()
    for page in (media["text"](report, width=200), media["html"](report), ascii_page):
        assert "step-3 gives one token for every patch" in " ".join(page.split())


def test_provenance_and_progress(photos):
    seen: list[tuple[int, int]] = []
    run = [moving(f"step-{n}", n / 10) for n in (10, 9, 2)]
    report = repscope.drift(photos, run, batch=4, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (18, 18)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    made = report.provenance
    assert made["analysis"] == "drift"
    assert made["options"]["checkpoints"] == ["step-2", "step-9", "step-10"]
    assert [each["contract"]["name"] for each in made["encoders"]] == ["step-2", "step-9", "step-10"]
    assert {photo["sha256"] for photo in made["photos"]} == {photo.sha256 for photo in photos}
    assert isinstance(block_of(report, "Contract"), Table)
