"""Generated journeys for the benchmarks: 12 channels, mean length 3, at most 20 touches, 3 % conversions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

CHANNELS = ["Direct", "Organic Search", "Paid Search", "Paid Social", "Email", "Display", "Referral",
            "Affiliates", "Organic Social", "SMS", "Video", "Audio"]
START = np.datetime64("2026-01-01", "us")
BLOCK = 1_000_000  # journeys drawn at a time, so that memory does not grow with the file


def draw(journeys: int, rng: np.random.Generator, channels: int = 12) -> tuple[np.ndarray, ...]:
    """Lengths of the journeys, channel codes of all their touches, and which journeys converted."""
    lengths = np.minimum(rng.geometric(1 / 3, journeys), 20)
    first = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    popularity = 1 / np.arange(1, channels + 1)
    codes = rng.choice(channels, size=lengths.sum(), p=popularity / popularity.sum()).astype(np.int8)
    stays = rng.random(len(codes)) < 0.3  # people come back the same way
    stays[first] = False
    origin = np.maximum.accumulate(np.where(stays, 0, np.arange(len(codes))))
    return lengths, codes[origin], rng.random(journeys) < 0.03


def write_events(folder: Path, journeys: int, seed: int = 20240601) -> None:
    """touches.parquet and conversions.parquet: a journey a visitor, touches up to 35 hours apart."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    names = pa.array(CHANNELS)
    writers: dict[str, pq.ParquetWriter] = {}
    for block in range(0, journeys, BLOCK):
        size = min(BLOCK, journeys - block)
        lengths, codes, won = draw(size, rng)
        ids = pa.array([f"v{i:09d}" for i in range(block, block + size)])
        rows = np.repeat(np.arange(size), lengths)
        step = (rng.random(len(codes)) * 35 * 3_600_000_000).astype(np.int64) + 1
        begin = rng.integers(0, 60 * 86_400_000_000, size)
        place = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        total = np.cumsum(step)
        at = begin[rows] + total - (total - step)[place][rows]
        shuffled = rng.permutation(len(codes))
        channel = pa.DictionaryArray.from_arrays(pa.array(codes[shuffled]), names).cast(pa.string())
        touches = pa.table({"visitor_id": ids.take(pa.array(rows[shuffled])),
                            "touch_time": pa.array(START + at[shuffled], pa.timestamp("us", "UTC")),
                            "channel": channel})
        last = (place + lengths - 1)[won]
        buyers = ids.filter(pa.array(won))
        end = pa.array(START + at[last] + 60_000_000, pa.timestamp("us", "UTC"))
        conversions = pa.table({"conversion_id": buyers, "visitor_id": buyers, "conversion_time": end,
                                "value": pa.array(np.round(rng.lognormal(3.5, 0.6, won.sum()), 2))})
        for name, table in (("touches", touches), ("conversions", conversions)):
            if name not in writers:
                writers[name] = pq.ParquetWriter(folder / f"{name}.parquet", table.schema)
            writers[name].write_table(table)
    for writer in writers.values():
        writer.close()


def path_table(journeys: int, seed: int = 20240601, channels: int = 12) -> pa.Table:
    """Distinct paths with their conversions, value and journeys without conversion."""
    rng = np.random.default_rng(seed)
    lengths, codes, won = draw(journeys, rng, channels)
    names = pa.array(CHANNELS if channels == 12 else [f"Channel {i:02d}" for i in range(channels)])
    lists = _in_lists(pa.DictionaryArray.from_arrays(pa.array(codes), names).cast(pa.string()), lengths)
    worth = np.where(won, np.round(rng.lognormal(3.5, 0.6, journeys), 2), 0)
    import duckdb

    rows = pa.table({"path": lists, "won": won, "worth": worth})
    return duckdb.sql(
        "select path, count(*) filter (won) as total_conversions, sum(worth) as total_conversion_value, "
        "count(*) filter (not won) as total_null from rows group by path order by path").to_arrow_table()


def journeys_table(journeys: int, seed: int = 20240601) -> pa.Table:
    """One row a journey: visitor_id (five journeys for four visitors), converted, value, path, hours."""
    rng = np.random.default_rng(seed)
    lengths, codes, won = draw(journeys, rng)
    path = pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(CHANNELS)).cast(pa.string())
    total = np.cumsum(rng.random(len(codes)) * 35)
    hours = total[np.repeat(np.cumsum(lengths) - 1, lengths)] - total
    people = rng.integers(max(4 * journeys // 5, 1), size=journeys)
    worth = np.where(won, np.round(rng.lognormal(3.5, 0.6, journeys), 2), 0)
    return pa.table({"visitor_id": [f"v{i:09d}" for i in people], "converted": won, "value": worth,
                     "path": _in_lists(path, lengths), "hours": _in_lists(pa.array(hours), lengths)})


def _in_lists(flat: pa.Array, lengths: np.ndarray) -> pa.ListArray:
    return pa.ListArray.from_arrays(pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32()), flat)
