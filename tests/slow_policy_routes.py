"""Which scheme takes a case, and what its group is: the routing of the second clearing. No engine code.

In: a `Book` and the case file; out: cases as dictionaries with scheme, group and status, or the code they are refused
with. The first scheme whose condition holds takes the case; an empty cell answers no condition.
"""

import csv
import tomllib
from collections import Counter
from datetime import date
from pathlib import Path

from tests.slow_policy_book import fen


def read_cases(path):
    """The rows of a case file with numbers as numbers; days of stay from the dates where they are not given."""
    found = []
    with Path(path).open(encoding="utf-8", newline="") as opened:
        for row in csv.DictReader(opened):
            discharged, admitted = row["dscg_time"][:10], row["adm_time"][:10]
            stay = (date.fromisoformat(discharged) - date.fromisoformat(admitted)).days
            cost, fund = fen(row["medfee_sumamt"]), fen(row["hifp_pay"])
            age = int(row["age"]) if row["age"] else 0 if row["nwb_age"] else None
            found.append({
                **row, "id": row["setl_id"], "hospital": row["fixmedins_code"], "pool": row["insutype"],
                "age in years": row["age"], "age": age, "cost": cost, "fund": fund, "patient": cost - fund,
                "discharged": discharged, "admitted": admitted, "settled": row["setl_end_date"],
                "days": int(row["act_ipt_days"]) if row["act_ipt_days"] else max(1, stay),
                "dx": row["diag_codes"].split("|"), "ops": [code for code in row["oprn_codes"].split("|") if code],
            })  # fmt: skip
    return found


def row_is_sound(case):
    """Nobody is grouped whose age in years is not known."""
    return case["age"] is not None and case["age in years"] != ""


def matches(pattern, code):
    first, _, last = pattern.partition("-")
    return first <= code[: len(first)] <= last if last else code.startswith(first)


def fits(patterns, codes):
    return any(matches(pattern, code) for pattern in patterns for code in codes if code)


class Routes:
    def __init__(self, book, year):
        self.book, self.end, self.asked = book, f"{year}-12-31", Counter()
        self.schemes = book.at("area.schemes", self.end)
        self.home = book.at("area.code", self.end)[:4]
        self.hospitals = hospitals(book, year)
        self.diseases = []
        file = book.at("single_disease.diseases", self.end)
        for row in book.table(file) if file else ():
            split = {
                key: [part.strip() for part in row[key].split(";") if part.strip()]
                for key in ("diagnosis", "operation")
            }
            self.diseases.append({"code": row["code"], "without": row["operation"] == "-", **split})
        self.editions, self.chosen = {}, "discharged"
        for pack in book.at("area.packs", self.end, ()):
            groups = {row["diagnosis"]: row for row in book.table(f"{pack['path']}.groups.csv")}
            self.editions.setdefault(pack["scheme"], []).append(
                (pack.get("from", ""), pack.get("upto", "9999"), groups)
            )
            header = tomllib.loads((book.folder / pack["path"] / "pack.toml").read_text(encoding="utf-8"))
            self.chosen = "settled" if header["chosen_by"] == "settlement_date" else "discharged"

    def place(self, case):
        """Write scheme, kind, value day, group and status into the case; or the code of its refusal."""
        scheme = next((each for each in self.schemes if self.takes(each, case)), None)
        if scheme is None:
            return "R003"
        case |= {"scheme": scheme["id"], "kind": scheme["kind"], "group": "", "status": ""}
        case["day"] = case[self.chosen]
        if scheme["kind"] == "points":
            held = [groups for first, last, groups in self.editions[scheme["id"]] if first <= case["day"] <= last]
            if not held:
                return "R002"
            answer = held[0][case["dx"][0]]
            case |= {key: answer[key] for key in ("group", "status", "adrg")}
            if not row_is_sound(case):
                case |= {"group": "", "adrg": "", "status": "invalid"}
        elif scheme["kind"] == "single":
            case["group"] = self.disease(case)
        elif scheme["kind"] == "bed_day":
            for category in self.book.at("bed_day.categories", self.end, ()):
                if self.holds(category["when"], case):
                    case["group"] = category["name"]
                    break
        return None

    def takes(self, scheme, case):
        return "when" not in scheme or self.holds(scheme["when"], case)

    def disease(self, case):
        """The first listed disease that fits and has a price at this level for this pool."""
        level = self.hospitals[case["hospital"]]["hi_setl_lv"]
        for disease in self.diseases:
            if not fits(disease["diagnosis"], case["dx"][:1]):
                continue
            operated = disease["operation"]
            if disease["without"] and case["ops"]:
                continue
            if operated and not disease["without"] and not fits(operated, case["ops"]):
                continue
            if (disease["code"], level, case["pool"]) in quotas(self.book, self.end):
                return disease["code"]
        return None

    def holds(self, when, case):
        return all(self.counted(key, self.answer(key, wanted, case)) for key, wanted in when.items())

    def counted(self, key, answer):
        """The answer; how often each key was answered yes is kept for whoever asks what a comparison met."""
        self.asked[key] += answer
        return answer

    def answer(self, key, wanted, case):
        hospital = self.hospitals[case["hospital"]]
        if key in ("pool", "hospital"):
            return case[key] in wanted
        if key in ("level", "county"):
            return hospital["hi_setl_lv" if key == "level" else "county"] in wanted
        if key in ("med_type", "ipt_med_type", "dscg_way"):
            return case[key] != "" and case[key] in wanted
        if key in ("department", "insured_in"):
            cell = case["dscg_caty" if key == "department" else "insuplc_admdvs"]
            return cell != "" and any(cell.startswith(prefix) for prefix in wanted)
        if key == "out_of_area":
            cell = case["insuplc_admdvs"]
            return cell != "" and (cell[:4] != self.home) == (wanted == "true")
        if key in ("days_from", "age_from"):
            value = case[key.partition("_")[0]]
            return value is not None and value >= int(wanted)
        if key in ("days_upto", "age_upto"):
            value = case[key.partition("_")[0]]
            return value is not None and value <= int(wanted)
        if key in ("discharged", "settled"):
            return wanted.get("from", "") <= case[key] <= wanted.get("upto", "9999")
        if key == "diagnosis":
            return fits(wanted, case["dx"][:1])
        if key == "any_diagnosis":
            return fits(wanted, case["dx"])
        if key == "operation":
            return fits(wanted, case["ops"])
        if key == "no_operation":
            return (not case["ops"]) == (wanted == "true")
        if key == "listed":
            return (self.disease(case) is not None) == (wanted == "true")
        if key == "any":
            return any(self.holds(each, case) for each in wanted)
        if key == "not":
            return not self.holds(wanted, case)
        raise ValueError(key)


def hospitals(book, year):
    """The newest entry of every hospital that stood in the table on some day of the year."""
    found = {}
    days, values = book.starts("hospitals")
    opening = [day for day in days if day <= f"{year}-01-01"][-1:]
    for day, file in zip(days, values, strict=True):
        if day in opening or f"{year}-01-01" < day <= f"{year}-12-31":
            found.update({row["fixmedins_code"]: row for row in book.table(file)})
    return found


def quotas(book, day):
    """{(disease, level, pool): fen} on a day."""
    value = book.at("single_disease.quotas", day, [])
    key = f"quotas {value if isinstance(value, str) else id(value)}"
    if key not in book.tables:
        rows = book.table(value) if isinstance(value, str) else value
        book.tables[key] = {(row["group"], row["level"], row["pool"]): fen(row["quota"]) for row in rows}
    return book.tables[key]
