"""Log: what it says of a run's course."""

import json

import pytest

from repscope.lab import log

BARE = {"step": 5, "of": 10, "loss": 1.0, "images_per_second": 3.0}


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], (None, "")),
        ([BARE], (None, "")),
        ([{"step": 0, "knn_accuracy": 0.1}], (None, "")),
        ([{"step": 0, "knn_accuracy": 0.1}, BARE | {"knn_accuracy": 0.3}, BARE], ((0.1, 0.3), "")),
        ([{"step": 2, "knn_accuracy": 0.1}, BARE | {"knn_accuracy": 0.3}], (None, "")),
        ([{"step": 0, "rankme": 9.0}, BARE | {"rankme": 1.0, "collapse": "all is one"}, BARE], (None, "all is one")),
        ([{"step": 0, "rankme": 9.0}, BARE | {"rankme": 1.0, "collapse": "all is one"}, {"rankme": 8.0}], (None, "")),
    ],
)
def test_the_course_of_a_run(tmp_path, lines, said):
    if lines:
        (tmp_path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"cut o')
    assert log.course(tmp_path) == said
