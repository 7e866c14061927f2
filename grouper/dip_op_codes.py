"""Procedure codes as numbers the DIP kernel can follow 「手术操作编码字典」.

In: DipTables and the terms its expressions are made of; out: an id per distinct code, and by id its type, level,
exclusion, and the terms that name it. Terms may be prefixes, ranges, lists or base codes, so any code a record brings
gets an id the first time it is seen. The pack's code map is applied here. It looks at no record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from threading import RLock
from typing import Any

import numpy as np

from grouper.dip_expression import Term
from grouper.dip_layout import ACT_CONSERVATIVE, ACT_DROP, ACT_IF_DX, ACT_NONE, ACT_NOT_MAIN, I64, OP_SIZE, WORD_BITS
from grouper.dip_normalise import excluded_rule, is_minor, type_of
from grouper.dip_tables import DipTables
from grouper.dip_terms import BASE_LENGTH, term_has_procedure

ACTIONS = {
    "drop": ACT_DROP,
    "conservative": ACT_CONSERVATIVE,
    "not_main": ACT_NOT_MAIN,
    "main_only_if_dx": ACT_IF_DX,
}


class OpVocabulary:
    """Ids of procedure codes; grows as records bring new ones, from several threads if need be."""

    def __init__(self, tables: DipTables, terms: Sequence[Term], cells: Mapping[str, int]) -> None:
        self.tables, self.terms, self.cells = tables, terms, cells
        self.exact = replace(tables, options=replace(tables.options, ext_code_rule="exact"))
        self.ids: dict[str, int] = {}
        self.lock = RLock()
        self._by_code: dict[str, list[int]] = {}
        self._by_prefix: dict[str, list[int]] = {}
        self._by_base: dict[str, list[int]] = {}
        self._general: list[int] = []
        for number, term in enumerate(terms):
            if term.kind != "code":
                self._general.append(number)
            elif len(term.lo) < tables.options.prefix_len:
                self._by_prefix.setdefault(term.lo, []).append(number)
            else:
                self._by_code.setdefault(term.lo, []).append(number)
                if _has_extension(term.lo):
                    self._by_base.setdefault(term.lo[:BASE_LENGTH], []).append(number)
        self._prefix_lengths = sorted({len(text) for text in self._by_prefix})
        self._records: list[list[int]] = []
        self._term_ids: list[int] = []

    def __len__(self) -> int:
        return len(self._records)

    def __getstate__(self) -> dict[str, Any]:
        """Everything but the lock, which belongs to its process."""
        return {name: value for name, value in vars(self).items() if name != "lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.lock = RLock()

    def id_of(self, code: str) -> int:
        """The id of a code as records write it, mapped by the pack's code map."""
        code = self.tables.op_map.get(code, code)
        found = self.ids.get(code)
        if found is not None:
            return found
        with self.lock:
            return self.ids[code] if code in self.ids else self._add(code)

    def sections(self) -> dict[str, I64]:
        """The sections of T for the codes seen so far."""
        return {"ops": np.array(self._records, np.int64), "op_terms": np.array(self._term_ids, np.int64)}

    def _add(self, code: str) -> int:
        """A new id; the record's fields stand in the order of OP_TYPE … OP_BITS."""
        number = len(self._records)
        known = self.tables.procedures.get(code)
        kind = type_of(self.tables, code)
        rule = excluded_rule(self.tables, code)
        first = len(self._term_ids)
        terms = self._terms_of(code)
        self._term_ids += terms
        bits = 0
        for term in terms:
            bits |= 1 << ((term >> 1) % WORD_BITS)
        record = [
            -1 if kind is None else int(kind),
            0 if known is None or known.level is None else known.level,
            int(is_minor(self.tables, code)),
            ACT_NONE if rule is None else ACTIONS[rule.action],
            -1 if rule is None or rule.diagnoses is None else self.cells[rule.diagnoses.text],
            first,
            len(self._term_ids),
            bits,
        ]
        assert len(record) == OP_SIZE, "a procedure record has one value per field"
        self._records.append(record)
        self.ids[code] = number
        return number

    def _terms_of(self, code: str) -> list[int]:
        """Terms that name the code: ×2, plus 1 where they do so without the extension rule."""
        found = [2 * n + 1 for n in self._by_code.get(code, ())]
        for length in self._prefix_lengths:
            if length <= len(code):
                found += [2 * n + 1 for n in self._by_prefix.get(code[:length], ())]
        if self.tables.options.ext_code_rule == "base_accepts_extension":
            if _has_extension(code):
                found += [2 * n for n in self._by_code.get(code[:BASE_LENGTH], ())]
            found += [2 * n for n in self._by_base.get(code, ())]
        for n in self._general:
            if term_has_procedure(self.tables, self.terms[n], code):
                found.append(2 * n + int(term_has_procedure(self.exact, self.terms[n], code)))
        return found


def _has_extension(code: str) -> bool:
    return len(code) > BASE_LENGTH and code[BASE_LENGTH] == "x"
