"""Images: sources against brute force and synthetic copies of the official files; damage is named, nothing is lost."""

import hashlib
import http.server
import io
import json
import os
import pickle
import random
import struct
import subprocess
import sys
import tarfile
import threading
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import python2_pickles
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageOps
from sklearn.datasets import load_digits

import toylab
from toylab import images
from toylab.images import Images
from toylab.images.data import cifar, pixels

CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
MEANS = torch.tensor([0.4914, 0.4822, 0.4465], dtype=torch.float64)  # of the official training images
PER_BATCH = 60
one_folder = partial(settings, suppress_health_check=[HealthCheck.function_scoped_fixture])
byte_images = hnp.arrays(
    np.uint8, st.tuples(st.integers(1, 4), st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 3]))
)


def some_images(n=5, height=8, width=8, channels=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, height, width, channels), dtype=np.uint8)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# values and batches


@pytest.mark.parametrize("top", [16, 255])
def test_values_map_the_levels_evenly_and_the_ends_exactly(top):
    levels = torch.arange(top + 1, dtype=torch.uint8).reshape(-1, 1, 1, 1)
    values = Images("levels", levels, top=top).values(slice(None)).flatten()
    assert values.dtype == torch.float32
    assert values[0] == -1 and values[-1] == 1
    assert torch.equal(values, -values.flip(0))
    exact = np.linspace(-1, 1, top + 1)
    assert np.abs(values.double().numpy() - exact).max() <= np.finfo(np.float32).eps / 4


@given(rows=st.lists(st.integers(0, 4), max_size=7), form=st.sampled_from([list, np.array, torch.tensor]))
def test_values_come_in_the_order_that_is_asked_for(rows, form):
    data = Images("five", torch.arange(5, dtype=torch.uint8).reshape(5, 1, 1, 1), flip=True, top=4)
    wanted = form(rows) if rows or form is list else form([0])[:0]
    if rows:
        assert data.values(wanted).flatten().tolist() == [row / 2 - 1 for row in rows]
    assert data.values(slice(1, 3)).flatten().tolist() == [-0.5, 0.0]


@given(seed=st.integers(0, 2**32), n=st.integers(1, 40), flip=st.booleans())
def test_a_batch_is_decided_by_its_generator_alone(seed, n, flip):
    data = Images("five", torch.from_numpy(some_images()).permute(0, 3, 1, 2), flip=flip)
    torch.manual_seed(seed)
    before = torch.get_rng_state()
    first = data.batch(n, generator(seed))
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(seed + 1)
    assert torch.equal(first, data.batch(n, generator(seed)))
    assert first.dtype == torch.float32 and first.shape == (n, 3, 8, 8)


@pytest.mark.parametrize("flip", [False, True])
def test_a_batch_holds_whole_images_of_which_half_are_mirrored_where_flip_says_so(flip):
    data = Images("five", torch.from_numpy(some_images()).permute(0, 3, 1, 2), flip=flip)
    plain = data.values(slice(None))
    batch = data.batch(2000, generator())
    same = (batch[:, None] == plain).flatten(2).all(2)
    mirrored = (batch[:, None] == plain.flip(-1)).flatten(2).all(2)
    assert torch.equal(same.sum(1) + mirrored.sum(1), torch.ones(2000, dtype=torch.int64))
    expected = 2000 / 2 if flip else 0
    assert abs(mirrored.sum() - expected) <= 4 * (2000 / 4) ** 0.5 * flip
    counts = (same | mirrored).sum(0)
    assert (counts - 400).abs().max() <= 4 * (2000 * 0.2 * 0.8) ** 0.5


# sizes


def block_means(array, size):
    """uint8 [n, c, s, s] -> [n, c, size, size]: means of whole blocks in integers, halves to the even level."""
    k = array.shape[2] // size
    total = array.astype(int).reshape(*array.shape[:2], size, k, size, k).sum((3, 5))
    low, rest = np.divmod(total, k * k)
    return low + (2 * rest > k * k) + ((2 * rest == k * k) & (low % 2 == 1))


@given(st.integers(1, 5), st.integers(1, 4), st.data())
def test_shrinking_by_a_whole_factor_gives_the_means_of_blocks(size, factor, data):
    array = data.draw(hnp.arrays(np.uint8, (2, 3, size * factor, size * factor)))
    assert np.array_equal(pixels.shrink(torch.from_numpy(array), size).numpy(), block_means(array, size))


@given(st.integers(1, 12), st.data())
def test_shrinking_by_any_factor_averages_the_pixels_that_an_area_touches(side, data):
    size = data.draw(st.integers(1, side))
    array = data.draw(hnp.arrays(np.uint8, (1, 1, side, side)))
    edges = [(i * side // size, -((i + 1) * side // -size)) for i in range(size)]
    expected = [[array[0, 0, a:b, c:d].mean() for c, d in edges] for a, b in edges]
    assert np.abs(pixels.shrink(torch.from_numpy(array), size)[0, 0].numpy() - expected).max() <= 0.5


@given(byte_images, st.data())
def test_shrinking_keeps_to_the_middle_square(array, data):
    size = data.draw(st.integers(1, min(array.shape[1:3])))
    images_ = torch.from_numpy(array).permute(0, 3, 1, 2)
    height, width = array.shape[1:3]
    side = min(height, width)
    row, column = (height - side) // 2, (width - side) // 2
    square = images_[:, :, row : row + side, column : column + side]
    assert torch.equal(pixels.shrink(images_, size), pixels.shrink(square, size))


def test_shrinking_many_images_treats_each_alone(monkeypatch):
    array = torch.from_numpy(some_images(n=11)).permute(0, 3, 1, 2)
    whole = pixels.shrink(array, 4)
    monkeypatch.setattr(pixels, "CHUNK", 3)
    assert torch.equal(pixels.shrink(array, 4), whole)


# digits


def test_digits_keep_their_seventeen_levels():
    digits, original = images.load("digits"), load_digits()
    assert digits.shape == (1, 8, 8) and len(digits) == 1797 and not digits.flip
    values = digits.values(slice(None))
    assert np.array_equal(8 * (values.numpy()[:, 0] + 1), original.images)
    assert np.array_equal(digits.labels, original.target) and digits.labels.dtype == torch.int64
    assert digits.classes == list("0123456789")


def test_smaller_digits_are_averages_in_bytes():
    small, original = images.load("digits-4"), load_digits().images
    means = original.reshape(-1, 4, 2, 4, 2).mean((2, 4)) / 16
    assert np.abs(small.values(slice(None))[:, 0].double().numpy() - (2 * means - 1)).max() <= 1 / 255 + 1e-7


# .npz files


@one_folder()
@given(byte_images, st.booleans(), st.booleans())
def test_an_npz_file_gives_the_images_and_labels_that_were_saved(tmp_path, array, labelled, compressed):
    labels = {"labels": np.arange(len(array), dtype=np.uint8)} if labelled else {}
    (np.savez_compressed if compressed else np.savez)(tmp_path / "i.npz", images=array, **labels)
    found = images.load(f"npz:{tmp_path / 'i.npz'}")
    assert np.array_equal(found.pixels.permute(0, 2, 3, 1), array) and found.pixels.is_contiguous()
    assert (found.labels.tolist() == list(range(len(array)))) if labelled else (found.labels is None)
    assert not found.flip and found.classes is None


def test_the_only_array_of_an_npz_file_may_have_any_name(tmp_path):
    np.savez(tmp_path / "i.npz", some_images())
    assert len(images.load(tmp_path / "i.npz")) == 5


@pytest.mark.parametrize(
    "arrays, said",
    [
        ({"images": some_images().astype(np.float32)}, r"uint8 .* got float32 \[5, 8, 8, 3\]"),
        ({"images": some_images().astype(np.int64)}, "uint8 .* got int64"),
        ({"images": some_images()[..., 0]}, r"c = 1 or 3, got uint8 \[5, 8, 8\]"),
        ({"images": some_images(channels=4)}, r"c = 1 or 3, got uint8 \[5, 8, 8, 4\]"),
        ({"images": some_images().transpose(0, 3, 1, 2)}, r"c = 1 or 3, got uint8 \[5, 3, 8, 8\]"),
        ({"images": some_images(n=0)}, r"got uint8 \[0, 8, 8, 3\]"),
        ({"images": some_images(width=0)}, r"got uint8 \[5, 8, 0, 3\]"),
        ({"images": np.array([None, "x"], dtype=object)}, "not a readable .npz file"),
        ({"a": some_images(), "b": some_images()}, "no array 'images'; its arrays are: a, b"),
        ({"labels": np.arange(5)}, "no array 'images'; its arrays are: none"),
        ({"images": some_images(), "labels": np.arange(4)}, r"labels .* 5 integers from 0, got int64 \[4\]"),
        ({"images": some_images(), "labels": np.ones(5)}, r"labels .* got float64 \[5\]"),
        ({"images": some_images(), "labels": np.arange(5) - 1}, "labels .* integers from 0"),
    ],
)
def test_an_npz_file_of_another_form_is_refused(tmp_path, arrays, said):
    np.savez(tmp_path / "i.npz", **arrays)
    with pytest.raises(ValueError, match=said) as error:
        images.load(f"npz:{tmp_path / 'i.npz'}")
    assert str(tmp_path / "i.npz") in str(error.value)


@one_folder(max_examples=300)
@given(compressed=st.booleans(), cut=st.booleans(), place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_damaged_npz_file_is_refused_or_gives_the_same_images(tmp_path, compressed, cut, place, bit):
    array, path = some_images(height=2, width=2), tmp_path / "i.npz"
    (np.savez_compressed if compressed else np.savez)(path, images=array, labels=np.arange(5))
    raw = bytearray(path.read_bytes())
    at = int(place * len(raw))
    raw[at] ^= 1 << bit
    path.write_bytes(raw[:at] if cut else raw)
    try:
        found = images.load(path)
    except ValueError as error:
        assert str(path) in str(error)
    else:
        assert not cut
        assert np.array_equal(found.pixels.permute(0, 2, 3, 1), array)
        assert found.labels is None or found.labels.tolist() == list(range(5))


@pytest.mark.parametrize("content", [b"", b"no archive", pickle.dumps([1]), b"\x93NUMPY\x01\x00"])
def test_a_file_that_is_no_npz_is_refused(tmp_path, content):
    (tmp_path / "i.npz").write_bytes(content)
    with pytest.raises(ValueError, match="i.npz is not a readable .npz file"):
        images.load(tmp_path / "i.npz")


def test_a_missing_npz_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="i.npz"):
        images.load(f"npz:{tmp_path / 'i.npz'}")


# folders


def save_image(path, array, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, **options)


def test_a_folder_is_read_in_the_order_of_its_paths_whatever_the_order_of_creation(tmp_path):
    names = [f"{folder}{i:02d}.png" for folder in ("", "b/", "a b/", "B/c/") for i in range(5)]
    shade = {name: i * 10 for i, name in enumerate(sorted(names, key=lambda name: name.split("/")))}
    for name in random.Random(0).sample(names, len(names)):
        save_image(tmp_path / name, np.full((4, 4), shade[name], np.uint8))
    found = images.load(f"folder:{tmp_path}", size=4)
    assert found.pixels[:, 0, 0, 0].tolist() == sorted(shade.values())
    assert found.labels is None and found.classes is None


def test_sub_folders_are_classes(tmp_path):
    for i, name in enumerate(["cats/x/1.png", "dogs/1.png", "cats/2.png", "ants/1.PNG"]):
        save_image(tmp_path / name, np.full((4, 4), i, np.uint8))
    found = images.load(tmp_path, size=4)
    assert found.classes == ["ants", "cats", "dogs"]
    assert found.labels.tolist() == [0, 1, 1, 2] and found.labels.dtype == torch.int64
    assert found.pixels[:, 0, 0, 0].tolist() == [3, 2, 0, 1]


def test_links_to_folders_are_followed_and_those_that_lead_back_are_not(tmp_path):
    for i, name in enumerate(["elsewhere/1.png", "photos/dogs/1.png"]):
        save_image(tmp_path / name, np.full((4, 4), i, np.uint8))
    (tmp_path / "photos/cats").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (tmp_path / "elsewhere/back").symlink_to(tmp_path / "photos", target_is_directory=True)
    (tmp_path / "photos/dogs/up").symlink_to(tmp_path / "photos/dogs", target_is_directory=True)
    found = images.load(tmp_path / "photos", size=4)
    assert (found.classes, found.labels.tolist()) == (["cats", "dogs"], [0, 1])
    assert found.pixels[:, 0, 0, 0].tolist() == [0, 1]


def test_files_that_are_no_images_are_passed_over(tmp_path):
    save_image(tmp_path / "1.png", np.zeros((4, 4), np.uint8))
    for name in ("Thumbs.db", ".DS_Store", "._1.png", "readme.txt", ".cache/2.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"text")
    found = images.load(tmp_path, size=4)
    assert len(found) == 1 and found.passed_over == 2 and "2 other files passed over" in repr(found)


KINDS = {  # what is saved -> the RGB that it stands for
    "grey": (np.uint8([[[200]]]), "L", (200, 200, 200)),
    "grey and alpha": (np.uint8([[[100, 0]]]), "LA", (255, 255, 255)),
    "opaque": (np.uint8([[[1, 2, 3, 255]]]), "RGBA", (1, 2, 3)),
    "transparent": (np.uint8([[[1, 2, 3, 0]]]), "RGBA", (255, 255, 255)),
    "half transparent": (np.uint8([[[0, 100, 255, 51]]]), "RGBA", (204, 224, 255)),
    "colour": (np.uint8([[[1, 2, 3]]]), "RGB", (1, 2, 3)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_image_becomes_rgb(tmp_path, kind):
    array, mode, rgb = KINDS[kind]
    Image.frombytes(mode, (4, 4), array.tobytes() * 16).save(tmp_path / "1.png")
    found = images.load(tmp_path, size=4)
    assert found.shape == (3, 4, 4)
    assert (found.pixels == torch.tensor(rgb).reshape(3, 1, 1)).all()


def test_palettes_bits_and_sixteen_bits_become_rgb(tmp_path):
    palette = Image.new("P", (4, 4), 1)
    palette.putpalette([0, 0, 0, 10, 20, 30])
    palette.save(tmp_path / "1.png")
    palette.save(tmp_path / "2.png", transparency=1)
    Image.new("1", (4, 4), 1).save(tmp_path / "3.png")
    save_image(tmp_path / "4.png", np.full((4, 4), 200 * 257, np.uint16))
    found = images.load(tmp_path, size=4)
    assert found.pixels[:, :, 2, 1].tolist() == [[10, 20, 30], [255] * 3, [255] * 3, [200] * 3]


def test_an_image_of_unknown_range_is_refused(tmp_path):
    save_image(tmp_path / "1.tif", np.linspace(0, 1, 16, dtype=np.float32).reshape(4, 4))
    with pytest.raises(ValueError, match="1.tif cannot be read as an image: .* mode F"):
        images.load(tmp_path, size=4)


def test_photographs_are_turned_upright(tmp_path):
    array, exif = some_images(n=1)[0], Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    save_image(tmp_path / "1.png", array, exif=exif)
    found = images.load(tmp_path, size=8).pixels[0].permute(1, 2, 0)
    assert np.array_equal(found, np.rot90(array, -1))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_that_of_pillow(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    save_image(tmp_path / "1.png", some_images(n=1)[0], exif=exif)
    with Image.open(tmp_path / "1.png") as file:
        upright = np.asarray(ImageOps.exif_transpose(file))
    assert np.array_equal(images.load(tmp_path, size=8).pixels[0].permute(1, 2, 0), upright)


def test_one_damaged_exif_value_does_not_hide_the_orientation_or_the_image(tmp_path):
    """Pillow's own exif_transpose writes all of the data again, and fails at a signed rational of -1 / 0."""
    orientation, resolution = struct.pack("<HHIHH", 0x112, 3, 1, 6, 0), struct.pack("<HHII", 0x11A, 10, 1, 38)
    exif = b"Exif\0\0II*\0\x08\0\0\0\x02\0" + orientation + resolution + b"\0" * 4 + struct.pack("<ii", -1, 0)
    array = np.repeat(np.arange(0, 256, 16, dtype=np.uint8)[:, None], 16, 1)
    save_image(tmp_path / "1.jpg", array, exif=exif, quality=100)
    save_image(tmp_path / "2.jpg", array, exif=b"Exif\0\0 no data at all", quality=100)
    found = images.load(tmp_path, size=16).pixels[:, 0].int()
    assert (found[0] - torch.from_numpy(np.rot90(array, -1).astype(np.int32))).abs().max() <= 2
    assert (found[1] - torch.from_numpy(array.astype(np.int32))).abs().max() <= 2


@pytest.mark.parametrize(
    "ending, form",
    [("jfif", "JPEG"), ("jpe", "JPEG"), ("pnm", "PPM"), ("jp2", "JPEG2000"), ("tga", "TGA"), ("apng", "PNG")],
)
def test_every_ending_that_pillow_knows_is_an_image(tmp_path, ending, form):
    save_image(tmp_path / f"1.{ending}", np.full((8, 8, 3), 80, np.uint8), format=form)
    assert (images.load(tmp_path, size=8).pixels.int() - 80).abs().max() <= 1


def test_files_that_hold_no_pictures_are_no_images(tmp_path):
    save_image(tmp_path / "1.png", np.zeros((4, 4), np.uint8))
    for name in ("data.h5", "paper.ps", "film.mpg"):
        (tmp_path / name).write_bytes(b"something else")
    found = images.load(tmp_path, size=4)
    assert len(found) == 1 and found.passed_over == 3


def test_sixteen_bits_of_a_portable_grey_map_become_eight(tmp_path):
    values = np.arange(16, dtype=">u2") * 257
    (tmp_path / "1.pgm").write_bytes(b"P5\n4 4\n65535\n" + values.tobytes())
    assert images.load(tmp_path, size=4).pixels[0, 1].flatten().tolist() == list(range(16))


@one_folder(max_examples=20)
@given(byte_images)
def test_channels_are_turned_as_pillow_turns_them(tmp_path, array):
    np.savez(tmp_path / "i.npz", images=array)
    pillow = [Image.fromarray(image.squeeze(2) if image.shape[2] == 1 else image) for image in array]
    for channels, mode in ((1, "L"), (3, "RGB")):
        found = images.load(tmp_path / "i.npz", channels=channels).pixels.permute(0, 2, 3, 1).numpy()
        expected = np.stack([np.asarray(image.convert(mode)).reshape(*array.shape[1:3], channels) for image in pillow])
        assert np.array_equal(found, expected)


@pytest.mark.parametrize("channels, error", [(2, ValueError), (4, ValueError), ("grey", TypeError)])
def test_other_numbers_of_channels_are_refused(channels, error):
    with pytest.raises(error, match="channels must be"):
        images.load("digits", channels=channels)


@one_folder(max_examples=30)
@given(st.integers(1, 6), st.integers(1, 3), st.integers(0, 5), st.booleans())
def test_images_are_averaged_over_the_areas_of_their_middle_square(tmp_path, size, factor, margin, upright):
    side = size * factor
    shape = (side + 2 * margin, side) if upright else (side, side + 2 * margin)
    array = some_images(1, *shape, seed=margin)[0]
    save_image(tmp_path / "1.png", array)
    rows = slice(margin, margin + side) if upright else slice(None)
    columns = slice(None) if upright else slice(margin, margin + side)
    means = array[rows, columns].reshape(size, factor, size, factor, 3).mean((1, 3))
    found = images.load(tmp_path, size=size).pixels[0].permute(1, 2, 0).numpy()
    assert np.abs(found - means).max() <= 1  # rows and columns are each rounded to bytes


def test_small_images_are_enlarged(tmp_path):
    save_image(tmp_path / "1.png", np.repeat(np.uint8([[0], [240]]), 2, 1))
    save_image(tmp_path / "2.png", np.full((2, 3), 77, np.uint8))
    found = images.load(tmp_path, size=8).pixels[:, 0].float()
    assert (found[0].diff(dim=0) >= 0).all() and (found[0].diff(dim=1) == 0).all()
    assert found[0, 0, 0] == 0 and found[0, -1, 0] >= 240 and len(found[0, :, 0].unique()) > 3
    assert (found[1] == 77).all()


@pytest.mark.parametrize("shapes", [[(6, 6)], [(6, 6), (6, 9), (8, 6)]], ids=["square", "mixed"])
def test_images_of_one_shorter_side_need_no_size(tmp_path, shapes):
    for i, shape in enumerate(shapes):
        save_image(tmp_path / f"{i}.png", some_images(1, *shape)[0])
    found, same = images.load(tmp_path), images.load(tmp_path, size=6)
    assert found.name == same.name and torch.equal(found.pixels, same.pixels)


def test_images_of_different_shorter_sides_need_a_size(tmp_path):
    for side in (5, 4, 6):
        save_image(tmp_path / f"{side}.png", some_images(1, side, 9)[0])
    with pytest.raises(ValueError, match=rf"size must be given for {tmp_path}, .* 4 to 6 pixels"):
        images.load(tmp_path)


def test_an_unreadable_image_among_many_is_named_and_all_are_counted(tmp_path):
    for i in range(50):
        save_image(tmp_path / f"{i:02d}.jpg", some_images(n=1)[0])
    (tmp_path / "31.jpg").write_bytes((tmp_path / "31.jpg").read_bytes()[:300])
    (tmp_path / "17.jpg").write_bytes(b"")
    with pytest.raises(ValueError, match=r"17.jpg cannot be read as an image: .*\(2 of 50 images") as error:
        images.load(tmp_path, size=8)
    assert str(tmp_path) in str(error.value)


def test_an_image_without_a_readable_size_is_named(tmp_path):
    save_image(tmp_path / "1.png", some_images(n=1)[0])
    (tmp_path / "2.png").touch()
    with pytest.raises(ValueError, match=r"2.png cannot be read as an image: .*\(1 of 2 images"):
        images.load(tmp_path)


@pytest.mark.parametrize("size", [8, None])
def test_a_folder_without_images_is_refused(tmp_path, size):
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(ValueError, match=f"no images in {tmp_path}.*.jpg"):
        images.load(f"folder:{tmp_path}", size=size)


@pytest.mark.parametrize("name, error", [("missing", FileNotFoundError), ("file.png", NotADirectoryError)])
def test_what_is_no_folder_is_named(tmp_path, name, error):
    (tmp_path / "file.png").touch()
    with pytest.raises(error, match=name):
        images.load(f"folder:{tmp_path / name}", size=8)


# CIFAR-10: a small copy in the official layout, with pixels of its own


def synthetic_cifar():
    """{name: bytes} of the official files, with `PER_BATCH` images of random pixels, and the arrays in them."""
    rng = np.random.default_rng(10)
    files, arrays = {}, {}
    for name in [*cifar.TRAIN, *cifar.TEST]:
        means = np.repeat(255 * MEANS.numpy(), 1024)
        pixels_ = np.clip(rng.normal(means, 50, (PER_BATCH, 3072)).round(), 0, 255).astype(np.uint8)
        labels = rng.integers(0, 10, PER_BATCH).tolist()
        files[name] = python2_pickles.dumps(
            {"batch_label": name, "labels": labels, "data": pixels_, "filenames": ["x.png"] * PER_BATCH}
        )
        arrays[name] = pixels_.reshape(-1, 3, 32, 32), labels
    files["batches.meta"] = python2_pickles.dumps(
        {"num_cases_per_batch": 10000, "label_names": CLASSES, "num_vis": 3072}
    )
    return files, arrays


FILES, ARRAYS = synthetic_cifar()


def packed(files):
    """The bytes of an archive of these files, in another order than ours and among others, like the official one."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", compresslevel=1) as tar:
        for name, data in {**dict(reversed(files.items())), "readme.html": b"<html>"}.items():
            member = tarfile.TarInfo(f"{cifar.LAYOUT}/{name}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return out.getvalue()


PACKED = packed(FILES)


def sums(files, archive=PACKED):
    return {name: hashlib.md5(data).hexdigest() for name, data in {**files, cifar.ARCHIVE: archive}.items()}


MD5 = sums(FILES)


def write_archive(folder):
    (folder / cifar.ARCHIVE).write_bytes(PACKED)


def write_layout(folder):
    (folder / cifar.LAYOUT).mkdir()
    for name, data in FILES.items():
        (folder / cifar.LAYOUT / name).write_bytes(data)


each_form = pytest.mark.parametrize("write", [write_archive, write_layout])


def test_batches_meta_of_the_copy_is_the_official_file():
    assert MD5["batches.meta"] == cifar.MD5["batches.meta"]


@each_form
@pytest.mark.parametrize("train, names", [(True, cifar.TRAIN), (False, cifar.TEST)])
def test_the_official_layout_is_read_in_its_order_and_left_as_it_is(tmp_path, write, train, names):
    write(tmp_path)
    before = contents(tmp_path)
    found, labels, classes = cifar.read(tmp_path, train, md5=MD5)
    assert found.dtype == torch.uint8 and labels.dtype == torch.int64
    assert np.array_equal(found, np.concatenate([ARRAYS[name][0] for name in names]))
    assert labels.tolist() == [label for name in names for label in ARRAYS[name][1]]
    assert classes == CLASSES
    assert contents(tmp_path) == before


# Training sets whose channel means are the known ones: the copy's, and the official one's where it has been downloaded.
CIFAR_SETS = {"synthetic": MD5}
if any((cifar.default_folder() / name).exists() for name in (cifar.ARCHIVE, cifar.LAYOUT)):
    CIFAR_SETS["official"] = cifar.MD5


@pytest.mark.parametrize("md5", CIFAR_SETS.values(), ids=CIFAR_SETS)
def test_channel_means_of_cifar10_are_the_known_ones_within_their_standard_errors(tmp_path, md5):
    folder = None if md5 is cifar.MD5 else tmp_path
    write_archive(tmp_path)
    means = cifar.read(folder, md5=md5)[0].double().div(255).mean((2, 3))
    error = means.std(0) / len(means) ** 0.5
    assert ((means.mean(0) - MEANS).abs() <= 4 * error + 5e-5).all()


def test_load_gives_cifar10_with_flips_names_and_both_parts(tmp_path, monkeypatch):
    write_archive(tmp_path)
    monkeypatch.setattr(cifar, "read", partial(cifar.read, md5=MD5))
    train, small = images.load("cifar10", folder=tmp_path), images.load("cifar10-16", folder=tmp_path)
    assert train.flip and small.flip and train.classes == CLASSES
    assert (train.shape, small.shape, len(train)) == ((3, 32, 32), (3, 16, 16), 5 * PER_BATCH)
    assert np.array_equal(small.pixels, block_means(train.pixels.numpy(), 16))
    test = images.load("cifar10", train=False, folder=tmp_path)
    assert (test.name, len(test)) == ("cifar10:test", PER_BATCH)
    assert torch.equal(images.load("cifar10:test", folder=tmp_path).pixels, test.pixels)
    assert images.load("cifar10", size=16, train=False, folder=tmp_path).name == "cifar10-16:test"
    assert images.load("cifar10:train", folder=tmp_path).name == "cifar10"
    monkeypatch.setenv("TOYLAB_DATA", str(tmp_path))
    (tmp_path / "downloads").mkdir()
    write_archive(tmp_path / "downloads")
    assert not images.load("CIFAR10", flip=False).flip


@each_form
@one_folder(max_examples=20)
@given(place=st.floats(0, 1, exclude_max=True), cut=st.booleans(), which=st.integers(0, 5))
def test_a_damaged_official_file_is_refused_by_its_name_and_kept(tmp_path, write, place, cut, which):
    if not contents(tmp_path):
        write(tmp_path)
    name = [*cifar.TRAIN, "batches.meta"][which]
    path = tmp_path / cifar.ARCHIVE if write is write_archive else tmp_path / cifar.LAYOUT / name
    whole = path.read_bytes()
    damaged = bytearray(whole)
    damaged[int(place * len(whole))] ^= 1
    path.write_bytes(whole[: int(place * len(whole))] if cut else damaged)
    before = contents(tmp_path)
    with pytest.raises(ValueError, match=f"{path} is not the official file.*Nothing was changed"):
        cifar.read(tmp_path, md5=MD5, address="http://127.0.0.1:9/")
    assert contents(tmp_path) == before
    path.write_bytes(whole)


@each_form
def test_a_copy_with_other_pixels_is_not_taken_for_cifar10(tmp_path, write):
    write(tmp_path)
    with pytest.raises(ValueError, match="is not the official file"):
        images.load("cifar10", folder=tmp_path)


def test_a_missing_official_file_is_named(tmp_path):
    write_layout(tmp_path)
    (tmp_path / cifar.LAYOUT / "data_batch_4").unlink()
    with pytest.raises(FileNotFoundError, match="data_batch_4"):
        cifar.read(tmp_path, md5=MD5)
    archive = packed({name: data for name, data in FILES.items() if name != "data_batch_4"})
    (tmp_path / cifar.ARCHIVE).write_bytes(archive)
    with pytest.raises(ValueError, match="cifar-10-python.tar.gz lacks data_batch_4"):
        cifar.read(tmp_path, md5=sums(FILES, archive))


class Harm:
    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return Path.touch, (Path(self.path),)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text",
        pickle.dumps([1, 2]),
        pickle.dumps({"data": np.zeros((2, 3072), np.uint8)}),
        pickle.dumps({"data": np.zeros((2, 3072), np.uint8), "labels": [1]}),
        pickle.dumps({"data": np.zeros((2, 3072), np.float32), "labels": [1, 2]}),
        pickle.dumps({"data": np.zeros((2, 3071), np.uint8), "labels": [1, 2]}),
        pickle.dumps({"data": np.zeros((2, 3072), np.uint8), "labels": ["a", "b"]}),
    ],
)
def test_a_file_of_another_form_is_refused_though_its_sum_is_right(tmp_path, content):
    write_layout(tmp_path)
    (tmp_path / cifar.LAYOUT / "data_batch_2").write_bytes(content)
    with pytest.raises(ValueError, match="data_batch_2 does not hold images"):
        cifar.read(tmp_path, md5=sums({**FILES, "data_batch_2": content}))


@pytest.mark.parametrize("harm", [Harm, lambda path: {"data": Harm(path), "labels": [1]}])
def test_a_pickle_cannot_run_code(tmp_path, harm):
    write_layout(tmp_path)
    content = pickle.dumps(harm(tmp_path / "harm"), protocol=2)
    pickle.loads(content)
    assert (tmp_path / "harm").exists()
    (tmp_path / "harm").unlink()
    (tmp_path / cifar.LAYOUT / "data_batch_1").write_bytes(content)
    with pytest.raises(ValueError, match="data_batch_1 .* is not allowed here"):
        cifar.read(tmp_path, md5=sums({**FILES, "data_batch_1": content}))
    assert not (tmp_path / "harm").exists()


# downloads, from a server of one's own


class Server(http.server.ThreadingHTTPServer):
    """Sends `body`, announced as `length` bytes; after `pause` bytes it waits for `go_on`."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.body, self.length, self.pause, self.status = PACKED, len(PACKED), None, 200
        self.paused, self.go_on = threading.Event(), threading.Event()
        self.address = f"http://127.0.0.1:{self.server_port}/{cifar.ARCHIVE}"


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        self.send_response(server.status)
        self.send_header("Content-Length", str(server.length))
        self.end_headers()
        self.wfile.write(server.body[: server.pause])
        if server.pause is not None:
            self.wfile.flush()
            server.paused.set()
            server.go_on.wait(60)

    def log_message(self, *args):
        pass


@pytest.fixture
def server(monkeypatch):
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.go_on.set()
        running.shutdown()
        thread.join()


def download(folder, server, **kwargs):
    return cifar.read(folder, address=server.address, md5=MD5, **kwargs)


def test_a_download_is_kept_and_not_asked_for_again(tmp_path, server, capfd):
    folder = tmp_path / "new" / "downloads"
    found, labels, _ = download(folder, server, progress=False)
    assert capfd.readouterr() == ("", "")
    assert contents(folder) == {Path(cifar.ARCHIVE): PACKED}
    server.status = 500
    assert torch.equal(download(folder, server)[0], found)


@pytest.mark.parametrize("broken", ["cut short", "corrupt", "another file", "not there"])
def test_a_failed_download_leaves_nothing_and_says_what_to_do(tmp_path, server, broken):
    server.body, server.length, server.status = {
        "cut short": (PACKED[:-1000], len(PACKED), 200),
        "corrupt": (PACKED[:-1] + b"x", len(PACKED), 200),
        "another file": (b"<html>", 6, 200),
        "not there": (b"no", 2, 404),
    }[broken]
    with pytest.raises(OSError, match="could not be downloaded") as error:
        download(tmp_path, server)
    for part in (cifar.ARCHIVE, server.address, MD5[cifar.ARCHIVE], str(tmp_path)):
        assert part in str(error.value)
    assert contents(tmp_path) == {}
    server.body, server.length, server.status = PACKED, len(PACKED), 200
    assert len(download(tmp_path, server)[0]) == 5 * PER_BATCH


def test_offline_the_message_names_the_file_its_address_its_sum_and_the_folder(tmp_path, monkeypatch):
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("TOYLAB_DATA", str(tmp_path))
    with pytest.raises(OSError, match="could not be downloaded") as error:
        images.load("cifar10")
    official = ("cifar-10-python.tar.gz", "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz")
    for part in (*official, "c58f30108f718f92721af3d95e74349a", str(tmp_path / "downloads")):
        assert part in str(error.value)


@pytest.mark.slow
def test_a_download_killed_half_way_is_not_taken_for_whole(tmp_path, server):
    server.pause = len(PACKED) // 2
    code = "import sys; from toylab.images.data import cifar; cifar.read(sys.argv[1], address=sys.argv[2])"
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path), server.address])
    assert server.paused.wait(60)
    assert process.poll() is None
    process.kill()
    process.wait()
    assert not (tmp_path / cifar.ARCHIVE).exists()
    server.pause = None
    assert len(download(tmp_path, server)[0]) == 5 * PER_BATCH


# names


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A .npz file of 12x8 and a folder of 9x9, to be named from the working folder."""
    np.savez(tmp_path / "i.npz", images=some_images(height=12))
    for i, array in enumerate(some_images(height=9, width=9)):
        save_image(tmp_path / "photos" / f"{i}.png", array)
    np.savez(tmp_path / "square.npz", images=some_images())
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "asked, size, name",
    [
        ("digits", None, "digits"),
        (" Digits ", 8, "digits"),
        ("digits", 4, "digits-4"),
        ("npz:i.npz", None, "npz:i.npz"),
        ("i.npz", 6, "npz-6:i.npz"),
        ("npz-8:i.npz", 8, "npz-8:i.npz"),
        ("npz-8:square.npz", None, "npz:square.npz"),
        ("folder:photos", 9, "folder-9:photos"),
        ("photos", 16, "folder-16:photos"),
        ("folder:photos", None, "folder-9:photos"),
        (Path("photos"), np.int64(5), "folder-5:photos"),
    ],
)
def test_a_name_loads_the_same_images_again(files, asked, size, name):
    first = images.load(asked, size=size)
    assert first.name == name
    again = images.load(json.loads(json.dumps(first.name)))
    assert again.name == name and torch.equal(again.pixels, first.pixels)


@pytest.mark.parametrize(
    "name, options, said",
    [
        ("cifar", {}, "unknown images 'cifar'; did you mean 'cifar10'"),
        ("digit", {}, "did you mean 'digits'"),
        ("cifar10:tset", {}, "did you mean 'cifar10:test'"),
        ("digits:test", {}, "choose from: digits$"),
        ("npz:", {}, "'npz:' names no file: it must be npz:PATH"),
        ("folder", {"size": 8}, "it must be folder:PATH"),
        ("digits", {"size": 0}, "size must be an integer of at least 1, got 0"),
        ("digits-0", {}, "size must be an integer of at least 1, got 0"),
        ("digits", {"size": 9}, "size must be at most 8 for images of 8x8, got 9"),
        ("npz:i.npz", {"size": 9}, "size must be at most 8 for images of 12x8, got 9"),
        ("folder:photos", {"size": 100_000}, "size must be an integer from 1 to 1024, got 100000"),
        ("cifar10-16", {"size": 8}, "size must be 16 as in the name 'cifar10-16', got 8"),
        ("digits", {"train": False}, "train=False asks for the test images of cifar10, got 'digits'"),
        ("cifar10:train", {"train": False}, "train=False contradicts"),
        ("digits", {"folder": "somewhere"}, "folder says where cifar10 lies, got 'somewhere'"),
    ],
)
def test_a_name_or_option_that_means_nothing_is_refused(files, name, options, said):
    with pytest.raises(ValueError, match=said):
        images.load(name, **options)


@pytest.mark.parametrize("name", [None, 5, b"digits", ["digits"]])
def test_a_name_must_be_text_or_a_path(name):
    with pytest.raises(TypeError, match="name_or_path must be a name"):
        images.load(name)


@pytest.mark.parametrize("size", [True, 8.0, "8", [8]])
def test_a_size_must_be_an_integer(size):
    with pytest.raises(TypeError, match="size must be an integer"):
        images.load("digits", size=size)


@pytest.mark.parametrize("path", [Path("nowhere"), "no/where"])
def test_a_path_to_nothing_is_named(path):
    with pytest.raises(FileNotFoundError, match=f"{path} is neither a folder nor a .npz file"):
        images.load(path)


@given(st.text(max_size=20))
def test_any_other_text_is_refused_in_plain_words(text):
    if text.strip().lower() in ("digits", "cifar10") or Path(text).is_dir():
        return
    with pytest.raises((ValueError, OSError)):
        images.load(text)


# the package


@pytest.mark.slow
def test_images_are_reached_without_importing_what_only_they_need():
    code = (
        "import sys, toylab.datasets; toylab.datasets\n"
        "assert not {'PIL', 'pooch', 'requests', 'sklearn'} & sys.modules.keys(), sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ)


def test_the_names_that_are_listed_are_forms_that_load_takes():
    assert images.names()[0] == "digits" and toylab.images is images
    assert {"cifar10", "cifar10-16", "npz:PATH", "folder:PATH"} <= set(images.names())
