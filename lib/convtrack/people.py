"""Who a visitor is. A visitor is a browser or device, until a study says that `user_id` tells people: `identity: user_id`."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from .refunds import REFUND

USER = "user:"  # before a user_id that has become a visitor_id, so that no device has the same
MANY_ROWS, MANY_TIMES = 1_000, 100  # a visitor with so many rows, and so many times the mean, is not one person


def find_users(tables: Iterable[pd.DataFrame]) -> pd.Series:
    """The user of each visitor who has exactly one, over all tables with both ids; indexed by visitor_id.

    >>> events = pd.DataFrame({"visitor_id": ["phone", "laptop", "shared", "shared"], "user_id": ["7", "7", "8", "9"]})
    >>> find_users([events]).to_dict()
    {'laptop': '7', 'phone': '7'}
    """
    pairs = [table[["visitor_id", "user_id"]] for table in tables if "user_id" in table]
    if not pairs:
        return pd.Series(dtype="str", name="user_id").rename_axis("visitor_id")
    known = pd.concat(pairs).dropna().drop_duplicates().sort_values(["visitor_id", "user_id"])
    return known.drop_duplicates("visitor_id", keep=False).set_index("visitor_id")["user_id"]


def as_people(table: pd.DataFrame, users: pd.Series) -> pd.DataFrame:
    """The table with a visitor for each person: `visitor_id` is the row's own user, else the visitor's only one, else itself.

    Sessions stay those of a device, and get its id before their own, so that two devices never share one.

    >>> events = pd.DataFrame({"visitor_id": ["phone", "laptop"], "user_id": [None, "7"], "session_id": ["1", "1"]})
    >>> as_people(events, pd.Series({"phone": "7", "laptop": "7"}))[["visitor_id", "session_id"]].values.tolist()
    [['user:7', 'phone/1'], ['user:7', 'laptop/1']]
    """
    only = table["visitor_id"].map(users)
    user = table["user_id"].fillna(only) if "user_id" in table else only
    joined = table.assign(visitor_id=(USER + user.astype("str")).fillna(table["visitor_id"]))
    return joined.assign(session_id=table["visitor_id"] + "/" + table["session_id"]) if "session_id" in table else joined


def sharing_finding(events: pd.DataFrame, users: pd.Series, conversions: pd.DataFrame) -> list[str]:
    """What `identity: user_id` would change: how many visitors it joins, and how many conversions are theirs."""
    shared = users[users.duplicated(keep=False)]
    if shared.empty:
        return []
    theirs = conversions["visitor_id"].isin(shared.index).sum()
    people = f"{shared.nunique():,} people" if shared.nunique() > 1 else "one person"
    return [f"by user_id, {len(shared):,} visitors are the devices of {people}; {theirs:,} of {len(conversions):,} conversions are "
            f"theirs. They count as separate visitors; to join them, write identity: user_id in study.yaml"]


def heavy_visitor_finding(events: pd.DataFrame) -> list[str]:
    """The visitor with far more rows than a person has: a bot, a kiosk, or an id that stands for many."""
    rows = events["visitor_id"].value_counts()
    most = rows.max()
    if len(rows) < 2 or most < MANY_ROWS or most < MANY_TIMES * rows.mean():
        return []
    return [f"visitor {rows.idxmax()} has {most:,} of {len(events):,} rows ({most / len(events):.0%}); a person has {rows.mean():,.1f} "
            f"on average. If it is a bot or an id for many people, leave it out of the export"]


def shared_order_finding(events: pd.DataFrame) -> list[str]:
    """Order numbers that several visitors have: they count once, and the other visitors' orders are lost.

    Refunds do not count here, which are often booked by a clerk.
    """
    if "transaction_id" not in events:
        return []
    orders = events.loc[events["event_name"] != REFUND, ["transaction_id", "visitor_id"]].dropna().drop_duplicates()
    several = orders.loc[orders["transaction_id"].duplicated(keep=False), "transaction_id"]
    if several.empty:
        return []
    return [f"{several.nunique():,} order numbers are those of several visitors, such as {several.iloc[0]} "
            f"({(several == several.iloc[0]).sum()} visitors); each counts once. If it is no order number, "
            f"add it to placeholders: in study.yaml"]


def unmet_finding(column: str, name: str, table: pd.DataFrame, events: pd.DataFrame) -> list[str]:
    """Two tables whose ids never meet."""
    theirs, ours = table[column].dropna(), events[column].dropna() if column in events else pd.Series(dtype="str")
    if theirs.empty or ours.empty or theirs.isin(ours).any():
        return []
    return [f"no {column} of {name} ({theirs.iloc[0]}, …) is one of events ({ours.iloc[0]}, …), so the two tables say nothing of "
            f"each other; check which columns are mapped, and how the ids are written"]
