"""The state of a run: safetensors and nothing else, whole or as it was, and no file can make it misbehave."""

import errno
import json
import resource
import signal
import struct
from importlib import import_module
from pathlib import Path

import pytest
import safetensors.torch
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rights import closed

from repscope.encoders.vit import ViT
from repscope.errors import UnfitCheckpoint, Unwritable, WrongUsage
from repscope.lab import checkpoint

HELD = {"objective.w": torch.arange(6.0).reshape(2, 3), "optimiser.0.0.step": torch.tensor(7.0)}
SAID = {"step": 7, "recipe": {"rate": 0.1}, "objective": "mae"}
KEPT = "cannot be read: {}. What it holds may be whole: leave it there, make it readable"
REFUSED = "cannot be read as the state of a run: .*Remove it to begin anew, or put a copy back"


@pytest.fixture
def file(tmp_path) -> Path:
    checkpoint.write_state(tmp_path / "run.state", HELD, SAID)
    return tmp_path / "run.state"


def raw(header: bytes, rest: bytes = b"") -> bytes:
    return struct.pack("<Q", len(header)) + header + rest


class TestReading:
    def test_tensors_and_values_come_back_as_they_were(self, file):
        tensors, values = checkpoint.read_state(file)
        assert values == SAID
        assert tensors.keys() == HELD.keys()
        for name, value in HELD.items():
            assert torch.equal(tensors[name], value)
            assert tensors[name].dtype == value.dtype

    def test_it_is_safetensors_and_no_pickle(self, file):
        content = file.read_bytes()
        (length,) = struct.unpack("<Q", content[:8])
        header = json.loads(content[8 : 8 + length])
        assert set(header) == {"__metadata__", *HELD}
        assert len(content) == 8 + length + 7 * 4
        assert json.loads(header["__metadata__"]["run"]) == SAID

    @given(cut=st.integers(0, 400))
    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_one_cut_short_anywhere_is_refused(self, file, cut):
        whole = file.read_bytes()
        short = file.with_name("short")
        short.write_bytes(whole[: min(cut, len(whole) - 1)])
        with pytest.raises(UnfitCheckpoint, match=REFUSED):
            checkpoint.read_state(short)

    @given(content=st.binary(max_size=200))
    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_garbage_is_refused(self, tmp_path, content):
        (tmp_path / "garbage").write_bytes(content)
        with pytest.raises(UnfitCheckpoint, match=REFUSED):
            checkpoint.read_state(tmp_path / "garbage")

    @given(place=st.integers(0, 10_000), value=st.integers(0, 255))
    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_one_byte_changed_is_read_or_refused_and_nothing_else(self, file, place, value):
        content = bytearray(file.read_bytes())
        content[place % len(content)] = value
        other = file.with_name("other")
        other.write_bytes(content)
        try:
            tensors, values = checkpoint.read_state(other)
        except UnfitCheckpoint:
            return
        assert type(values["step"]) is int
        assert all(isinstance(tensor, torch.Tensor) for tensor in tensors.values())

    @pytest.mark.parametrize(
        "metadata",
        [
            {},
            {"run": "[1, 2]"},
            {"run": "{}"},
            {"run": '{"step": "7"}'},
            {"run": '{"step": -1}'},
            {"run": '{"step": true}'},
            {"run": "no json"},
            {"run": "[" * 100_000},
            {"card": "{}"},
        ],
    )
    def test_safetensors_that_are_no_state_are_refused(self, tmp_path, metadata):
        safetensors.torch.save_file(HELD, tmp_path / "other", metadata)
        with pytest.raises(UnfitCheckpoint, match=REFUSED):
            checkpoint.read_state(tmp_path / "other")

    @pytest.mark.parametrize("content", [b"", raw(b"{}"), raw(b"[]"), raw(b"{" * 5000), b"\xff" * 64, raw(b"\xff\xfe")])
    def test_a_header_that_is_none_is_refused(self, tmp_path, content):
        (tmp_path / "other").write_bytes(content)
        with pytest.raises(UnfitCheckpoint, match=REFUSED):
            checkpoint.read_state(tmp_path / "other")

    def test_a_pickle_is_refused_and_its_code_not_run(self, tmp_path):
        class Trap:
            def __reduce__(self):
                return (tmp_path.joinpath("sprung").touch, ())

        torch.save({"step": Trap()}, tmp_path / "run.state")
        with pytest.raises(UnfitCheckpoint, match=REFUSED):
            checkpoint.read_state(tmp_path / "run.state")
        assert not (tmp_path / "sprung").exists()

    def test_one_that_may_not_be_read_is_not_to_be_removed(self, file):
        whole = file.read_bytes()
        with closed(file), pytest.raises(UnfitCheckpoint, match=KEPT.format("Permission denied")) as error:
            checkpoint.read_state(file)
        assert "Remove" not in str(error.value)
        assert file.read_bytes() == whole

    def test_a_folder_and_nothing_are_refused(self, tmp_path):
        for path, why in ((tmp_path, "Is a directory"), (tmp_path / "nowhere", "No such file or directory")):
            with pytest.raises(UnfitCheckpoint, match=KEPT.format(why)):
                checkpoint.read_state(path)


class TestWriting:
    def assert_kept(self, file):
        assert checkpoint.read_state(file)[1]["step"] == 7
        assert [path.name for path in file.parent.iterdir()] == ["run.state"]

    def test_a_disk_that_fills_midway_leaves_the_state_before(self, file, monkeypatch):
        def half(path, data):
            path.write_text("half of it")
            raise OSError(errno.ENOSPC, "No space left on device", str(path))

        monkeypatch.setattr(Path, "write_bytes", half)
        with pytest.raises(
            Unwritable, match=r"run\.state could not be written: .*No space left.*; the one before it is"
        ):
            checkpoint.write_state(file, HELD, SAID | {"step": 8})
        self.assert_kept(file)

    def test_a_limit_that_the_system_sets_leaves_the_state_before(self, file):
        """A real refusal of the kernel: no file may grow past 10 kB."""
        limits, before = resource.getrlimit(resource.RLIMIT_FSIZE), signal.getsignal(signal.SIGXFSZ)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
        try:
            with pytest.raises(Unwritable, match=r"run\.state could not be written: .*Make room, or choose another"):
                checkpoint.write_state(file, {"objective.w": torch.zeros(100_000)}, SAID | {"step": 8})
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, before)
        self.assert_kept(file)
        checkpoint.write_state(file, {"objective.w": torch.zeros(100_000)}, SAID | {"step": 8})
        assert checkpoint.read_state(file)[1]["step"] == 8

    def test_a_kill_while_writing_leaves_the_state_before_and_what_it_left_is_harmless(self, file, monkeypatch):
        class Killed(BaseException):
            pass

        def half(path, data):
            path.write_text("half of it")
            raise Killed

        with monkeypatch.context() as patched:
            patched.setattr(Path, "write_bytes", half)
            with pytest.raises(Killed):
                checkpoint.write_state(file, HELD, SAID | {"step": 8})
        assert checkpoint.read_state(file)[1]["step"] == 7
        assert file.with_name("run.state.part").exists()
        checkpoint.write_state(file, HELD, SAID | {"step": 9})
        assert checkpoint.read_state(file)[1]["step"] == 9
        assert not file.with_name("run.state.part").exists()

    def test_where_nothing_can_be_written_nothing_is_said_to_be_kept(self, tmp_path):
        (tmp_path / "taken").write_text("a file")
        with pytest.raises(Unwritable) as error:
            checkpoint.write_state(tmp_path / "taken" / "run.state", HELD, SAID)
        assert "is kept" not in str(error.value)
        assert (tmp_path / "taken").read_text() == "a file"

    def test_others_may_read_it_as_any_file(self, file):
        (plain := file.with_name("plain")).touch()
        assert file.stat().st_mode == plain.stat().st_mode

    def test_folders_on_the_way_are_made(self, tmp_path):
        checkpoint.write_state(tmp_path / "a" / "b" / "run.state", HELD, SAID)
        assert checkpoint.read_state(tmp_path / "a" / "b" / "run.state")[1] == SAID


class TestEncoder:
    def test_it_comes_back_in_half_precision(self, recipe, tmp_path):
        encoder = ViT(recipe.architecture)
        checkpoint.write_encoder(encoder, tmp_path / "one.safetensors", {"objective": "none"})
        back = checkpoint.read_encoder(str(tmp_path / "one.safetensors"))
        assert back.architecture == encoder.architecture
        rounded = checkpoint.as_written(encoder).state_dict()
        for name, value in encoder.state_dict().items():
            assert torch.equal(back.state_dict()[name], value.half().float()), name
            assert torch.equal(rounded[name], value.half().float()), name

    def test_the_same_encoder_is_the_same_bytes(self, recipe, tmp_path):
        """safetensors writes metadata in an order that changes from file to file."""
        encoder, file = ViT(recipe.architecture), tmp_path / "one.safetensors"
        written = set()
        for _ in range(20):
            checkpoint.write_encoder(encoder, file, {"objective": "ni\u00f1o"})
            written.add(file.read_bytes())
        assert len(written) == 1
        (told,) = written
        assert int.from_bytes(told[:8], "little") % 8 == 0
        assert checkpoint.read_card(str(file)) == {"objective": "ni\u00f1o"}

    @pytest.mark.parametrize("value", [1e6, float("nan")])
    def test_weights_that_half_precision_cannot_hold_are_not_written(self, recipe, tmp_path, value):
        encoder, file = ViT(recipe.architecture), tmp_path / "one.safetensors"
        checkpoint.write_encoder(encoder, file, {})
        before = file.read_bytes()
        torch.nn.init.constant_(encoder.norm.weight, value)
        for write in (lambda: checkpoint.write_encoder(encoder, file, {}), lambda: checkpoint.as_written(encoder)):
            with pytest.raises(UnfitCheckpoint, match=r"norm.weight does not fit torch.float16"):
                write()
        assert file.read_bytes() == before

    def test_an_encoder_of_another_library_is_refused(self, monkeypatch):
        monkeypatch.setattr(import_module("repscope.encoders.load"), "trainable", lambda name: object())
        with pytest.raises(WrongUsage, match="runs through another library"):
            checkpoint.read_encoder("another")
