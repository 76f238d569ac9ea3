"""Pictures made of many images: every pixel where it belongs, every value the nearest byte."""

import io

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from toylab.images.tiles import save_picture, tile, to_bytes


def test_the_ends_of_the_range_are_black_and_white_and_values_beyond_are_cut_off():
    x = torch.tensor([-1.0, 1.0, -7.0, 7.0, 0.0]).reshape(5, 1, 1, 1)
    assert to_bytes(x).flatten().tolist() == [0, 255, 0, 255, 128]


@given(level=st.integers(0, 255))
def test_a_byte_shown_as_a_value_comes_back(level):
    assert to_bytes(torch.full((1, 1, 1, 1), level / 127.5 - 1)).item() == level


@given(
    n=st.integers(1, 9), channels=st.sampled_from([1, 3]), height=st.integers(1, 4), width=st.integers(1, 4),
    columns=st.integers(1, 10), gap=st.integers(0, 2),
)  # fmt: skip
def test_image_i_lies_in_row_i_over_columns_and_column_i_modulo_columns(n, channels, height, width, columns, gap):
    x = torch.rand(n, channels, height, width, generator=torch.Generator().manual_seed(n)) * 2 - 1
    picture, shown = tile(x, columns, gap), min(n, columns)
    assert picture.shape == (-(-n // shown) * (height + gap) - gap, shown * (width + gap) - gap, 3)
    for i in range(n):
        top, left = i // shown * (height + gap), i % shown * (width + gap)
        expected = to_bytes(x[i : i + 1])[0].expand(3, height, width).permute(1, 2, 0).numpy()
        np.testing.assert_array_equal(picture[top : top + height, left : left + width], expected)


def test_what_lies_between_images_is_white():
    picture = tile(torch.full((5, 1, 2, 2), -1.0), columns=3, gap=1)
    assert (picture == 255).sum() == picture.size - 5 * 4 * 3


def test_the_saved_picture_is_the_tiles_enlarged():
    x, file = torch.linspace(-1, 1, 12).reshape(3, 1, 2, 2), io.BytesIO()
    save_picture(x, file, columns=3, scale=4)
    again = np.asarray(Image.open(file))
    np.testing.assert_array_equal(again[::4, ::4], tile(x, 3))
    np.testing.assert_array_equal(again[3::4, 3::4], tile(x, 3))


@pytest.mark.parametrize(
    "x", [torch.zeros(2, 4, 8, 8), torch.zeros(2, 8, 8), torch.zeros(0, 1, 8, 8), np.zeros((2, 1, 8, 8)), None]
)
def test_what_is_no_set_of_images_is_refused_by_its_shape(x):
    with pytest.raises(ValueError, match="n, 1 or 3, h, w"):
        tile(x)


@pytest.mark.parametrize(("argument", "value"), [("columns", 0), ("gap", -1), ("columns", 2.5)])
def test_columns_and_gaps_that_make_no_grid_are_named(argument, value):
    with pytest.raises((ValueError, TypeError), match=argument):
        tile(torch.zeros(2, 1, 2, 2), **{argument: value})
