"""Training: batches, the log, snapshots, and what ends a run."""

import math
from dataclasses import replace

import pytest
import torch
from rights import closed
from small_objectives import made
from small_training import log, run, weights

from repscope.encoders.families.lab import card_of
from repscope.errors import UnfitData, Unwritable
from repscope.lab import checkpoint, train
from repscope.lab import log as log_of
from repscope.lab.data import TrainingSet


class TestBatches:
    def test_an_epoch_shows_every_image_once_in_an_order_of_its_own(self, plan):
        first, second = (
            torch.cat([train.rows_of(plan, 64, step) for step in steps]).tolist() for steps in (range(4), range(4, 8))
        )
        assert sorted(first) == sorted(second) == list(range(64))
        assert first != second

    def test_images_that_do_not_fill_the_last_batch_sit_it_out(self, plan):
        assert train.steps_of(plan, 70) == (8, 4)
        hundred = replace(plan, batch=1)
        for epochs, steps in ((2.3, 230), (0.57, 57), (0.29, 29), (0.295, 29)):
            assert train.steps_of(replace(hundred, epochs=epochs), 100) == (steps, 100)
        assert len(set(torch.cat([train.rows_of(plan, 70, step) for step in range(4)]).tolist())) == 64

    def test_step_and_seed_alone_decide_a_batch(self, plan, stripes):
        objective = made("mae", plan)
        first, again, later, other = (
            train.batch_of(objective, stripes, p, step)
            for p, step in ((plan, 5), (plan, 5), (plan, 6), (replace(plan, seed=1), 5))
        )
        assert torch.equal(first.views[0], again.views[0])
        assert torch.equal(first.labels, stripes.labels[first.rows])
        assert not torch.equal(first.views[0], later.views[0])
        assert not torch.equal(first.views[0], other.views[0])

    def test_the_same_images_are_cropped_and_masked_in_another_way_in_another_step(self, plan, stripes):
        alike = TrainingSet(stripes.pixels[:1].expand(64, -1, -1, -1), stripes.labels)
        first, other = (train.batch_of(made("mae", plan), alike, plan, step) for step in (5, 6))
        assert not torch.equal(first.views[0], other.views[0])
        assert not torch.equal(first.chance.uniform(0, 1), other.chance.uniform(0, 1))

    def test_fewer_images_than_a_batch_are_refused(self, plan, stripes, tmp_path):
        few = TrainingSet(stripes.pixels[:10], stripes.labels[:10])
        with pytest.raises(UnfitData, match="A batch of 16 wants as many images; the training set has 10"):
            run("mae", plan, few, tmp_path)


class TestRunning:
    def test_log_and_line_say_the_mean_loss_of_the_steps_since_the_last(self, plan, stripes, tmp_path):
        said = []
        trained = run("mae", plan, stripes, tmp_path, every=3, say=said.append)
        assert (trained.steps, trained.per_epoch, trained.epochs) == (8, 4, 2)
        assert [(line["step"], line["of"]) for line in said] == [(3, 8), (6, 8), (8, 8)]
        assert log(tmp_path) == said
        again = train.Run(made("mae", plan), plan, stripes, tmp_path / "other")
        losses = [again.step(step) for step in range(8)]
        wanted = [sum(losses[:3]) / 3, sum(losses[3:6]) / 3, sum(losses[6:]) / 2]
        assert [line["loss"] for line in said] == pytest.approx(wanted, rel=1e-12)
        assert all(line["images_per_second"] > 0 for line in said)

    def test_the_rate_and_the_teacher_go_by_the_share_of_training_done(self, plan, stripes, tmp_path, monkeypatch):
        objective = made("ijepa", plan)
        shares, rates = [], []
        monkeypatch.setattr(objective, "follow", shares.append)
        trained = train.Run(objective, plan, stripes, tmp_path)
        monkeypatch.setattr(trained.moving, "step", rates.append)
        for step in range(8):
            trained.step(step)
        assert shares == [(step + 1) / 8 for step in range(8)]
        assert rates == [plan.rate_at(step, 8) for step in range(8)]

    def test_a_watcher_is_asked_at_every_step_and_logged_where_it_speaks(self, plan, stripes, tmp_path):
        asked, objective = [], made("ijepa", plan)

        def watch(encoder, step):
            asked.append(step)
            assert encoder is objective.teacher
            return {"rank": 3.5, "gone": math.nan} if step == 2 else None

        train.train(objective, plan, stripes, tmp_path, every=5, watch=watch)
        assert asked == list(range(9))
        assert [line["step"] for line in log(tmp_path)] == [2, 5, 8]
        assert (log(tmp_path)[0]["rank"], log(tmp_path)[0]["gone"]) == (3.5, None)
        assert "rank" not in log(tmp_path)[1]

    def test_snapshots_are_evenly_spread_and_are_encoders_with_their_card(self, plan, stripes, tmp_path):
        trained = run("ijepa", replace(plan, snapshots=3), stripes, tmp_path)
        files = sorted((tmp_path / "steps").iterdir())
        assert [file.name for file in files] == ["step-3.safetensors", "step-5.safetensors", "step-8.safetensors"]
        card = {"objective": "ijepa", "recipe": "small", "step": 5, "seed": 0, "presentations": 80}
        assert card_of(files[1]) == card
        for file in (files[-1], tmp_path / "encoder.safetensors"):
            last = checkpoint.read_encoder(str(file)).state_dict()
            assert card_of(file)["step"] == 8
            for name, value in trained.encoder.state_dict().items():
                assert torch.equal(value.half().float(), last[name]), name

    def test_weights_and_loss_stay_float32_under_bfloat16(self, recipe, stripes, tmp_path):
        trained = run("mae", replace(recipe, precision="bfloat16", epochs=0.5), stripes, tmp_path)
        assert trained.precision == "bfloat16"
        assert all(p.dtype == torch.float32 for p in trained.encoder.parameters())
        assert all(value.dtype == torch.float32 for value in weights(tmp_path).values())

    def test_no_epoch_leaves_the_encoder_as_it_began(self, plan, stripes, tmp_path):
        plan = replace(plan, epochs=0)
        trained = run("mae", plan, stripes, tmp_path)
        begun = made("mae", plan).encoder.state_dict()
        assert trained.steps == trained.epochs == 0
        assert all(torch.equal(value, begun[name]) for name, value in trained.encoder.state_dict().items())


class TestAstray:
    def test_a_loss_that_is_no_number_names_step_and_batch_and_leaves_the_last_good_state(
        self, plan, stripes, tmp_path, monkeypatch
    ):
        objective = made("mae", plan)
        loss, calls = objective.loss, []
        monkeypatch.setattr(
            objective, "loss", lambda batch: calls.append(batch) or loss(batch) * (math.nan if len(calls) == 7 else 1)
        )
        with pytest.raises(UnfitData) as error:
            train.train(objective, plan, stripes, tmp_path, every=3)
        images = ", ".join(map(str, train.rows_of(plan, 64, 6)[:4].tolist()))
        assert f"The loss is nan at step 6 (images {images}, ... of the training set)" in str(error.value)
        assert "run.state is the last good state" in str(error.value)
        tensors, values = checkpoint.read_state(tmp_path / "run.state")
        assert values["step"] == 6
        assert all(torch.isfinite(value).all() for value in tensors.values())

    def test_before_the_first_state_there_is_none_to_name(self, plan, stripes, tmp_path, monkeypatch):
        objective = made("mae", plan)
        monkeypatch.setattr(objective, "target", lambda patches: patches * math.inf)
        with pytest.raises(UnfitData, match=r"The loss is (nan|inf) at step 0 .*; no state was kept before it"):
            train.train(objective, plan, stripes, tmp_path)
        assert not (tmp_path / "run.state").exists()

    def test_weights_that_are_no_numbers_are_not_kept(self, plan, stripes, tmp_path):
        """A gradient can come apart where the loss has not yet: what is written must still be good."""
        objective = made("mae", plan)

        def spoil(line):
            with torch.no_grad():
                objective.decoder.outer.weight[0, 0] = math.nan

        with pytest.raises(UnfitData, match="The loss is nan at step 3"):
            train.train(objective, plan, stripes, tmp_path, every=3, say=spoil)
        objective = made("mae", plan)
        again = train.Run(objective, plan, stripes, tmp_path)
        spoil({})
        with pytest.raises(
            UnfitData,
            match=r"objective.decoder.outer.weight is not finite after step 3 \(images \d+, .* is the last good state",
        ):
            again.keep(4)
        assert checkpoint.read_state(tmp_path / "run.state")[1]["step"] == 3

    def test_an_encoder_that_its_file_cannot_hold_names_step_and_batch_and_is_no_good_state(
        self, plan, stripes, tmp_path
    ):
        """Finite in float32, and beyond float16: nothing that was good is written over."""
        for snapshots in (0, 4):
            folder, objective = tmp_path / str(snapshots), made("mae", plan)

            def spoil(encoder, step):
                if step == 6:
                    torch.nn.init.constant_(encoder.norm.bias, 1e6)

            with pytest.raises(UnfitData) as error:
                train.train(objective, replace(plan, snapshots=snapshots), stripes, folder, every=2, watch=spoil)
            images = ", ".join(map(str, train.rows_of(plan, 64, 5)[:4].tolist()))
            told = f"The encoder came apart: norm.bias does not fit float16 after step 5 (images {images}, ..."
            assert told in str(error.value)
            assert str(error.value).endswith("run.state is the last good state. Try a smaller rate.")
            assert checkpoint.read_state(folder / "run.state")[1]["step"] == 4

    @pytest.mark.parametrize("precision", ["float32", "bfloat16"])
    def test_float32_is_advised_where_it_is_another(self, plan, stripes, tmp_path, monkeypatch, precision):
        objective, plan = made("mae", plan), replace(plan, precision=precision)
        monkeypatch.setattr(objective, "target", lambda patches: patches * math.inf)
        with pytest.raises(UnfitData) as error:
            train.train(objective, plan, stripes, tmp_path)
        advice = "Try a smaller rate, or precision float32." if precision == "bfloat16" else "Try a smaller rate."
        assert str(error.value).endswith(advice)

    @pytest.mark.parametrize(
        "error", [RuntimeError("DefaultCPUAllocator: can't allocate memory"), torch.OutOfMemoryError()]
    )
    def test_memory_that_is_not_there_is_told_with_what_to_choose(self, plan, stripes, tmp_path, monkeypatch, error):
        objective = made("mae", plan)

        def fails(batch):
            raise error

        monkeypatch.setattr(objective, "loss", fails)
        with pytest.raises(UnfitData, match="want more memory than there is; choose a recipe with a smaller batch"):
            train.train(objective, plan, stripes, tmp_path)

    def test_another_fault_of_torch_is_not_taken_for_it(self):
        with pytest.raises(RuntimeError, match="shapes"), train.roomy("Images", "fewer"):
            raise RuntimeError("shapes do not agree")


def test_a_log_that_may_not_be_read_is_told(plan, stripes, tmp_path):
    run("mae", replace(plan, epochs=0.25), stripes, tmp_path)
    for read in (lambda: run("mae", plan, stripes, tmp_path, resume=True), lambda: log_of.dial(tmp_path, 4)):
        with closed(tmp_path / "log.jsonl"), pytest.raises(Unwritable, match=r"log\.jsonl cannot be read.*Permission"):
            read()


def test_a_folder_that_is_a_file_is_refused_without_a_traceback(plan, stripes, tmp_path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(Unwritable, match="could not be written"):
        run("mae", replace(plan, epochs=0.25), stripes, tmp_path / "taken")
