"""A policy folder as a clerk reads it: YAML as text, a value by its date, tables as rows. No engine code.

In: a folder; out: `Book`. It checks nothing and knows no mechanism. Numbers stay text until somebody asks for one.
"""

import csv
from bisect import bisect_right
from fractions import Fraction as F
from functools import cache
from pathlib import Path

import yaml


@cache
def f(text):
    return F(text)


def fen(text):
    whole, _, part = text.partition(".")
    return int(whole + part) if len(part) == 2 else int(F(text) * 100)


class Book:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.tops, self.known, self.tables = {}, {}, {}
        for file in sorted(self.folder.glob("*.yaml")):
            self.tops |= yaml.load(file.read_text(encoding="utf-8"), yaml.BaseLoader)

    def starts(self, key):
        """[(first day, value)], oldest first; a bare choice holds always."""
        if key not in self.known:
            top, _, part = key.partition(".")
            node = self.tops.get(top)
            if part and node is not None:
                node = node.get(part)
            if isinstance(node, dict) and "values" in node:
                rows = sorted(node["values"].items())
            else:
                rows = [("", node)] if part and node is not None else []
            self.known[key] = ([day for day, _ in rows], [value for _, value in rows])
        return self.known[key]

    def at(self, key, day, default=None):
        days, values = self.starts(key)
        place = bisect_right(days, day) - 1
        if place < 0 or values[place] == "null":
            return default
        return values[place]

    def pool(self, key, day, pool, default=None):
        """A value that may be written once or by pool."""
        value = self.at(key, day)
        if isinstance(value, dict) and set(value) & {"310", "390"}:
            value = value.get(pool)
        return default if value is None or value == "null" else value

    def table(self, file):
        if file not in self.tables:
            with (self.folder / file).open(encoding="utf-8", newline="") as opened:
                self.tables[file] = list(csv.DictReader(opened))
        return self.tables[file]
