"""Rows of a DIP pack's tables → the records the grouper walks: groups, auxiliary rows, lists, orders.

In: typed tables; out: tuples and mappings of `grouper.dip_tables`. A cell that cannot be parsed, a layer, list or
group that is not defined, is a problem with file, line, column and advice, never an empty match.
It judges no meaning beyond that: doubtful rules are the linter's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.packs.dip_cells import CellReader
from engine.packs.dip_schema import TYPE_WORDS
from grouper.dip_condition import ALWAYS
from grouper.dip_tables import (
    CHAIN_SOURCES,
    DEFAULT_TYPE_ORDER,
    AuxiliaryRow,
    Choice,
    Complication,
    ExcludedDiagnosis,
    ExcludedProcedure,
    Group,
    Layer,
    Procedure,
    TieRule,
    TypeRank,
)

LEVEL_WORDS = {"重度": "severe", "中度": "moderate"}


class RuleReader(CellReader):
    """Reads rows one table at a time; references between tables are checked on the way."""

    def layers(self) -> tuple[Layer, ...]:
        found = [
            Layer(r["seq"] or 0, r["name"] or "", r["source"] or "", r["competes_with"]) for r in self.rows("layer")
        ]
        names = {layer.name for layer in found}
        for row, layer in enumerate(found):
            if layer.competes_with is not None and layer.competes_with not in names:
                what = f"{layer.competes_with!r} is no layer of this table. Layers: {', '.join(sorted(names))}."
                self.problems.add("dip.layer", self.at("layer", row, "competes_with"), what)
        return tuple(sorted(found, key=lambda layer: layer.seq))

    def groups(self, layers: tuple[Layer, ...]) -> tuple[Group, ...]:
        """The catalogue, in the order of row_order where it is given, else of the file."""
        sources: dict[str, set[str]] = {}
        for layer in layers:
            sources.setdefault(layer.name, set()).add(layer.source)
        rows = list(enumerate(self.rows("group")))
        if rows and rows[0][1]["row_order"] is not None:
            rows.sort(key=lambda pair: (pair[1]["row_order"] is None, pair[1]["row_order"] or 0))
        found: list[Group] = []
        self.group_rows: list[int] = []
        seen: dict[str, int] = {}
        for row, cells in rows:
            code, name = cells["code"] or "", cells["layer"] or ""
            if name and name not in sources:
                what = f"{name!r} is no layer. Layers: {', '.join(sources)}; add it to table layer or correct it."
                self.problems.add("dip.layer", self.at("group", row, "layer"), what)
            if code in seen:
                what = f"{code!r} stands already at {self.at('group', seen[code])}; codes are unique."
                self.problems.add("dip.duplicate", self.at("group", row, "code"), what)
            seen.setdefault(code, row)
            group = self._group(row, cells, len(found), sources.get(name, set()))
            if group is not None:
                found.append(group)
                self.group_rows.append(row)
        return tuple(found)

    def _group(self, row: int, cells: Mapping[str, Any], place: int, sources: set[str]) -> Group | None:
        diagnosis = self.diagnoses("group", row, "dx_expr", cells["dx_expr"] or "*")
        if diagnosis is None:
            return None
        chain = bool(sources & set(CHAIN_SOURCES))
        return Group(
            row=place,
            code=cells["code"] or "",
            name=cells["name"] or "",
            layer=cells["layer"] or "",
            diagnosis=diagnosis,
            main=self.procedures("group", row, "main_op_expr", cells["main_op_expr"]),
            op_position=cells["op_position"] or ("main" if chain else "any"),
            related=self.procedures("group", row, "related_op_expr", cells["related_op_expr"]),
            other_diagnosis=self.diagnoses("group", row, "other_dx_expr", cells["other_dx_expr"]),
            dx_position=cells["dx_position"] or "principal",
            age_days_lt=cells["age_days_lt"],
            age_min=cells["age_min"],
            age_max=cells["age_max"],
            weight_min_g=cells["weight_min_g"],
            weight_max_g=cells["weight_max_g"],
            flag=self.condition("group", row, "flag_expr", cells["flag_expr"]),
            op_type=None if cells["op_type"] is None else TYPE_WORDS[cells["op_type"]],
            op_level=cells["op_level"],
            base_points_e4=cells["score"],
            cost_mean_fen=cells["ref_cost"],
            stay_mean_days_e6=cells["ref_days"],
            basic_factor_e6=cells["basic_factor"],
            is_basic=bool(cells["is_basic"]),
            is_tcm=bool(cells["is_tcm"]),
            is_day=bool(cells["is_day"]),
        )

    def auxiliary(self, codes: set[str]) -> tuple[AuxiliaryRow, ...]:
        found = []
        for row, cells in enumerate(self.rows("aux")):
            code = cells["group_code"] or ""
            if code not in codes:
                what = f"group {code!r} is not in table group; remove the row or correct the code."
                self.problems.add("dip.group", self.at("aux", row, "group_code"), what)
            if cells["factor"] is None and not (cells["level"] or "").isdigit():
                what = (
                    "a row without factor marks a severity row 「严重程度分列」; its level is a number, highest worst."
                )
                self.problems.add("dip.row", self.at("aux", row, "level"), what)
            condition = self.condition("aux", row, "condition_expr", cells["condition_expr"]) or ALWAYS
            found.append(
                AuxiliaryRow(
                    row,
                    code,
                    cells["dimension"] or "",
                    cells["level"] or "",
                    condition,
                    cells["score"],
                    cells["factor"],
                    cells["ref_cost"],
                )
            )
        return tuple(found)

    def procedure_dictionary(self) -> dict[str, Procedure]:
        found = {}
        for row, r in enumerate(self.rows("procedure")):
            if r["code"] in found:
                self.problems.add("dip.duplicate", self.at("procedure", row, "code"), f"{r['code']} stands twice.")
            if r["code"] and r["type"]:
                found[r["code"]] = Procedure(
                    r["code"], TYPE_WORDS[r["type"]], r["level"], r["incision"], bool(r["grey"])
                )
        return found

    def type_order(self) -> tuple[TypeRank, ...]:
        rows = [r for r in self.rows("type_order") if r["type"] and r["counts_as"]]
        found = [TypeRank(TYPE_WORDS[r["type"]], r["rank"] or 0, TYPE_WORDS[r["counts_as"]]) for r in rows]
        return tuple(found) or DEFAULT_TYPE_ORDER

    def excluded(self) -> tuple[tuple[ExcludedDiagnosis, ...], tuple[ExcludedProcedure, ...]]:
        diagnoses = tuple(ExcludedDiagnosis(r["code"] or "", r["match"]) for r in self.rows("excluded_diagnosis"))
        procedures = []
        for row, r in enumerate(self.rows("excluded_procedure")):
            dx = self.diagnoses("excluded_procedure", row, "dx_range", r["dx_range"])
            if r["action"] == "main_only_if_dx" and dx is None:
                what = "action main_only_if_dx needs the diagnoses under which the procedure may be principal."
                self.problems.add("dip.row", self.at("excluded_procedure", row, "dx_range"), what)
            procedures.append(ExcludedProcedure(r["code"] or "", r["match"] or "exact", r["action"] or "drop", dx))
        return diagnoses, tuple(procedures)

    def tie_rules(self) -> tuple[TieRule, ...]:
        found = [
            TieRule(r["seq"] or 0, None if r["scope"] is None else TYPE_WORDS[r["scope"]], r["rule"] or "", r["ties"])
            for r in self.rows("tie_break")
        ]
        return tuple(sorted(found, key=lambda rule: rule.seq))

    def choices(self, layers: tuple[Layer, ...]) -> tuple[Choice, ...]:
        names = {layer.name for layer in layers}
        found = []
        for row, r in enumerate(self.rows("choice_order")):
            if r["layer"] not in names:
                what = f"{r['layer']!r} is no layer. Layers: {', '.join(sorted(names))}."
                self.problems.add("dip.layer", self.at("choice_order", row, "layer"), what)
            op_type = None if r["op_type"] is None else TYPE_WORDS[r["op_type"]]
            found.append(Choice(r["seq"] or 0, r["layer"] or "", op_type, r["preempt"]))
        return tuple(sorted(found, key=lambda choice: choice.seq))

    def complications(self) -> dict[str, tuple[Complication, ...]]:
        found: dict[str, list[Complication]] = {}
        for row, r in enumerate(self.rows("cc_list")):
            if r["exclude_list"] is not None and r["exclude_list"] not in self.lists:
                self.dangling("cc_list", row, "exclude_list", r["exclude_list"])
            level = LEVEL_WORDS.get(r["level"] or "", r["level"] or "")
            entry = Complication(r["dx"] or "", level, r["exclude_list"], r["include_prefix"])
            found.setdefault(entry.code, []).append(entry)
        return {code: tuple(entries) for code, entries in found.items()}

    def cci_weights(self) -> dict[str, tuple[str, int]]:
        found: dict[str, tuple[str, int]] = {}
        for row, r in enumerate(self.rows("cci_weight")):
            if r["dx"] in found:
                self.problems.add("dip.duplicate", self.at("cci_weight", row, "dx"), f"{r['dx']} stands twice.")
            found[r["dx"] or ""] = (r["class"] or "", r["weight"] or 0)
        return found

    def code_map(self, kind: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for row, r in enumerate(self.rows("code_map")):
            if r["kind"] != kind:
                continue
            if found.get(r["from_code"], r["to_code"]) != r["to_code"]:
                what = f"{r['from_code']} has another target above; keep one."
                self.problems.add("map.conflict", self.at("code_map", row, "to_code"), what)
            found[r["from_code"] or ""] = r["to_code"] or ""
        return found
