"""Images: from files, bytes and arrays, for training and damaged."""

import io
import warnings

import keras
import numpy as np
import pandas as pd
import PIL.Image
import pytest

import mtl_keras as mtl
from mtl_keras import features
from mtl_keras.errors import DataError
from mtl_keras.features.encoder import Encoder
from tests.features.encoding import encoded


def saved(image, form="PNG", **options):
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def png(array):
    return saved(PIL.Image.fromarray(array))


def test_an_image_is_read_from_a_path_its_bytes_or_an_array(tmp_path):
    pixels = np.arange(48, dtype=np.uint8).reshape(6, 8)
    (tmp_path / "a.png").write_bytes(png(pixels))
    pd.DataFrame({"photo": ["a.png"] * 2, "y": [0, 1]}).to_csv(tmp_path / "t.csv", index=False)
    table = mtl.datasets.read(tmp_path / "t.csv")
    columns = [table["photo"], pd.Series([png(pixels)]), pd.Series([pixels, None])]
    columns.append(pd.Series([{"bytes": png(pixels), "path": None}]))
    for column in columns:
        fitted, images = (
            encoded(features.Image("photo"), column)
            if column is not columns[0]
            else (
                features.Image("photo").fit(column),
                Encoder([features.Image("photo").fit(column)]).encode(table)["own_photo"],
            )
        )
        assert (fitted.height, fitted.width, fitted.channels) == (6, 8, 1)
        np.testing.assert_array_equal(images[0, :, :, 0], pixels)


def decoded(files):
    return [np.asarray(PIL.Image.open(io.BytesIO(file))) for file in files]


@pytest.mark.parametrize(("white", "low"), [(1, 0.2), (255, 51.0)])
def test_equal_pixels_are_equal_in_every_image(white, low):
    """The image whose pixels are all at most 1 was taken for fractions, whatever the others."""
    images = [np.full((2, 2), value * white) for value in (0.0, 1 / 255, 0.2, 1.0)]
    fitted = features.Image("photo").fit(pd.Series(images))
    assert fitted.white == white and low in images[2]
    for columns in (images, images[:2]):
        for pixels, value in zip(decoded(fitted.raw(pd.Series(columns))), (0, 1, 51, 255)):
            assert (pixels == value).all()
    assert features.get(fitted.get_config()) == fitted


def test_a_scale_of_pixels_that_is_not_known_is_refused():
    ones = np.ones((2, 2))
    fitted = features.Image("photo").fit(pd.Series([ones]))
    with pytest.raises(DataError, match=r"row 0 is not an image\. .* from 0 to 1\. .* to 255"):
        fitted.raw(pd.Series([ones * 255]))
    fitted = features.Image("photo").fit(pd.Series([np.full((2, 2), 7, np.uint8)]))
    with pytest.raises(DataError, match="floats, but no training image did"):
        fitted.raw(pd.Series([ones]))
    with pytest.raises(DataError, match=r"0 and 1, as integers.*store them as booleans"):
        features.Image("photo").fit(pd.Series([np.eye(3, dtype=int)]))


def test_augmentation_is_for_training_only():
    image = features.Image(
        "photo", augment={"translation": 0.3, "contrast": 0.5}, height=8, width=8, channels=1
    )
    pixels = keras.Input((8, 8, 1), dtype="uint8")
    layers = keras.Model(pixels, image.represent(pixels, "x"))
    before = layers.get_layer("x_contrast").output
    augmented = keras.Model(pixels, before)
    x = np.random.default_rng(0).integers(0, 255, (2, 8, 8, 1), np.uint8)
    np.testing.assert_allclose(augmented(x, training=False), x / 255.0, atol=1e-6)
    assert np.abs(augmented(x, training=True) - x / 255.0).max() > 0.05


@pytest.mark.usefixtures("without_report")
def test_predictions_of_augmented_images_are_those_of_the_network(tmp_path):
    random = np.random.default_rng(0)
    photos = list(random.integers(0, 255, (40, 8, 8), np.uint8))
    table = pd.DataFrame({"photo": photos, "y": random.integers(0, 2, 40)})
    photo = features.Image("photo", encoder={"kind": "cnn", "filters": [2]}, augment={"zoom": 0.9})
    small = {"layers": [4], "members": 1}
    declared = mtl.Experiment({"y": "binary"}, [photo], small, training={"epochs": 1})
    run = declared.run(table, show=None)
    run.export(tmp_path / "a")
    x = run.encoder.encode(table)
    expected = run.model.predict(x)["y"].ravel()
    for model in (run, mtl.load(tmp_path / "a")):
        np.testing.assert_allclose(model.predict(table)["y_probability"], expected, rtol=1e-4)


def test_a_damaged_image_is_named_when_it_is_decoded():
    good = png(np.random.default_rng(0).integers(0, 255, (20, 20), np.uint8))
    table = pd.DataFrame({"photo": [good, good[:-150]]})
    encoder = Encoder([features.Image("photo").fit(table["photo"])])
    with pytest.raises(DataError, match="image of row number 2 cannot be decoded"):
        encoder.encode(table)


def test_what_the_network_does_not_see_of_an_image_is_told():
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (8, 8, 3), np.uint8)
    orientation = PIL.Image.Exif()
    orientation[0x0112] = 6
    photo = saved(PIL.Image.fromarray(pixels), "JPEG", exif=orientation)
    icon = png(np.dstack([0 * pixels, pixels[:, :, 0]]))  # black on nothing
    deep = png(random.integers(0, 4096, (8, 8)).astype(np.uint16))
    for file, message in [
        (icon, "1 of 2 images have transparent pixels"),
        (photo, "1 of 2 images have an EXIF orientation"),
        (deep, "1 of 2 images have 16 bits per pixel"),
    ]:
        with pytest.warns(UserWarning, match=f"'photo': {message}"):
            features.Image("photo").fit(pd.Series([file, png(pixels)]))
    opaque = png(np.dstack([pixels, np.full((8, 8), 255, np.uint8)]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plain = saved(PIL.Image.fromarray(pixels), "JPEG")
        features.Image("photo").fit(pd.Series([opaque, plain, png(pixels)]))


def test_fractions_that_leave_their_range_are_not_taken_for_black():
    fractions = np.linspace(0, 1, 64).reshape(8, 8)
    image = features.Image("photo")
    with pytest.raises(DataError, match=r"floats have pixels up to 1\.02.*Clip or scale"):
        image.fit(pd.Series([fractions * 1.02]))
    _, images = encoded(image, pd.Series([fractions * (1 + 1e-6)]))
    assert images[0].max() == 255


@pytest.mark.parametrize("form", ["GIF", "BMP"])
def test_grey_images_of_any_format_are_read(form):
    grey = PIL.Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8))
    _, images = encoded(features.Image("photo"), pd.Series([saved(grey, form)]))
    np.testing.assert_array_equal(images[0], np.repeat(np.asarray(grey)[:, :, None], 3, axis=2))


def test_a_palette_that_tensorflow_does_not_read_is_refused():
    colours = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    image = PIL.Image.fromarray(colours).convert("P", palette=PIL.Image.Palette.ADAPTIVE)
    with pytest.raises(DataError, match=r"row 0 is a BMP file with a palette.*Save it as PNG"):
        features.Image("photo").fit(pd.Series([saved(image, "BMP")]))


@pytest.mark.parametrize(("form", "mode"), [("GIF", "L"), ("BMP", "RGB"), ("JPEG", "CMYK")])
def test_a_file_that_cannot_be_read_as_grey_is_refused(form, mode):
    """It was said to be damaged, or TensorFlow's error was shown."""
    column = pd.Series([saved(PIL.Image.new(mode, (8, 6)), form)])
    with pytest.raises(DataError, match=rf"row 0 is a {form} file .*Save it as PNG"):
        features.Image("photo", channels=1).fit(column)
