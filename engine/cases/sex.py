"""Diagnoses that only one sex can have 「诊断与性别」.

In: an ICD-10 code; out: which sex it fits. Ranges are categories (`C51-C58`) or subcategories (`D07.4-D07.6`), compared
by prefix, so they hold for every national extension. Source: WHO ICD-10, volume 2 (instruction manual), list of
conditions limited to one sex, kept to codes that name an organ or a state of that sex; conditions merely more common
in one sex are left out, and so are Z30, Z31 (either partner) and Z38 (the newborn).
"""

from __future__ import annotations

MALE, FEMALE = 1, 2

MALE_ONLY = "B26.0 C60-C63 D07.4-D07.6 D17.6 D29 D40 E29 E89.5 I86.1 L29.1 N40-N51 Q53-Q55 R86 S31.2-S31.3 Z12.5"
FEMALE_ONLY = (
    "A34 B37.3 C51-C58 C79.6 D06 D07.0-D07.3 D25-D28 D39 E28 E89.4 F53 I86.3 L29.2 M83.0 N70-N77 N80-N98 N99.2-N99.3 "
    "O00-O99 Q50-Q52 R87 S31.4 S37.4-S37.6 T19.2-T19.3 T83.3 Z01.4 Z12.4 Z32-Z37 Z39"
)


def _prefixes(text: str) -> set[str]:
    """Every category or subcategory of the ranges: `D07.4-D07.6` → D07.4, D07.5, D07.6."""
    found: set[str] = set()
    for part in text.split():
        first, _, last = part.partition("-")
        # The last one or two digits run; what stands before them is the same at both ends.
        stem = first[:-1] if "." in first else first[:1]
        width = len(first) - len(stem)
        low, high = int(first[len(stem) :]), int((last or first)[len(stem) :])
        assert (last or first).startswith(stem) and low <= high, f"range {part} runs over more than one stem"
        found |= {f"{stem}{number:0{width}}" for number in range(low, high + 1)}
    return found


_SEX_OF = dict.fromkeys(_prefixes(MALE_ONLY), MALE) | dict.fromkeys(_prefixes(FEMALE_ONLY), FEMALE)


def sex_of(code: str) -> int:
    """MALE or FEMALE if only that sex can have the diagnosis, else 0. A dagger pair tells by either of its codes:
    `A18.109+N51.0*` is tuberculosis (either sex) of the prostate."""
    first, _, second = code.partition("+")
    return _sex_of_one(first) or (_sex_of_one(second) if second else 0)


def _sex_of_one(code: str) -> int:
    return _SEX_OF.get(code[:3], 0) or _SEX_OF.get(code[:5], 0)
