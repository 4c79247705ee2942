"""Shard file: the rows of one shard as a Parquet file that any reader of Parquet opens as it is."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repscope.errors import UnfitTokens

GROUP = 64 << 20
"""Bytes of a row group, about: what a reader has to hold at once."""


def as_bytes(
    row: Mapping[str, Sequence[Any]],
    vectors: Mapping[str, NDArray[Any]],
    widths: Mapping[str, int],
    numbers: Sequence[str],
    store: str,
) -> bytes:
    """A Parquet file; the same rows give the same bytes.

    Args:
        row: What is known of each image: id, source, label and so on, in this order.
        vectors: Column -> (n, width) or (n,); absent where no image of the shard could be read.
        widths: Column -> width of every column of vectors there must be; frames are among them.
        numbers: Columns of one number each.
        store: Precision of vectors.

    Raises UnfitTokens where a number is too large for float16.
    """
    import pyarrow as pa
    from pyarrow import parquet

    count = len(row["id"])
    fields, columns = _row(row)
    for name, width in widths.items():
        exact = name.endswith("/frame")
        kind = pa.float32() if exact or store == "float32" else pa.float16()
        values = vectors.get(name, np.zeros((0, width), np.float32))
        flat = pa.array(_narrowed(name, values, np.float32 if exact else np.dtype(store)).ravel(), kind)
        fields.append(pa.field(name, pa.list_(kind, width), nullable=False))
        columns.append(pa.FixedSizeListArray.from_arrays(flat, width))
    for name in numbers:
        fields.append(pa.field(name, pa.float64(), nullable=False))
        columns.append(pa.array(vectors.get(name, np.zeros(0)), pa.float64()))
    schema = pa.schema(fields)
    table = pa.Table.from_arrays(columns, schema=schema)
    size = sum(column.nbytes for column in columns)
    rows = max(int(GROUP / (size / count)), 1) if count else 1
    made = io.BytesIO()
    text = [name for name in row if name not in ("index", "width", "height")]
    # vectors do not get smaller, only slower
    options: dict[str, Any] = {
        "use_dictionary": text,
        "write_statistics": [*row],
        "compression": dict.fromkeys(row, "zstd"),
    }
    with parquet.ParquetWriter(made, schema, **options) as writer:
        writer.write_table(table, row_group_size=rows)
    return made.getvalue()


def _row(row: Mapping[str, Sequence[Any]]) -> tuple[list[Any], list[Any]]:
    import pyarrow as pa

    kinds = {"index": pa.int64(), "width": pa.int32(), "height": pa.int32()}
    sure = {"id", "source", "sha256", *kinds}
    fields = [pa.field(name, kinds.get(name, pa.string()), nullable=name not in sure) for name in row]
    return fields, [pa.array(list(values), kinds.get(name, pa.string())) for name, values in row.items()]


def _narrowed(name: str, values: NDArray[Any], dtype: Any) -> NDArray[Any]:
    with np.errstate(over="ignore"):
        narrow = values.astype(dtype, copy=False)
    if not np.isfinite(narrow).all():
        raise UnfitTokens(
            f"{name} has numbers up to {np.abs(values).max():.3g}, more than float16 holds (65,504); store float32."
        )
    return narrow
