"""ONNX files: tokens as worked out by hand, what is guessed is said, what is not known is refused."""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from exported import PROCESSOR, expected, matrix, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper
from oracle import photographed

from repscope.encoders import load
from repscope.encoders.onnx import _grid
from repscope.encoders.preprocess import prepared
from repscope.errors import RepscopeError, UnfitCheckpoint, UnfitTokens, Unsupported


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that says how photos become pixels."""
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
    return tmp_path


def pixels_of(encoder, framing="official") -> np.ndarray:
    return prepared(photographed(40), encoder.contract.preprocessing, framing)[0].numpy()


@pytest.mark.parametrize("batch", ["batch", 1, 3])
@pytest.mark.parametrize(("before", "cls", "registers"), [(0, False, 0), (1, True, 0), (5, True, 4)])
def test_tokens_are_those_worked_out_by_hand(folder, batch, before, cls, registers):
    weight = matrix()
    encoder = load(str(write(folder / "encoder.onnx", weight, before=before, batch=batch)))
    form = encoder.contract.architecture
    assert (encoder.contract.family, form.width, form.patch, encoder.contract.grid) == ("onnx", 6, 4, (4, 4))
    assert (form.cls, form.registers, encoder.contract.pool) == (cls, registers, "cls" if cls else "mean")
    for framing in ("official", "square"):
        (tokens,) = encoder(photographed(40), framing=framing)
        wanted = expected(pixels_of(encoder, framing), weight)
        np.testing.assert_allclose(tokens.patches, wanted, atol=1e-5, rtol=0)
    first = np.broadcast_to(np.arange(before * 6).reshape(before, 6), (2, before, 6))
    np.testing.assert_array_equal(tokens.registers, first[:, 1:])
    if cls:
        np.testing.assert_array_equal(tokens.cls, first[:, 0])
    else:
        assert tokens.cls is None
    assert (tokens.layer, tokens.frame[0].width) == (-1, 1.0)


def test_a_fixed_batch_gives_what_a_free_one_gives(folder):
    """Five photos in threes: the last place is filled, and what fills it is thrown away."""
    photos = [*photographed(40), *photographed(50), photographed(60)[0]]
    free, fixed = (
        load(str(write(folder / f"{name}.onnx", matrix(), batch=batch)))(photos)[0].patches
        for name, batch in (("free", "batch"), ("fixed", 3))
    )
    assert len(fixed) == 5
    np.testing.assert_allclose(fixed, free, atol=1e-6)


def test_an_embedding_alone_is_one_token(folder):
    weight = matrix()
    encoder = load(str(write(folder / "encoder.onnx", weight, mean=True)))
    (tokens,) = encoder(photographed(40), framing="official")
    assert tokens.grid == (1, 1)
    wanted = expected(pixels_of(encoder), weight).mean((1, 2))
    np.testing.assert_allclose(tokens.embedding("mean"), wanted, atol=1e-5)
    assert "no patches" in " ".join(encoder.contract.notes)


def test_an_encoder_without_patches_is_not_called_collapsed(folder):
    import repscope

    encoder = load(str(write(folder / "encoder.onnx", matrix(), mean=True)))
    with pytest.raises(UnfitTokens, match="one vector for a photo: it has no patches"):
        repscope.inspect(photographed(40), encoder)


def test_half_floats_are_fed_as_such(folder):
    weight = matrix()
    encoder = load(str(write(folder / "encoder.onnx", weight, kind=TensorProto.FLOAT16)))
    (tokens,) = encoder(photographed(40), framing="official")
    assert tokens.patches.dtype == np.float32
    np.testing.assert_allclose(tokens.patches, expected(pixels_of(encoder), weight), atol=0.05)


class TestContract:
    def test_what_is_guessed_is_said(self, folder):
        notes = " ".join(load(str(write(folder / "encoder.onnx", matrix(), before=5))).contract.notes)
        assert "Run by onnxruntime" in notes
        assert "output 'tokens'" in notes
        assert "21 tokens are taken for CLS, 4 registers and 4 x 4 patches in raster order, as a guess" in notes
        assert "Depth, heads and hidden width do not stand in an ONNX file" in notes

    def test_a_config_beside_it_says_the_rest(self, folder):
        said = {"num_hidden_layers": 7, "num_attention_heads": 3, "intermediate_size": 24, "patch_size": 4}
        (folder / "config.json").write_text(json.dumps(said))
        contract = load(str(write(folder / "encoder.onnx", matrix()))).contract
        form = contract.architecture
        assert (form.depth, form.heads, form.hidden) == (7, 3, 24)
        assert "say nothing" not in " ".join(contract.notes)

    def test_a_patch_size_that_does_not_fit_is_refused(self, folder):
        (folder / "config.json").write_text(json.dumps({"patch_size": 2}))
        with pytest.raises(Unsupported, match="16 tokens of 16 x 16 pixels are no square grid"):
            load(str(write(folder / "encoder.onnx", matrix())))

    @pytest.mark.parametrize(
        ("tokens", "side", "found"),
        [(256, 224, (16, 0)), (257, 224, (16, 1)), (261, 224, (16, 5)), (197, 224, (14, 1)), (201, 224, (14, 5))],
    )
    def test_grids_of_published_encoders_are_found(self, tokens, side, found):
        assert _grid("it", tokens, side, None) == found

    @given(st.integers(2, 40), st.integers(0, 16), st.integers(1, 20))
    @settings(max_examples=60, deadline=None)
    def test_a_known_patch_leaves_no_choice(self, rows, before, patch):
        assert _grid("it", rows * rows + before, rows * patch, patch) == (rows, before)

    def test_the_folder_stands_for_its_file(self, folder):
        file = write(folder / "encoder.onnx", matrix())
        one, other = load(str(folder)), load(str(file))
        np.testing.assert_array_equal(one(photographed(40))[0].patches, other(photographed(40))[0].patches)
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        assert other.revision == one.revision == f"{file}, sha256 {digest}"

    def test_weights_beside_the_file_are_in_the_revision(self, folder):
        file = write(folder / "encoder.onnx", matrix())
        before = load(str(file)).revision
        (folder / "encoder.onnx.data").write_bytes(b"weights")
        assert load(str(file)).revision != before

    def test_only_the_output_is_there(self, folder):
        encoder = load(str(write(folder / "encoder.onnx", matrix())))
        with pytest.raises(Unsupported, match="gives its output alone, not layer 0"):
            encoder(photographed(40), (-1, 0))
        with pytest.raises(Unsupported, match="the attention of block 1"):
            encoder.attention(photographed(40), 1)  # type: ignore[attr-defined]
        assert encoder(photographed(40), ()) == ()


class TestPreprocessing:
    def test_it_may_stand_in_the_file(self, tmp_path):
        encoder = load(str(write(tmp_path / "e.onnx", matrix(), metadata={"preprocessing": PROCESSOR})))
        rule = encoder.contract.preprocessing
        assert (rule.size, rule.edge, rule.resize, rule.filter) == (16, 16, "shortest", "bicubic")
        assert (rule.mean, rule.deviation) == ((0.4, 0.5, 0.6), (0.2, 0.3, 0.4))

    @pytest.mark.parametrize("config", [PROCESSOR, {"preprocessing": PROCESSOR}])
    def test_it_may_stand_in_the_config(self, tmp_path, config):
        (tmp_path / "config.json").write_text(json.dumps(config))
        assert load(str(write(tmp_path / "e.onnx", matrix()))).contract.preprocessing.mean == (0.4, 0.5, 0.6)

    def test_what_stands_beside_the_file_comes_first(self, folder):
        other = PROCESSOR | {"image_mean": [0, 0, 0]}
        encoder = load(str(write(folder / "e.onnx", matrix(), metadata={"preprocessing": other})))
        assert encoder.contract.preprocessing.mean == (0.4, 0.5, 0.6)

    def test_none_is_refused_with_what_to_add(self, tmp_path):
        with pytest.raises(UnfitCheckpoint, match=r"Put a preprocessor_config\.json beside it.*\"resample\": 3"):
            load(str(write(tmp_path / "e.onnx", matrix())))

    @pytest.mark.parametrize("key", ["size", "resample", "image_mean", "image_std"])
    def test_nothing_of_it_is_guessed(self, tmp_path, key):
        said = {name: value for name, value in PROCESSOR.items() if name != key}
        with pytest.raises(UnfitCheckpoint, match=f"says no {key}"):
            load(str(write(tmp_path / "e.onnx", matrix(), metadata={"preprocessing": said})))

    @pytest.mark.parametrize("text", ["{", "[]", '"bicubic"'])
    def test_metadata_that_are_none(self, tmp_path, text):
        with pytest.raises(UnfitCheckpoint):
            load(str(write(tmp_path / "e.onnx", matrix(), metadata={"preprocessing": text})))

    def test_pixels_that_the_graph_does_not_take(self, folder):
        with pytest.raises(UnfitCheckpoint, match="wants images of 32 pixels; its preprocessing makes 16"):
            load(str(write(folder / "e.onnx", matrix(), side=32)))


def saved(path: Path, inputs, nodes, outputs) -> str:
    graph = helper.make_graph(nodes, "other", inputs, outputs)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return str(path)


def value(name: str, shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


class TestRefused:
    def test_other_inputs(self, folder):
        add = [helper.make_node("Add", ["a", "b"], ["c"])]
        shape = ["n", 3, 16, 16]
        two = saved(folder / "two.onnx", [value("a", shape), value("b", shape)], add, [value("c", None)])
        with pytest.raises(Unsupported, match=r"it wants a tensor\(float\).*, b tensor\(float\)"):
            load(two)
        same = [helper.make_node("Identity", ["a"], ["c"])]
        for name, wanted, kind in (
            ("flat", ["n", 768], TensorProto.FLOAT),
            ("whole", ["n", 3, 16, 16], TensorProto.UINT8),
            ("grey", ["n", 1, 16, 16], TensorProto.FLOAT),
            ("double", ["n", 3, 16, 16], TensorProto.DOUBLE),
            ("last", ["n", 16, 16, 3], TensorProto.FLOAT),
            ("oblong", ["n", 3, 16, 32], TensorProto.FLOAT),
        ):
            path = saved(folder / f"{name}.onnx", [value("a", wanted, kind)], same, [value("c", None, kind)])
            with pytest.raises(Unsupported, match="it wants a tensor"):
                load(path)

    def test_an_output_that_is_neither_tokens_nor_embeddings(self, folder):
        same = [helper.make_node("Identity", ["a"], ["c"])]
        path = saved(folder / "map.onnx", [value("a", ["n", 3, 16, 16])], same, [value("c", None)])
        with pytest.raises(Unsupported, match=r"of one image it makes c \[1, 3, 16, 16\]"):
            load(path)

    def test_a_graph_that_fails_on_its_images(self, folder):
        weight = matrix(patch=4)
        path = write(folder / "e.onnx", weight)
        model = onnx.load(path)
        next(held for held in model.graph.initializer if held.name == "flat").CopyFrom(
            onnx.numpy_helper.from_array(np.array([0, 6, 7]), "flat")
        )
        onnx.save(model, path)
        with pytest.raises(UnfitCheckpoint, match="fails on images of 16 pixels"):
            load(str(path))

    def test_tokens_that_are_not_finite(self, folder):
        weight = matrix()
        weight[0] = np.nan
        with pytest.raises(UnfitTokens, match="not finite"):
            load(str(write(folder / "e.onnx", weight)))(photographed(40))

    def test_a_cut_file(self, folder):
        path = write(folder / "e.onnx", matrix(width=64))
        path.write_bytes(path.read_bytes()[:2000])
        with pytest.raises(UnfitCheckpoint, match="cannot be read as an ONNX graph"):
            load(str(path))

    def test_a_file_there_is_not(self):
        with pytest.raises(UnfitCheckpoint, match="There is no file or folder"):
            load("nowhere.onnx")

    def test_without_onnxruntime_it_says_how_to_get_it(self, folder, monkeypatch):
        path = write(folder / "e.onnx", matrix())
        monkeypatch.setitem(sys.modules, "onnxruntime", None)
        with pytest.raises(Unsupported, match=r"pip install 'repscope\[onnx\]'"):
            load(str(path))

    @given(data=st.binary(max_size=300))
    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_any_bytes(self, folder, data, capfd):
        (folder / "e.onnx").write_bytes(data)
        with pytest.raises(RepscopeError):
            load(str(folder / "e.onnx"))
        assert capfd.readouterr().err == ""

    @given(at=st.integers(0, 600), byte=st.integers(0, 255))
    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_a_flipped_byte(self, folder, at, byte):
        """It is refused, or it is one that still runs; nothing else escapes."""
        path = write(folder / "e.onnx", matrix())
        data = bytearray(path.read_bytes())
        data[at % len(data)] = byte
        path.write_bytes(data)
        try:
            load(str(path))(photographed(40))
        except RepscopeError as error:
            assert str(error)  # noqa: PT017  it may also load
