"""What a person may give, in which order it comes, what it is called and what is left out."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from repscope.errors import NoImages, UnreadableImage, WrongUsage
from repscope.images import Photo, Skipped, gather
from repscope.images.samples import samples
from repscope.images.sources import Source, sources
from repscope.images.unique import unique


@pytest.fixture
def put(encode, corners, tmp_path):
    """Writes a small photo under a name, with its folders; each has other pixels."""

    def written(name, level=0):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(np.maximum(corners, level)))
        return path

    return written


def ids(inputs, **options):
    return [photo.id for photo in gather(inputs, **options)[0]]


def test_without_inputs_there_are_the_samples():
    photos, skipped = gather()
    assert [photo.id for photo in photos] == ["china.jpg", "flower.jpg"]
    assert skipped == ()
    assert photos[0].size == (640, 427)


def test_samples_are_found_without_their_library():
    code = "import sys; from repscope.images.samples import samples; samples(); print('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


def test_samples_are_missed_with_words(monkeypatch):
    monkeypatch.setattr("repscope.images.samples.find_spec", lambda _: None)
    with pytest.raises(NoImages, match="photos of your own"):
        samples()


def test_listing_brings_no_pillow(put):
    put("a.png")
    code = (
        "import sys; from repscope.images.sources import sources; import numpy; "
        "n = len(list(sources([sys.argv[1], numpy.zeros((8, 8, 3), 'uint8')]))); print(n, 'PIL' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code, str(put("b.png").parent)], capture_output=True, text=True)
    assert run.stdout == "3 False\n"


def test_one_file_alone_or_in_a_list_as_text_or_path(put):
    path = put("a.png")
    for inputs in (path, str(path), [path], [str(path)], (path,)):
        photos, skipped = gather(inputs)
        assert ids(inputs) == ["a.png"]
        assert photos[0].source == str(path)
        assert not skipped


def test_a_folder_is_searched_through_in_natural_order(put, tmp_path):
    for name in ("10.jpg", "9.JPG", "b.PnG", "A.png", "deep/er/2.webp", "deep/1.tif", ".hidden.png", ".git/x.png"):
        put(name)
    (tmp_path / "notes.txt").write_text("no photo")
    assert ids(tmp_path) == ["9.JPG", "10.jpg", "A.png", "b.PnG", "1.tif", "2.webp"]


def test_order_of_the_inputs_is_kept(put):
    b, a = put("b.png"), put("a.png")
    assert ids([b, a]) == ["b.png", "a.png"]


def test_a_file_that_comes_twice_is_taken_once(put, tmp_path, monkeypatch):
    path = put("a/1.png")
    monkeypatch.chdir(tmp_path)
    assert ids([path, str(path), "a/1.png", "./a/../a/1.png", "a", tmp_path]) == ["1.png"]
    assert len(gather([path, "gone.png", "gone.png"])[1]) == 1


def test_links_are_names_of_their_own(put, tmp_path):
    path = put("a.png")
    (tmp_path / "b.png").symlink_to(path)
    assert ids(tmp_path) == ["a.png", "b.png"]


def test_a_loop_of_links_ends(put, tmp_path):
    put("a/1.png")
    (tmp_path / "a" / "again").symlink_to(tmp_path)
    (tmp_path / "self").symlink_to(tmp_path / "self")
    assert ids(tmp_path) == ["1.png"]
    assert gather([tmp_path, tmp_path / "self"])[1][0].source == str(tmp_path / "self")


def test_names_that_clash_take_their_folders_along(put, tmp_path):
    for name in ("cats/1.png", "dogs/1.png", "dogs/2.png", "old/dogs/2.png"):
        put(name)
    assert ids(tmp_path) == ["cats/1.png", "dogs/1.png", f"{tmp_path.name}/dogs/2.png", "old/dogs/2.png"]


NAMES = [
    'it\'s "quoted".png',
    "a b  c.png",
    "<b>&amp;.png",
    "Grüße 写真 😀.png",
    "two\nlines.png",
    "100%d{x}.png",
    "-rf.png",
    "x" * 200 + ".png",
]


def test_odd_names_stay_as_they_are(put, tmp_path):
    for name in NAMES:
        put(name)
    photos, _ = gather(tmp_path)
    assert {photo.id for photo in photos} == set(NAMES)
    assert {photo.source for photo in photos} == {str(tmp_path / name) for name in NAMES}


def test_arrays_pictures_and_photos(corners, put):
    mine = Photo("mine", corners)
    photos, skipped = gather([corners, Image.fromarray(corners), Image.open(put("a.png")), mine, corners / 255])
    assert [photo.id for photo in photos] == ["array 1", "picture 2", "a.png", "mine", "array 5"]
    assert all(np.array_equal(photo.pixels, corners) for photo in photos)
    assert photos[3] is mine
    assert not skipped
    for alone in (corners, Image.fromarray(corners), mine):
        assert len(gather(alone)[0]) == 1


def test_ids_are_unique_whatever_is_given(corners, put):
    same = Photo("a.png", corners)
    path = put("here/a.png")
    made = ids([path, same, same, Photo("array 5", corners), corners])
    assert made == ["here/a.png", "a.png", "a.png (2)", "array 5", "array 5 (2)"]


def test_what_cannot_be_shown_is_left_out_with_its_reason(put, tmp_path):
    good, bad, empty = put("good.png"), tmp_path / "bad.jpg", tmp_path / "empty"
    bad.write_text("words")
    empty.mkdir()
    photos, skipped = gather([tmp_path / "gone.png", good, bad, empty, "https://x.org/a.png", np.zeros((3, 8, 8))])
    assert [photo.id for photo in photos] == ["good.png"]
    assert [item.source for item in skipped] == [
        str(tmp_path / "gone.png"),
        str(bad),
        str(empty),
        "https://x.org/a.png",
        "array 6",
    ]
    assert all(isinstance(item, Skipped) for item in skipped)
    for item, word in zip(
        skipped, ("no such file", "it is text", "no image in it", "download", "transpose"), strict=True
    ):
        assert word in item.reason
        assert not item.reason.startswith(item.source)


@pytest.mark.parametrize("given", ["", "x" * 5000, "a\0b", "/dev/null"])
def test_paths_that_are_none(given, put, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # which holds an image: an empty path is not the current folder
    photos, (skipped,) = gather([put("a.png"), given])
    assert len(photos) == 1
    assert skipped.source == given


def test_heic_in_a_folder_is_named(tmp_path, put):
    put("a.png")
    (tmp_path / "IMG_1.HEIC").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0")
    assert "HEIC" in gather(tmp_path)[1][0].reason


def test_strict_stops_at_the_first(put, tmp_path):
    good, bad = put("good.png"), tmp_path / "bad.jpg"
    bad.write_bytes(b"")
    assert ids([good], strict=True) == ["good.png"]
    for inputs in ([good, bad], [good, tmp_path / "gone"]):
        with pytest.raises(UnreadableImage, match=str(inputs[1])):
            gather(inputs, strict=True)


def test_nothing_left_names_the_reasons(tmp_path):
    with pytest.raises(NoImages) as caught:
        gather([tmp_path / f"{k}.png" for k in range(7)])
    message = str(caught.value)
    assert all(f"{k}.png" in message for k in range(5))
    assert "5.png" not in message
    assert "and 2 more" in message
    with pytest.raises(NoImages) as caught:
        gather([tmp_path / f"{k}.png" for k in range(5)])
    assert "more" not in str(caught.value)


@pytest.mark.parametrize("given", [[3], [b"bytes"], [None], [["a.png"]]])
def test_other_things_are_wrong_usage(given):
    with pytest.raises(WrongUsage, match=type(given[0]).__name__):
        gather(given)


def test_listing_reads_nothing(tmp_path):
    for k in range(3):
        (tmp_path / f"{k}.jpg").write_bytes(b"no image at all")
    found = list(sources([tmp_path]))
    assert [item.given.name for item in found if isinstance(item, Source)] == ["0.jpg", "1.jpg", "2.jpg"]


def test_a_number_is_not_put_where_a_name_has_it_already():
    assert unique([("a",), ("a",), ("a (2)",)]) == ["a", "a (3)", "a (2)"]


PATHS = st.lists(st.lists(st.sampled_from(["a", "b", "a (2)", "a (3)"]), min_size=1, max_size=3), max_size=8)


@given(PATHS, st.sets(st.sampled_from(["a", "b", "a/b", "a (2)"])))
def test_unique_names_are_unique_and_ends_of_their_paths(paths, taken):
    names = unique(paths, taken)
    assert len(set(names)) == len(paths)
    assert not set(names) & taken
    for name, parts in zip(names, paths, strict=True):
        ends = ["/".join(parts[-k:]) for k in range(1, len(parts) + 1)]
        assert any(name == end or name.startswith(f"{end} (") for end in ends)
