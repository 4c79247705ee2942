"""The probe in reports: what is pointed at, under which encoders, and which failed."""

import shlex

import numpy as np
import pytest
from known import Known, noisy_photo, smooth

import repscope
from repscope.analyses._codes import unit
from repscope.errors import UnfitCheckpoint, UnfitTokens, UnknownName, WrongUsage
from repscope.report import Note, Overlay, Probe, Report

NONE = np.zeros((0, 12))


def probe_of(report: Report) -> Probe:
    assert isinstance(report.blocks[0], Probe)  # what one can touch comes first
    return report.blocks[0]


def test_every_photo_is_under_every_encoder_in_the_order_given(photos, encoders):
    probe = probe_of(repscope.compare(photos[::-1], encoders))
    assert [photo.id for photo in probe.photos] == [photo.id for photo in photos[::-1]]
    assert [panel.encoder for panel in probe.panels] == ["one", "copy", "other"]
    exact = unit(smooth(photos[1], (9, 9), 12, 0).reshape(81, 12).astype(np.float32).astype(float), "centred", NONE)
    np.testing.assert_allclose(probe.panels[0].similarity(4, (0, 3)).ravel(), exact @ exact[3], atol=0.02)
    np.testing.assert_allclose(
        probe.panels[0].similarity(4, (0, 3)), probe.panels[1].similarity(4, (0, 3)), atol=0.04
    )  # a rotated copy is like it


def test_the_order_of_photos_changes_no_look(photos, encoders):
    one, other = (probe_of(repscope.compare(some, encoders)) for some in (photos, photos[::-1]))
    for here, there in zip(one.panels, other.panels, strict=True):
        assert (here.error, here.across, here.shared, here.position) == (
            there.error,
            there.across,
            there.shared,
            there.position,
        )
        for look, back in zip(here.looks, there.looks[::-1], strict=True):
            assert (look.codes, look.scales, look.offset, look.colours) == (
                back.codes,
                back.scales,
                back.offset,
                back.colours,
            )


def test_queries_are_pins_and_pictures_under_every_encoder(photos, encoders):
    report = repscope.compare(photos[:1], encoders, queries=[(0.5, 0.5), (0.99, 0.5)])
    probe = probe_of(report)
    assert [(pin.across, pin.down, pin.label) for pin in probe.pins] == [(0.5, 0.5, "A"), (0.99, 0.5, "B")]
    maps = [block for block in report.blocks if isinstance(block, Overlay)]
    assert [overlay.mark for overlay in maps] == [(4, 4)] * 3  # the second is outside of the square
    assert [overlay.title for overlay in maps] == [
        f"Like row 5, column 5 under {name}: photo 0.png" for name in ("one", "copy", "other")
    ]
    assert sum("was not shown the point 0.99, 0.5" in b.text for b in report.blocks if isinstance(b, Note)) == 3
    np.testing.assert_allclose(maps[2].values, probe.panels[2].similarity(0, (4, 4)), atol=0.02)


def test_without_queries_pins_are_patches_that_differ(photos, encoders):
    pins = probe_of(repscope.compare(photos, encoders)).pins
    assert [pin.label for pin in pins] == ["A", "B", "C"]
    assert len({(pin.across, pin.down) for pin in pins}) == 3


def test_a_frame_that_is_wider_is_shown_whole(photos):
    wide = Known("wide", lambda photo, layer: smooth(photo, (6, 8), 12, 0), whole=True)
    square = Known("square", lambda photo, layer: smooth(photo, (9, 9), 12, 0))
    probe = probe_of(repscope.compare(photos[:2], [wide, square], framing="official"))
    assert probe.photos[0].frame == (0, 0, 1, 1)
    assert [panel.looks[0].frame for panel in probe.panels] == [(0, 0, 1, 1), (0.125, 0, 0.875, 1)]
    assert probe.panels[1].looks[0].place(0.05, 0.5) is None
    assert probe.panels[0].looks[0].place(0.05, 0.5) == (3, 0)


def test_position_wants_six_photos(photos, encoders):
    few, many = (probe_of(repscope.compare(some, encoders)).panels[0] for some in (photos[:5], photos[:6]))
    assert "6 photos or more, not over 5" in few.without_position
    assert "6 photos or more" not in many.without_position


def test_photos_nearly_the_same_are_not_told_from_position():
    fields = np.random.default_rng(0)
    base = fields.normal(size=(12, 12, 80))
    near = Known("near", lambda photo, layer: base + 0.1 * np.random.default_rng(int(photo.id)).normal(size=base.shape))
    probe = probe_of(repscope.inspect([noisy_photo(str(i), i) for i in range(8)], near))
    assert "too alike to tell position from content" in probe.panels[0].without_position


def test_many_photos_are_probed_up_to_a_number(encoders):
    photos = [noisy_photo(f"{k}.png", k) for k in range(52)]
    probe = probe_of(repscope.inspect(photos, encoders[0]))
    assert len(probe.photos) == len(probe.panels[0].looks) == 50
    assert probe.caption == "The first 50 of 52 photos."


def test_attention_and_its_absence(photos, encoders):
    known, real = probe_of(repscope.compare(photos[:1], [encoders[0], repscope.load("tiny-mae")])).panels
    assert known.looks[0].looked_at is None
    assert known.attention == "one gives no attention away."
    looked = real.looks[0].looked_at
    assert looked is not None
    assert looked.sum() == pytest.approx(1, abs=1e-5)  # no CLS, no registers: all of it is on patches
    layer = probe_of(repscope.inspect(photos[:1], repscope.load("tiny-mae"), layer=0)).panels[0]
    assert layer.attention == "the embedding layer has none."


class Broken(Known):
    """Fails from some call on."""

    def __init__(self, name, whole=0):
        super().__init__(name, lambda photo, layer: smooth(photo, (9, 9), 12, 0))
        self.whole_calls = whole

    def __call__(self, *asked):
        self.whole_calls -= 1
        if self.whole_calls < 0:
            raise UnfitCheckpoint(f"{self.contract.name} is damaged.")
        return super().__call__(*asked)


@pytest.mark.parametrize(
    ("mistake", "error"), [({"queries": [(0.5, 7.0)]}, WrongUsage), ({"also": ["nonsense"]}, UnknownName)]
)
def test_mistakes_are_told_before_anything_is_looked_at(photos, encoders, mistake, error):
    with pytest.raises(error):
        repscope.compare(photos, encoders, **mistake)
    assert [encoder.batches for encoder in encoders] == [[]] * len(encoders)


class Apart:
    """An encoder that tells attention when it is asked for it, and not on the way."""

    def __init__(self, encoder):
        self.encoder, self.contract, self.revision = encoder, encoder.contract, encoder.revision
        self.calls = 0

    def __call__(self, *asked):
        return self.encoder(*asked)

    def attention(self, *asked):
        self.calls += 1
        return self.encoder.attention(*asked)


def test_attention_is_the_same_on_the_way_and_apart(photos):
    encoder = repscope.load("tiny-mae")
    apart = Apart(encoder)
    one, other = (probe_of(repscope.inspect(photos[:2], each)).panels[0] for each in (encoder, apart))
    assert apart.calls == 2
    for look, wanted in zip(one.looks, other.looks, strict=True):
        np.testing.assert_allclose(look.looked_at, wanted.looked_at, atol=1e-6)


def test_a_probe_on_its_way_can_be_ended(photos):
    """Of an encoder that tells attention apart it is a second pass: who listens is heard between its photos."""
    told: list[tuple[int, int]] = []
    encoder = Apart(repscope.load("tiny-random"))
    repscope.inspect(photos, encoder, progress=lambda done, total: told.append((done, total)))
    assert told.count((len(photos), len(photos))) >= len(photos) + 1


def test_an_encoder_that_fails_is_a_panel_with_its_reason(photos, encoders):
    report = repscope.compare(photos, [encoders[0], Broken("bad"), encoders[1]], failed=[("gone", "no such weights.")])
    probe = probe_of(report)
    assert [(panel.encoder, panel.reason) for panel in probe.panels] == [
        ("one", ""),
        ("copy", ""),
        ("gone", "no such weights."),
        ("bad", "bad is damaged."),
    ]
    said = [block.text for block in report.blocks if isinstance(block, Note) and block.kind == "warning"]
    assert said[:2] == ["gone is left out: no such weights.", "bad is left out: bad is damaged."]
    assert report.numbers() == repscope.compare(photos, encoders[:2]).numbers()


def test_where_too_few_are_left_the_failure_is_the_answer(photos, encoders):
    with pytest.raises(UnfitCheckpoint, match="bad is damaged"):
        repscope.compare(photos, [encoders[0], Broken("bad")])
    with pytest.raises(UnfitCheckpoint, match="bad is damaged"):
        repscope.compare(photos, [*encoders, Broken("bad")], strict=True)
    with pytest.raises(UnfitCheckpoint, match="bad is damaged"):  # half of its numbers would be missing
        repscope.compare(photos, [*encoders, Broken("bad", whole=1)], batch=2)


def test_a_collapsed_encoder_is_left_out(photos, encoders):
    flat = Known("flat", lambda photo, layer: np.ones((9, 9, 12)))
    probe = probe_of(repscope.compare(photos, [*encoders, flat]))
    assert "flat gives the same token for every patch" in probe.panels[3].reason
    with pytest.raises(UnfitTokens):
        repscope.inspect(photos, flat)


def test_the_command_asks_the_same_again(tmp_path, photos):
    from PIL import Image

    for photo in photos[:2]:
        Image.fromarray(photo.pixels).save(tmp_path / photo.id)
    encoders = [repscope.load(name) for name in ("tiny-mae", "tiny-random")]
    report = repscope.compare(
        [str(tmp_path)],
        encoders,
        framing="official",
        layer=3,
        queries=[(0.25, 0.5)],
        also=["linear_cka_biased"],
        batch=2,
    )
    words = shlex.split(report.provenance["command"])
    assert words[:3] == ["repscope", "compare", str(tmp_path)]
    from typer.testing import CliRunner

    from repscope.cli import app
    from repscope.render.json import from_json

    said = CliRunner().invoke(app, [*words[1:], "--format", "json"])
    again = from_json(said.stdout)
    assert again.numbers() == report.numbers()
    assert again.provenance["command"] == report.provenance["command"]


def test_photos_that_are_no_files_have_no_command(photos, encoders):
    assert repscope.compare(photos, encoders).provenance["command"] == ""
