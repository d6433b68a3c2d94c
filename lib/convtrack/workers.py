"""What every worker process does."""

from __future__ import annotations

import multiprocessing
import os
import threading


def leave_with_parent() -> None:
    """The worker that calls this ends when the process that started it does, however that ends; so does its kernel."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()
