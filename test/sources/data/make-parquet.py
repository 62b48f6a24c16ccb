"""Makes the Parquet files beside it: pip install pyarrow==25.0.1, then python make-parquet.py in this folder."""

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq

pq.write_table(
    pa.table(
        {
            "id": pa.array(["a", "b"]),
            "big": pa.array([9223372036854775807, 5], pa.int64()),
            "unsigned": pa.array([18446744073709551615, 7], pa.uint64()),
            "real": pa.array([0.5, float("nan")]),
            "flag": pa.array([True, None]),
            "day": pa.array([dt.date(2024, 2, 29), dt.date(1969, 12, 31)]),
            "micros": pa.array([dt.datetime(2024, 1, 2, 3, 4, 5, 6007), None], pa.timestamp("us")),
            "nanos": pa.array([1, -1], pa.timestamp("ns")),
            "price": pa.array([Decimal("0.30"), Decimal("-12.05")], pa.decimal128(10, 2)),
            "exact": pa.array([Decimal("12345678901234567890.1234567890"), Decimal("0")], pa.decimal128(38, 10)),
            "tags": pa.array([["x", "y"], []], pa.list_(pa.string())),
            "maker": pa.array([{"name": "Ada", "born": 1815}, None]),
            "constructor": pa.array(["c", "d"]),
        }
    ),
    "types.parquet",
)

ROWS = 2500
for codec in ["none", "gzip", "brotli", "lz4", "zstd"]:
    pq.write_table(
        pa.table({"n": pa.array(range(ROWS), pa.int32()), "word": [f"word {n % 7}" for n in range(ROWS)]}),
        f"groups-{codec}.parquet",
        compression=codec,
        row_group_size=1000,
    )

# One group whose values have 40 MB: it is read in pieces.
pq.write_table(
    pa.table({"n": pa.array(range(400), pa.int32()), "text": [f"{n}:" + "x" * 100_000 for n in range(400)]}),
    "wide.parquet",
    compression="zstd",
    use_dictionary=False,
)

pq.write_table(pa.table({"id": ["a", "b"], "raw": [b"plain", b"\xff\xfe\x00"]}), "bytes.parquet")
pq.write_table(pa.table({"id": pa.array([], pa.string())}), "empty.parquet")
