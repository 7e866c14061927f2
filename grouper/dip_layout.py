"""Where things stand in the two arrays the DIP kernel works on: the table of rules T and the scratch S.

In: nothing; out: constants. Both arrays are int64 and flat: passing many arrays from function to function costs more
than the work itself. T begins with a header that says where each section starts; records of a section have a fixed
size. An index of −1 means none, NULL a missing number. Places of procedures are bits, so a record may have at most
PLACES_MAX of them. It holds no rule.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

I32: TypeAlias = npt.NDArray[np.int32]
I64: TypeAlias = npt.NDArray[np.int64]
U8: TypeAlias = npt.NDArray[np.uint8]

NULL = -(2**63)
PLACES_MAX = 62
WORD_BITS = 62
"""Bits used of one word of a bit set."""
N_TYPES = 5
TOP_LEVEL = 3

# Sections of T: T[SECTION] is where the section starts.
SECTIONS = (
    "options", "layers", "ties", "choices", "types_down", "type_ranks", "class_ranks", "later_ranks", "asked",
    "rows", "parts", "terms", "texts", "conditions",
    "condition_parts", "tests", "aux", "age_bands", "pre_rows", "dx", "dx_bits", "complications", "lists", "prefixes",
    "spans", "span_rows", "key_rows", "by_type", "letters", "ops", "op_terms",
)  # fmt: skip
(
    OPTIONS, LAYERS, TIES, CHOICES, TYPES_DOWN, TYPE_RANKS, CLASS_RANKS, LATER_RANKS, ASKED,
    ROWS, PARTS, TERMS, TEXTS, CONDITIONS,
    CONDITION_PARTS, TESTS, AUX, AGE_BANDS, PRE_ROWS, DX, DX_BITS, COMPLICATIONS, LISTS, PREFIXES,
    SPANS, SPAN_ROWS, KEY_ROWS, BY_TYPE, LETTERS, OPS, OP_TERMS,
) = range(len(SECTIONS))  # fmt: skip
COUNTS = len(SECTIONS)
"""After the starts, T holds counts:"""
(
    N_LAYERS, N_TIES, N_CHOICES, N_BANDS, N_PRE_ROWS, N_WORDS, N_DIAGNOSIS_LAYERS, N_TYPE_LAYERS, N_LETTER_LAYERS,
    N_ASKED,
) = range(COUNTS, COUNTS + 10)  # fmt: skip
HEADER_SIZE = COUNTS + 10
LINE = 8
"""Words of a cache line. Sections begin at one, and what every record asks for stands in the first of a row."""

# Options: flags are 0/1, words their place in OPTION_VALUES.
(
    CONJUNCTIVE, SUPERSET, LONGER_CODE_FIRST, DROP_EMPTY_ROWS, READD_BASIC, CONSERVATIVE_TEST, EMPTY_ROWS_ALL,
    TYPE_FROM_FIRST, BASE_STANDS_FOR_EXTENSION, XQ_ANY, P07_PRINCIPAL, FIRST_ROW, RELATED_NO_MATCH, TOGETHER,
    BASIC_LAYER, AUX_PICK_FIRST, LOS_THRESHOLD, LOS_INCLUSIVE, BLANK_ROW, EXCLUDED_OP_CONSERVATIVE, IS_CHAIN,
    HAS_MAIN_RULES, HAS_PREEMPTS, STANDARD_ASKED,
) = range(24)  # fmt: skip
N_OPTIONS = 24

LAYER_SIZE, TIE_SIZE, CHOICE_SIZE, TEST_SIZE, BAND_SIZE = 3, 3, 3, 6, 3
"""layer: source, layer, number among its source's · tie: rule, scope, ties (−1 keep all, 0 first, 1 last) ·
choice: layer, type, preempts · test: kind, name, denied, comparison, limit, argument · band: is days, lo, hi.

type_ranks: by type, higher wins · class_ranks: by layer and type, the first choice of the priority list that takes
them, N_CHOICES = none · later_ranks: by type, the first choice a comprehensive row can win for a case of that type ·
asked: the numbers of a record that some rule reads."""

(
    ROW_LAYER, ROW_TYPE, ROW_MAIN, ROW_MAIN_END, ROW_ASKS, ROW_SEVERITY, ROW_AUX, ROW_AUX_END,
    ROW_RELATED, ROW_RELATED_END, ROW_POSITION_MAIN, ROW_POINTS, ROW_JOINS, ROW_SEVERITY_IF, ROW_BASIC_FACTOR,
    ROW_TEXT, ROW_TEXT_LENGTH, ROW_OTHER_DX, ROW_DAYS_MAX, ROW_AGE_MIN, ROW_AGE_MAX, ROW_WEIGHT_MIN,
    ROW_WEIGHT_MAX, ROW_FLAG, ROW_DX_CELL, ROW_DX_ANYWHERE,
) = range(26)  # fmt: skip
ROW_FIELDS = 26
ROW_SIZE = 4 * LINE

(
    AUX_CONDITION, AUX_POINTS, AUX_FACTOR, AUX_ROW, AUX_IS_PLAIN, AUX_AGE_MIN, AUX_AGE_MAX, AUX_LEVELS,
) = range(8)  # fmt: skip
AUX_SIZE = LINE
"""Rows of a group stand together, the one that is taken first where several hold; a factor of NULL marks a severity
row. Plain ones ask for an age between two limits (NULL = open) and one of some levels of complication (0 = none), and
for nothing else."""

(
    DX_PLACE, DX_EXCLUDED, DX_TYPES, DX_LETTER, DX_COMPLICATIONS, DX_COMPLICATIONS_END, DX_LISTS, DX_LISTS_END,
    DX_PREFIXES, DX_PREFIXES_END, DX_CCI_CLASS, DX_CCI_WEIGHT, DX_MALIGNANT, DX_CATEGORY,
) = range(14)  # fmt: skip
DX_FIELDS = 14
DX_SIZE = 2 * LINE
COMPLICATION_SIZE = 3
"""level, exclusion list, include prefix."""

OP_TYPE, OP_LEVEL, OP_MINOR, OP_ACTION, OP_ACTION_DX, OP_TERM, OP_TERM_END, OP_BITS = range(8)
OP_SIZE = LINE
"""A term of op_terms is ×2, plus 1 where it names the code without the extension rule. OP_BITS are their filter bits:
a term's bit is its number modulo WORD_BITS."""

SPAN_FIRST, SPAN_EMPTY, SPAN_END, SPAN_BITS = range(4)
SPAN_SIZE, KEY_SIZE = 4, 2
"""span of rows in key_rows: those with procedures up to SPAN_EMPTY, those without up to SPAN_END, each in catalogue
order · key row: row, filter bits. A row with procedures fits only a record that shares a filter bit with it."""

BY_TYPE_SIZE = 6
"""mode (0 none, 1 plain, 2 by level), plain row, rows of level 1, 2, 3, range row."""
BY_LEVEL = 2

SOURCE_DIAGNOSIS, SOURCE_PRE_GROUP, SOURCE_TYPE, SOURCE_LETTER = range(4)
MOST_PLUS, MOST_MATCHED, EXACT_COVER, MAIN_PROCEDURE, NEAREST_COST, HIGHEST_SCORE, MOST_SPECIFIC, ROW_ORDER = range(8)
KIND_FLAG, KIND_NUMBER, KIND_DIAGNOSIS, KIND_PROCEDURE = range(4)
ACT_NONE, ACT_DROP, ACT_CONSERVATIVE, ACT_NOT_MAIN, ACT_IF_DX = range(5)

# Numbers of a record: rows of Batch.numbers.
NUMBERS = (
    "cost_total_fen", "cost_factor_e6", "basic_cost_factor_e6", "stay_days", "age_days", "age_years",
    "birth_weight_g", "icu_days", "is_death", "treatment_fen", "drug_fen",
)  # fmt: skip
(
    COST, COST_FACTOR, BASIC_COST_FACTOR, STAY, AGE_DAYS, AGE_YEARS, WEIGHT, ICU_DAYS, DEATH, TREATMENT, DRUG,
) = range(len(NUMBERS))  # fmt: skip
N_NUMBERS = len(NUMBERS)

# S: what is known about the record at hand …
(
    S_STAMP, S_DX_COUNT, S_OP_COUNT, S_ALL, S_HAS_MAIN, S_CASE_TYPE, S_CONSERVATIVE, S_COMPLICATIONS, S_CANDIDATES,
    S_STRICT, S_PRINCIPAL, S_OTHERS_KNOWN, S_BITS, S_DX, S_NUMBERS, S_RECORDS, S_ASKED, S_TYPED,
) = range(18)  # fmt: skip
"""S_DX: address of the record's diagnoses · S_NUMBERS: of its first number, the next being S_RECORDS words on ·
S_ASKED: whether anything was asked of the record beside its principal diagnosis and its procedures · S_TYPED: whether
types and terms of its procedures are there."""
# … then where its lists start.
(
    S_OTHER_BITS, S_STAMPS, S_CCI, S_CANDIDATE, S_LEFT, S_KEPT, S_CORE, S_BASIC, S_COMPREHENSIVE, S_BARE, S_FEW,
) = range(18, 29)  # fmt: skip
"""S_BARE: by principal diagnosis, what a record without procedures gets · S_FEW: the same of records with few, FEW_SIZE
words each: key, choice. See `dip_kernel_kept`."""
FEW_BITS, FEW_SIZE = 14, 2
S_OPS = 29
S_OPS_AT = S_OPS + PLACES_MAX + 2
S_RANKS = S_OPS_AT + PLACES_MAX + 2
S_FIXED = S_RANKS + PLACES_MAX + 2
STAMP_SIZE, CCI_SIZE = 3, 2
"""term: stamp, places, places without the extension rule · disease class: stamp, highest weight."""
C_ROW, C_TYPE, C_MATCHED, C_SPECIFICITY, C_AUX = range(5)
CANDIDATE_SIZE = 5
AUX_UNKNOWN = -2
"""Auxiliary of a candidate nobody asked for yet."""


class Batch(NamedTuple):
    """n records as integers; principal codes stand first. Every code has an id of its own, 0 is the empty one."""

    dx_offsets: I64
    dx_ids: I32
    op_offsets: I64
    op_ids: I32
    numbers: I64
    """[NUMBERS, record]; those no rule of the catalogue asks for may hold anything."""


class Out(NamedTuple):
    """The answers, one per record."""

    row: I32
    """Catalogue row; −1 = none."""
    auxiliary: I32
    """Row of the auxiliary catalogue; −1 = none."""
    type: I32
    """ProcedureType; −1 = none."""
    reason: U8
    """DipReason."""
    main: I32
    """Which procedure of the record acted as principal; −1 = none."""
