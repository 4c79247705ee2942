"""Garbage for weights and configurations: refused with a word, or read."""

import json
import shutil
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repscope.encoders import load
from repscope.errors import RepscopeError, UnfitCheckpoint

OPTIONS = [
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "mlp_ratio",
    "patch_size",
    "image_size",
    "layer_norm_eps",
    "qkv_bias",
    "num_register_tokens",
    "use_swiglu_ffn",
    "hidden_act",
]


FUZZ = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class TestFuzz:
    @FUZZ
    @given(data=st.binary(max_size=300), name=st.sampled_from(["model.safetensors", "x.pt", "pytorch_model.bin"]))
    def test_bytes_for_weights(self, tmp_path, published, data, name):
        place = tmp_path / "fuzz"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        shutil.copy(published("ijepa").folder / "config.json", place)
        (place / name).write_bytes(data)
        with pytest.raises(RepscopeError):
            load(str(place))

    @FUZZ
    @given(at=st.integers(8, 3000), value=st.integers(0, 255))
    def test_a_flipped_byte_in_the_header(self, tmp_path, published, at, value):
        """A damaged file is refused or is one that still reads; nothing else escapes."""
        place = tmp_path / "fuzz"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(published("ijepa").folder, place)
        data = bytearray((place / "model.safetensors").read_bytes())
        data[at] = value
        (place / "model.safetensors").write_bytes(data)
        try:
            load(str(place))
        except RepscopeError as error:
            assert str(place) in str(error)  # noqa: PT017  it may also load

    @FUZZ
    @given(
        data=st.binary(max_size=200)
        | st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
            max_leaves=9,
        ).map(lambda value: json.dumps(value).encode())
    )
    def test_anything_for_a_configuration(self, tmp_path, data):
        place = tmp_path / "fuzz"
        place.mkdir(exist_ok=True)
        (place / "config.json").write_bytes(data)
        with pytest.raises(RepscopeError):
            load(str(place))

    @FUZZ
    @given(
        key=st.sampled_from(OPTIONS),
        value=st.none()
        | st.integers()
        | st.integers(-2, 40)
        | st.floats()
        | st.text(max_size=3)
        | st.lists(st.integers(-1, 9), max_size=3)
        | st.dictionaries(st.text(max_size=2), st.integers(), max_size=2),
    )
    def test_any_value_in_a_configuration(self, tmp_path, published, key, value):
        place = tmp_path / "fuzz"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(published("dinov2 with registers").folder, place)
        said = json.loads((place / "config.json").read_text())
        (place / "config.json").write_text(json.dumps(said | {key: value}))
        try:
            load(str(place))
        except RepscopeError as error:
            assert str(error)  # noqa: PT017  it may also load

    def test_a_configuration_deeper_than_python_recurses(self, tmp_path):
        deep = sys.getrecursionlimit() * 100
        (tmp_path / "config.json").write_text("[" * deep + "]" * deep)
        with pytest.raises(UnfitCheckpoint):
            load(str(tmp_path))
