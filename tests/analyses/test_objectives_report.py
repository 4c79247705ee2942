"""objectives: the report of runs that differ in objective, condition and seed."""

from dataclasses import replace

import numpy as np
import pytest
from known import Known, noisy_photo, smooth

from repscope.analyses._claims import Claim
from repscope.analyses.objectives import Run, objectives
from repscope.errors import UnfitTokens, UnknownName, WrongUsage
from repscope.report import Heatmap, Note, Table


def runs_of(kinds: dict[str, int], seeds: int = 2, conditions=("half 0", "half 1")) -> list[Run]:
    """Runs of an objective share a field; seeds add a little of their own."""

    def encoder(kind: int, condition: int, seed: int) -> Known:
        def see(photo, layer):
            return smooth(photo, (8, 8), 6, kind) * (1 + kind) + 0.2 * smooth(
                photo, (8, 8), 6, 100 + seed + 7 * condition + 31 * kind
            )

        return Known(f"{kind}-{condition}-{seed}", see)

    return [
        Run(encoder(kind, place, seed), name, condition, seed)
        for name, kind in kinds.items()
        for place, condition in enumerate(conditions)
        for seed in range(seeds)
    ]


CLAIMS_TABLE = "What was claimed, under control"


@pytest.fixture(scope="module")
def report():
    photos = [noisy_photo(f"{k}.png", 500 + k) for k in range(10)]  # from ten on anything is claimed
    claims = (
        Claim("the third is longest", "token_norm", "three"),
        Claim("the first is longest", "token_norm", "one"),
        Claim("nobody trained it", "token_norm", "four"),
    )
    beside = [Known("beside", lambda photo, layer: smooth(photo, (8, 8), 6, 50))]
    return objectives(photos, runs_of({"one": 0, "two": 1, "three": 2}), beside, claims=claims)


def block(report, title):
    (found,) = (b for b in report.blocks if getattr(b, "title", None) == title)
    return found


def test_the_report_parts_every_reading(report):
    table = block(report, "Where the variance of each reading lies")
    rows = {row[0]: row[1:] for row in table.rows}
    norm = rows["Token norm"]
    assert norm[0].value > 90
    assert norm[0].ci[0] <= norm[0].value <= norm[0].ci[1] <= 100
    assert norm[0].null.exceeded
    assert 1 < norm[0].null.chance < norm[0].null.q95 < norm[0].value
    assert {cell.unit for cell in norm} == {"%"}
    assert sum(cell.value for cell in norm) == pytest.approx(100)
    assert all(cell.ci is None or cell.ci[0] <= cell.ci[1] for row in rows.values() for cell in row)


def test_the_finding_names_the_fewer_of_those_that_differ_and_those_that_do_not(report):
    table = block(report, "Where the variance of each reading lies")
    known = {row[0]: row[1].null.exceeded for row in table.rows if row[1].value is not None}
    rest = [name for name, exceeded in known.items() if not exceeded]
    (text,) = (b.text for b in report.blocks if isinstance(b, Note) and "readings differ" in b.text)
    assert text.startswith(f"{len(known) - len(rest)} of {len(known)} readings differ")
    assert len(rest) < len(known) / 2
    assert f"not seen to: {', '.join(rest)}. Of the variance" in text
    assert "Token norm" not in text


def test_runs_of_one_objective_are_more_alike(report):
    matrix = next(b for b in report.blocks if isinstance(b, Heatmap))
    assert matrix.rows == ("one", "two", "three")
    for k in range(3):
        others = [matrix.cells[k][j].value for j in range(3) if j != k]
        assert matrix.cells[k][k].value > max(others) + 0.3
    said = [b.text for b in report.blocks if isinstance(b, Note) and b.kind == "finding"]
    assert any("more alike" in text for text in said)


def test_cells_of_the_matrix_have_interval_and_null(report):
    matrix = next(b for b in report.blocks if isinstance(b, Heatmap))
    for cell in (cell for row in matrix.cells for cell in row):
        assert cell.ci[0] <= cell.value <= cell.ci[1]
        assert cell.null.kind == "other images"


def test_a_claim_of_likeness_is_judged():
    photos = [noisy_photo(f"{k}.png", 500 + k) for k in range(10)]
    claims = (Claim("the first is like no other", "likeness", "one", least=True),)
    told = objectives(photos, runs_of({"one": 0, "two": 1}, seeds=3), claims=claims)
    (row,) = block(told, CLAIMS_TABLE).rows
    assert row[2] == "cannot be told (against two)"  # of two objectives each is as like the other


@pytest.mark.parametrize("count", [1, 3])
def test_nothing_is_claimed_from_few_photos(count):
    photos = [noisy_photo(f"{k}.png", 700 + k) for k in range(count)]
    few = objectives(photos, runs_of({"one": 0, "two": 1}))
    assert not [b for b in few.blocks if isinstance(b, Note) and b.kind == "finding"]
    assert "nothing is claimed. Give 10 photos or more" in few.blocks[0].text
    norm = {row[0]: row[1] for row in block(few, "Where the variance of each reading lies").rows}["Token norm"]
    assert not [b for b in few.blocks if getattr(b, "title", "") == CLAIMS_TABLE]
    assert (norm.ci is None) == (count == 1)
    assert bool(norm.caveats) == (count > 1)


def test_a_design_that_can_find_nothing_says_so():
    photos = [noisy_photo(f"{k}.png", 800 + k) for k in range(10)]
    claims = (Claim("the first is longest", "token_norm", "one"),)
    few = objectives(photos, runs_of({"one": 0, "two": 1}, conditions=("all",)), claims=claims)
    said = [b.text for b in few.blocks[:4] if isinstance(b, Note)]
    assert any("With these runs no p is under 0.500, so nothing is claimed: add seeds" in text for text in said)
    assert few.title.startswith("4 runs: one, two; 2 seeds, 1 condition (all), on 10 photos")
    assert CLAIMS_TABLE not in {getattr(b, "title", "") for b in few.blocks}


def test_claims_get_their_verdicts(report):
    rows = {row[0]: row for row in block(report, CLAIMS_TABLE).rows}
    assert rows["the third is longest"][2].startswith("survives")
    assert rows["the first is longest"][2] == "does not (against three)"
    assert rows["nobody trained it"][2] == "not asked"
    assert rows["the third is longest"][3].ci[0] > 0


def test_a_claim_is_asked_among_those_it_was_made_of_and_among_all():
    photos = [noisy_photo(f"{k}.png", 500 + k) for k in range(10)]
    claims = (
        Claim("the second is longest", "token_norm", "two", among=("one", "two", "four")),
        Claim("the second is like no other", "likeness", "two", least=True, among=("one", "two")),
        Claim("of another three", "token_norm", "three", among=("three", "four")),
        Claim("of any", "token_norm", "three"),
    )
    table = block(objectives(photos, runs_of({"one": 0, "two": 1, "three": 2}), claims=claims), CLAIMS_TABLE)
    assert table.header[2:] == ("verdict", "difference", "among all", "difference among all")
    longest, like, other, any_ = table.rows
    assert (longest[2], longest[4]) == ("survives (against one)", "does not (against three)")
    assert longest[3].value > 0 > longest[5].value
    assert (like[2], like[3].value) == ("cannot be told (against one)", pytest.approx(0))
    assert like[5].value != pytest.approx(0)
    assert (other[2], other[3].reason) == ("not asked", "no run of another")
    assert other[4:] == any_[2:4] == any_[4:]


def test_others_stand_beside_without_seeds(report):
    table = block(report, "Other encoders on the same photos")
    assert table.header == ("reading", "beside")
    assert report.provenance["runs" if "runs" in report.provenance else "options"]


def test_a_picture_of_its_own_is_shown_and_counts_in_nothing():
    photos, picture = [noisy_photo(f"{k}.png", 500 + k) for k in range(2)], noisy_photo("shown.png", 7)
    runs = runs_of({"one": 0, "two": 1})
    plain, other = objectives(photos, runs), objectives(photos, runs, picture=picture)
    assert {title for title in titles(other) if "PCA" in title} == {"PCA maps: shown.png"}
    assert other.provenance["options"]["picture"] == {"id": "shown.png", "sha256": picture.sha256}
    assert other.provenance["photos"] == plain.provenance["photos"]
    assert [b for b in other.blocks if isinstance(b, Table)] == [b for b in plain.blocks if isinstance(b, Table)]
    assert {b.id for b in photos} >= {title.removeprefix("PCA maps: ") for title in titles(plain) if "PCA" in title}


def titles(report) -> list[str]:
    return [b.title for b in report.blocks if hasattr(b, "title")]


def test_every_medium_shows_it(report, tmp_path):
    written = report.save(tmp_path / "r", ("text", "json", "html", "png"))
    assert len(written) >= 4
    assert isinstance(block(report, "Readings by objective"), Table)


@pytest.mark.parametrize(
    "runs",
    [
        lambda: runs_of({"one": 0, "two": 1})[:-1],
        lambda: runs_of({"one": 0}),
        lambda: runs_of({"one": 0, "two": 1}, seeds=1),
        lambda: [*runs_of({"one": 0, "two": 1})[:-1], runs_of({"two": 1})[0]],
        list,
    ],
)
def test_a_design_with_gaps_is_refused(runs):
    with pytest.raises(WrongUsage, match="two objectives and two seeds"):
        objectives([noisy_photo("a.png", 1)], runs())


def with_one_collapsed(objective: str) -> list[Run]:
    runs = runs_of({"one": 0, "two": 1, "three": 2})
    place = next(k for k, run in enumerate(runs) if run.objective == objective and run.seed == 1)
    runs[place] = replace(runs[place], encoder=Known("gone", lambda photo, layer: np.ones((8, 8, 6))))
    return runs


def test_an_objective_with_a_collapsed_run_is_left_out_by_name():
    photos = [noisy_photo(f"{k}.png", 900 + k) for k in range(2)]
    told = objectives(photos, with_one_collapsed("two"))
    assert told.title.startswith("8 runs: one, three; 2 seeds")
    first = told.blocks[0]
    assert first.kind == "warning"
    assert first.text.startswith("Without two: gone gives the same token for every patch")
    assert told.provenance["options"]["without"] == ["two"]
    assert told == replace(
        objectives(photos, runs_of({"one": 0, "three": 2})), blocks=told.blocks, provenance=told.provenance
    )


def test_of_two_objectives_none_can_be_left_out():
    runs = [run for run in with_one_collapsed("two") if run.objective != "three"]
    with pytest.raises(UnfitTokens, match=r"Fewer than two objectives are left to compare\. gone gives the same token"):
        objectives([noisy_photo("a.png", 1)], runs)


def test_a_claim_of_what_is_not_read_is_refused():
    with pytest.raises(UnknownName, match="effective_ranc"):
        objectives(
            [noisy_photo("a.png", 1)], runs_of({"one": 0, "two": 1}), claims=[Claim("?", "effective_ranc", "one")]
        )


def test_what_training_told_of_the_runs_stands_in_the_report():
    runs = [
        replace(run, accuracy=(0.1, 0.2 + 0.1 * run.seed), collapse="complete collapse" if not k else "")
        for k, run in enumerate(runs_of({"one": 0, "two": 1}))
    ]
    photos = [noisy_photo(f"{k}.png", 950 + k) for k in range(2)]
    told = objectives(photos, runs)
    assert (told.blocks[0].kind, told.blocks[0].text) == ("warning", "one, half 0, seed 0: complete collapse")
    before, after = block(told, "Readings by objective").rows[:2]
    assert (before[0], after[0]) == ("k-NN accuracy, untrained", "k-NN accuracy, trained")
    assert (before[1].value, before[1].unit, before[1].n) == (pytest.approx(10), "%", 4)
    assert before[1].ci == pytest.approx((10, 10))
    assert after[2].value == pytest.approx(25)
    half = 4.302653 * (50 / 4) ** 0.5  # 20 and 30 on each condition: a variance of 50, two degrees of freedom
    assert after[2].ci == pytest.approx((25 - half, 25 + half), rel=1e-5)
    without = objectives(photos, [replace(run, accuracy=None) for run in runs])
    assert block(without, "Readings by objective").rows[0][0] != "k-NN accuracy, untrained"


def test_a_broken_encoder_beside_is_left_out_by_name():
    photos = [noisy_photo(f"{k}.png", 900 + k) for k in range(2)]
    beside = [
        Known(
            name, lambda photo, layer, name=name: np.ones((8, 8, 6)) if name == "gone" else smooth(photo, (8, 8), 6, 50)
        )
        for name in ("gone", "here")
    ]
    told = objectives(photos, runs_of({"one": 0, "two": 1}), beside)
    assert told.blocks[0].text.startswith("Without gone: gone gives the same token")
    assert block(told, "Other encoders on the same photos").header == ("reading", "here")
    assert told.title.startswith("8 runs")
