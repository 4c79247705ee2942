"""Images written and read back."""

import pyarrow
import pyarrow.parquet as parquet
from PIL import Image

from repscope.lab import data
from repscope.lab.data.parquet import ParquetFiles


def written(path, **columns):
    parquet.write_table(pyarrow.table(columns), path)
    return path


def read(*files, size=16, **more):
    return data.read(ParquetFiles(files), size, **more)


def saved(pixels, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def rows(images):
    return images.pixels.permute(0, 2, 3, 1).numpy()
