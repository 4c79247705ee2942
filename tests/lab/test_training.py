"""Training: it learns, it stops and goes on to the bit, and never loses the state it had."""

import json
import math
from dataclasses import replace

import pytest
import torch

from repscope.encoders.vit import ViT
from repscope.errors import UnfitCheckpoint, UnfitData, WrongUsage
from repscope.lab import checkpoint, objectives, train
from repscope.lab.data import TrainingSet

BOTH = pytest.mark.parametrize("name", ["mae", "ijepa"])


def quiet(line: str) -> None:
    """What a run says."""


def run(name, recipe, data, folder, **options) -> train.Trained:
    objective = train.build(objectives.catalogue[name], recipe)
    return train.train(objective, recipe, data, folder, **{"say": quiet} | options)


def weights(folder):
    return checkpoint.read_state(folder / "state.pt")["objective"]


def log(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


@pytest.fixture
def ramps() -> TrainingSet:
    """Bright above or bright below: what is hidden follows from what is shown, and from nothing else."""
    ramp = torch.linspace(0, 255, 16)[:, None].expand(3, 16, 16)
    return TrainingSet(torch.stack([ramp, 255 - ramp] * 16).byte(), torch.zeros(32).long())


class Killed(BaseException):
    """What ends a process in the middle."""


def killed_at(step):
    def say(line: str) -> None:
        if line.startswith(f"step {step}/"):
            raise Killed

    return say


class TestBeginning:
    def test_the_seed_decides_the_weights(self, recipe):
        first, again, other = (
            train.build(objectives.catalogue["ijepa"], replace(recipe, seed=seed)).state_dict() for seed in (1, 1, 2)
        )
        assert all(torch.equal(value, again[name]) for name, value in first.items())
        assert not torch.equal(first["encoder.patch.weight"], other["encoder.patch.weight"])

    def test_every_weight_begins_as_it_should(self, recipe, seeded):
        shape = replace(recipe.architecture, width=64, hidden=256, depth=4, layer_scale=True)
        encoder = ViT(shape)
        train.initialise(encoder, seeded(0))
        for name, value in encoder.named_parameters():
            if name.endswith("bias"):
                assert (value == 0).all(), name
            elif "norm" in name or "scale" in name:
                assert (value == 1).all(), name
            else:
                assert abs(value.mean()) < 0.002, name
                assert value.abs().max() <= 0.04, name
        # a normal cut at two deviations has .88 of its deviation
        deviation = {name: float(value.std()) for name, value in encoder.state_dict().items() if value.ndim > 1}
        assert deviation["blocks.0.attention.qkv.weight"] == pytest.approx(0.0176, rel=0.03)
        for block in range(4):
            wanted = 0.0176 / math.sqrt(2 * (block + 1))
            assert deviation[f"blocks.{block}.attention.output.weight"] == pytest.approx(wanted, rel=0.05)
            assert deviation[f"blocks.{block}.perceptron.outer.weight"] == pytest.approx(wanted, rel=0.05)

    def test_norms_and_biases_do_not_decay_and_a_teacher_is_not_moved(self, recipe):
        objective = train.build(objectives.catalogue["ijepa"], recipe)
        decayed, spared = train.optimiser(objective, replace(recipe, weight_decay=0.3)).param_groups
        assert (decayed["weight_decay"], spared["weight_decay"]) == (0.3, 0)
        assert all(p.ndim > 1 for p in decayed["params"])
        assert all(p.ndim == 1 for p in spared["params"])
        moved = {id(p) for group in (decayed, spared) for p in group["params"]}
        assert moved == {id(p) for part in (objective.encoder, objective.predictor) for p in part.parameters()}


class TestBatches:
    def test_an_epoch_shows_every_image_once_in_an_order_of_its_own(self, recipe):
        data = TrainingSet(torch.arange(64)[:, None, None, None].expand(64, 3, 16, 16).byte(), torch.zeros(64).long())
        means = [train.batch_of(data, recipe, step)[0][:, 0].mean((1, 2)) for step in range(8)]
        order = [(torch.cat(part) * 0.229 + 0.485).mul(255).round().int().tolist() for part in (means[:4], means[4:])]
        assert sorted(order[0]) == sorted(order[1]) == list(range(64))
        assert order[0] != order[1]

    def test_step_and_seed_alone_decide_a_batch(self, recipe, stripes):
        first, again = (train.batch_of(stripes, recipe, 5)[0] for _ in range(2))
        assert torch.equal(first, again)
        assert not torch.equal(first, train.batch_of(stripes, recipe, 6)[0])
        assert not torch.equal(first, train.batch_of(stripes, replace(recipe, seed=1), 5)[0])

    def test_the_same_images_are_cropped_and_masked_in_another_way_in_another_step(self, recipe, stripes):
        alike = TrainingSet(stripes.pixels[:1].expand(64, -1, -1, -1), stripes.labels)
        (first, drawing), (other, drawing_there) = (train.batch_of(alike, recipe, step) for step in (5, 6))
        assert not torch.equal(first, other)
        assert not torch.equal(torch.rand(8, generator=drawing), torch.rand(8, generator=drawing_there))

    def test_fewer_images_than_a_batch_are_refused(self, recipe, stripes, tmp_path):
        few = TrainingSet(stripes.pixels[:10], stripes.labels[:10])
        with pytest.raises(UnfitData, match="A batch of 16 wants as many images; the training set has 10"):
            run("mae", recipe, few, tmp_path)


class TestTraining:
    @pytest.mark.parametrize(
        ("name", "precision", "share"), [("mae", "float32", 0.5), ("mae", "bfloat16", 0.5), ("ijepa", "float32", 0.8)]
    )
    def test_the_loss_falls(self, recipe, ramps, tmp_path, name, precision, share):
        plan = replace(recipe, epochs=20, precision=precision, rate=1e-2, warmup=5, crop=(0.5, 1.0))
        trained = run(name, plan, ramps, tmp_path, every=10)
        losses = [line["loss"] for line in log(tmp_path)]
        assert [line["step"] for line in log(tmp_path)] == [10, 20, 30, 40]
        assert losses[-1] < share * losses[0]
        assert (trained.steps, trained.per_epoch, trained.epochs) == (40, 2, 20)
        assert all(p.dtype == torch.float32 for p in trained.encoder.parameters())

    def test_no_epoch_leaves_the_encoder_as_it_began(self, recipe, stripes, tmp_path):
        plan = replace(recipe, epochs=0)
        trained = run("mae", plan, stripes, tmp_path)
        begun = train.build(objectives.catalogue["mae"], plan).encoder.state_dict()
        assert trained.steps == trained.epochs == 0
        assert all(torch.equal(value, begun[name]) for name, value in trained.encoder.state_dict().items())

    def test_a_loss_that_is_no_number_ends_the_run_and_leaves_the_last_good_state(
        self, recipe, stripes, tmp_path, monkeypatch
    ):
        objective = objectives.catalogue["mae"]
        monkeypatch.setattr(objective, "target", staticmethod(lambda patches: patches * float("nan")))
        with pytest.raises(UnfitData, match="The loss is nan at step 0"):
            run("mae", recipe, stripes, tmp_path)
        assert not (tmp_path / "state.pt").exists()


class TestResuming:
    @BOTH
    @pytest.mark.parametrize("precision", ["float32", "bfloat16"])
    def test_a_killed_run_ends_with_the_bits_of_one_that_was_not(self, recipe, stripes, tmp_path, name, precision):
        plan = replace(recipe, precision=precision)
        whole = run(name, plan, stripes, tmp_path / "whole", every=3)
        with pytest.raises(Killed):
            run(name, plan, stripes, tmp_path / "cut", every=3, say=killed_at(3))
        assert checkpoint.read_state(tmp_path / "cut/state.pt")["step"] == 3
        resumed = run(name, plan, stripes, tmp_path / "cut", every=3, resume=True)
        assert resumed.steps == whole.steps == 8
        cut = weights(tmp_path / "cut")
        for key, value in weights(tmp_path / "whole").items():
            assert torch.equal(value, cut[key]), key
        for key, value in whole.encoder.state_dict().items():
            assert torch.equal(value, resumed.encoder.state_dict()[key]), key
        assert [line["step"] for line in log(tmp_path / "cut")] == [3, 6, 8]

    def test_a_finished_run_is_given_back_without_a_step(self, recipe, stripes, tmp_path):
        first = run("ijepa", recipe, stripes, tmp_path)
        before, said = (tmp_path / "state.pt").read_bytes(), []
        again = run("ijepa", recipe, stripes, tmp_path, resume=True, say=said.append)
        assert again.steps == first.steps
        assert (tmp_path / "state.pt").read_bytes() == before
        assert said == []
        for key, value in first.encoder.state_dict().items():
            assert torch.equal(value, again.encoder.state_dict()[key]), key

    def test_there_is_nothing_to_resume_in_an_empty_folder(self, recipe, stripes, tmp_path):
        assert run("mae", recipe, stripes, tmp_path, resume=True).steps == 8

    def test_the_dial_may_be_turned_and_the_log_knows(self, recipe, stripes, tmp_path):
        with pytest.raises(Killed):
            run("mae", replace(recipe, epochs=5), stripes, tmp_path, every=2, say=killed_at(4))
        assert train.dial(tmp_path, 4) == [5]
        trained = run("mae", replace(recipe, epochs=1.5), stripes, tmp_path, every=2, resume=True)
        assert (trained.steps, trained.epochs) == (6, 1.5)
        with (tmp_path / "log.jsonl").open("a") as file:
            file.write('{"step": 8, "o')
        assert train.dial(tmp_path, 4) == [5, 1.5]
        # turned back below what was done: what was done counts
        assert run("mae", replace(recipe, epochs=1), stripes, tmp_path, resume=True).steps == 6

    def test_a_run_is_not_begun_over_another(self, recipe, stripes, tmp_path):
        run("mae", recipe, stripes, tmp_path)
        with pytest.raises(WrongUsage, match="holds a run already: add --resume"):
            run("mae", recipe, stripes, tmp_path)

    def test_a_log_of_a_run_that_is_gone_does_not_speak_for_the_next(self, recipe, stripes, tmp_path):
        run("mae", replace(recipe, epochs=1), stripes, tmp_path)
        (tmp_path / "state.pt").unlink()
        run("mae", recipe, stripes, tmp_path)
        assert train.dial(tmp_path, 4) == [2]

    @pytest.mark.parametrize("other", [{"rate": 1e-4}, {"seed": 3}, {"batch": 32}, {"precision": "bfloat16"}])
    def test_a_state_of_another_recipe_is_refused(self, recipe, stripes, tmp_path, other):
        run("mae", replace(recipe, epochs=0.25), stripes, tmp_path)
        with pytest.raises(WrongUsage, match="another recipe or objective"):
            run("mae", replace(recipe, **other), stripes, tmp_path, resume=True)

    def test_a_state_of_another_objective_is_refused(self, recipe, stripes, tmp_path):
        run("mae", replace(recipe, epochs=0.25), stripes, tmp_path)
        with pytest.raises(WrongUsage, match="another recipe or objective"):
            run("ijepa", recipe, stripes, tmp_path, resume=True)

    def test_a_state_on_other_data_is_refused_where_it_knows(self, recipe, stripes, tmp_path):
        run("mae", replace(recipe, epochs=0.25), stripes, tmp_path)
        fewer = TrainingSet(stripes.pixels[:48], stripes.labels[:48])
        with pytest.raises(WrongUsage, match="a run on 64 images; here are 48"):
            run("mae", recipe, fewer, tmp_path, resume=True)
        state = checkpoint.read_state(tmp_path / "state.pt")
        del state["images"]  # as older ones are
        checkpoint.write_state(tmp_path / "state.pt", state)
        assert run("mae", recipe, fewer, tmp_path, resume=True).steps == 6


class TestState:
    def test_a_kill_while_writing_leaves_the_state_before(self, tmp_path, monkeypatch):
        file = tmp_path / "state.pt"
        held = {"objective": {"w": torch.ones(3)}, "optimiser": {}, "step": 7, "recipe": "", "kind": ""}
        checkpoint.write_state(file, held)

        def half(state, path):
            path.write_bytes(b"half of it")
            raise Killed

        monkeypatch.setattr(torch, "save", half)
        with pytest.raises(Killed):
            checkpoint.write_state(file, held | {"step": 8})
        assert checkpoint.read_state(file)["step"] == 7

    @pytest.mark.parametrize("content", [b"", b"no state", b"PK\x03\x04 half a zip"])
    def test_a_damaged_state_is_refused_with_what_to_do(self, recipe, stripes, tmp_path, content):
        (tmp_path / "state.pt").write_bytes(content)
        with pytest.raises(UnfitCheckpoint, match="cannot be read as the state of a run"):
            run("mae", recipe, stripes, tmp_path, resume=True)

    @pytest.mark.parametrize("content", [[1, 2], {"step": 3}])
    def test_another_file_is_no_state(self, tmp_path, content):
        torch.save(content, tmp_path / "state.pt")
        with pytest.raises(UnfitCheckpoint, match=r"it has no .*kind.*optimiser"):
            checkpoint.read_state(tmp_path / "state.pt")

    def test_code_in_a_state_is_not_run(self, tmp_path):
        class Trap:
            def __reduce__(self):
                return (tmp_path.joinpath("sprung").touch, ())

        torch.save({"step": Trap()}, tmp_path / "state.pt")
        with pytest.raises(UnfitCheckpoint):
            checkpoint.read_state(tmp_path / "state.pt")
        assert not (tmp_path / "sprung").exists()
