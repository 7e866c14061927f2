"""Loading a rule pack: both forms, the fingerprint, what is always available, what is never imported."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from engine.packs.errors import PackError
from engine.packs.lint import lint_pack
from engine.packs.load import Pack, load_pack
from engine.packs.schema import TABLES
from engine.packs.toml_lines import key_lines
from fixtures.broken_packs import TINY, Change, add, both, edit
from grouper.tables import STANDARD_NUMERIC
from tests.shared_data import EDITIONS, EDITIONS_ROOT, needs_shared

# Rows of the table of editions in the specification: MDC / ADRG / QY / DRG nodes, distinct DRG codes (three-letter),
# atoms, dx / op lists, memberships, MCC / CC.
SPECIFIED = {
    "chs_drg_11": ((26, 376, 0, 628), (628, 0), 846, (232, 191), 98172, (4678, 16568)),
    "fuzhou_2022": ((26, 376, 0, 614), (614, 51), 824, (232, 191), 98172, (4678, 16568)),
    "beijing_2022": ((26, 381, 0, 707), (699, 3), 960, (233, 190), 98060, (4676, 16568)),
    "foshan_2022": ((26, 379, 0, 850), (845, 0), 1081, (243, 213), 99428, (4679, 16567)),
    "guangxi_2022": ((26, 379, 25, 990), (984, 0), 1436, (233, 191), 98615, (4678, 16568)),
    "hefei_2023": ((26, 380, 0, 860), (851, 0), 942, (234, 205), 98610, (4678, 16568)),
    "qingdao_2023": ((26, 376, 0, 686), (686, 4), 946, (233, 191), 98610, (4678, 16568)),
    "zhejiang_2022": ((26, 376, 0, 1006), (1006, 0), 1523, (211, 184), 98977, (2379, 7918)),
}


def copy_of_tiny(folder: Path, change: Change | None = None, name: str = "copy") -> Path:
    target = folder / name
    shutil.copytree(TINY, target)
    if change is not None:
        change(target)
    return target


@needs_shared
@pytest.mark.parametrize("name", EDITIONS)
def test_a_published_edition_loads_with_the_counts_the_specification_gives(name: str) -> None:
    pack = load_pack(EDITIONS_ROOT / name)
    tables = pack.tables
    levels = [node.level for node in tables.nodes]
    drgs = {node.code for node in tables.nodes if node.level == "DRG"}
    kinds = [one.kind for one in tables.lists.values()]
    degrees = [level for level, _ in tables.complications.values()]
    assert SPECIFIED[name] == (
        tuple(levels.count(level) for level in ("MDC", "ADRG", "QY", "DRG")),
        (len(drgs), sum(len(code) == 3 for code in drgs)),
        len(tables.atoms),
        (kinds.count("dx"), kinds.count("op")),
        sum(len(one.codes) for one in tables.lists.values()),
        (degrees.count("MCC"), degrees.count("CC")),
    )
    assert (pack.meta.id, pack.meta.version, pack.meta.area, pack.meta.valid_from) == (name, "1", "CN", None)
    assert tables.options.retry_with_each_secondary_op_when_ungrouped == (name == "zhejiang_2022")


@needs_shared
def test_a_published_edition_loads_within_a_second_of_processor_time() -> None:
    began = time.process_time()
    load_pack(EDITIONS_ROOT / "chs_drg_11")
    assert time.process_time() - began < 1.5


@needs_shared
def test_the_blank_in_a_code_map_is_kept_and_told() -> None:
    """The published answers are right only if the code with the blank lies in no list."""
    pack = load_pack(EDITIONS_ROOT / "chs_drg_11")
    assert pack.tables.dx_map["B06.801+J17.1*"] == " B06.801+J17.1*"
    assert [notice.kind for notice in pack.notices] == ["map.blank"]


def test_a_pack_in_toml_and_csv_says_what_its_files_say() -> None:
    pack = load_pack(TINY)
    assert (pack.meta.id, pack.meta.version, pack.meta.area) == ("tiny_drg", "2024.1", "990000")
    assert (pack.meta.valid_from, pack.meta.valid_to) == (date(2024, 1, 1), date(2024, 12, 31))
    assert pack.meta.source.issued == date(2023, 12, 1)
    assert [f.name for f in pack.tables.numeric] == [*(f.name for f in STANDARD_NUMERIC), "vent_hours"]
    assert pack.tables.numeric[-1].source == "vent_used_h"
    assert pack.tables.lists[7].codes == ("36.0600", "36.0700")
    assert pack.tables.complications["N18.900"] == ("CC", 3)
    assert pack.tables.dx_known >= {"I50.900", "Z00.000"}
    assert pack.notices == ()


def test_names_fall_back_to_the_national_mdcs_and_to_what_drg_names_share() -> None:
    names = load_pack(TINY).names
    assert names.mdc["MDCF"] == "循环系统疾病及功能障碍"
    assert len(names.mdc) == 26
    assert names.adrg["FR2"] == "心力衰竭"
    assert names.adrg["FM2"] == "支架置入"
    assert names.drg["FV1"] == "高血压与冠心病"


def test_a_name_table_of_the_pack_wins_over_borrowed_names(tmp_path: Path) -> None:
    def change(folder: Path) -> None:
        (folder / "mdc_names.csv").write_text("code,name\nMDCF,循环\n", encoding="utf-8")
        (folder / "adrg_names.csv").write_text("code,name\nFR2,心衰\n", encoding="utf-8")

    names = load_pack(copy_of_tiny(tmp_path, change)).names
    assert (names.mdc["MDCF"], names.adrg["FR2"]) == ("循环", "心衰")


def to_parquet(folder: Path) -> None:
    """Every CSV table of a pack as Parquet, numbers as numbers."""
    for path in folder.glob("*.csv"):
        frame = pl.read_csv(path, infer_schema=False)
        whole = {column.name for column in TABLES[path.stem] if column.type == "int"}
        numbers = [name for name in frame.columns if name in whole]
        frame.with_columns(pl.col(numbers).cast(pl.Int32)).write_parquet(path.with_suffix(".parquet"))
        path.unlink()


def test_the_same_pack_as_csv_and_as_parquet_has_the_same_fingerprint(tmp_path: Path) -> None:
    assert load_pack(copy_of_tiny(tmp_path, to_parquet)).fingerprint == load_pack(TINY).fingerprint


def test_the_order_of_rows_does_not_touch_the_fingerprint(tmp_path: Path) -> None:
    def shuffle(folder: Path) -> None:
        for path in folder.glob("*.csv"):
            header, *rows = path.read_text(encoding="utf-8").splitlines()
            random.Random(5).shuffle(rows)
            path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")

    shuffled = load_pack(copy_of_tiny(tmp_path, shuffle))
    assert shuffled.fingerprint == load_pack(TINY).fingerprint
    assert shuffled.tables == load_pack(TINY).tables


@pytest.mark.parametrize(
    "change",
    [
        edit("pack.toml", 'version     = "2024.1"', 'version     = "2024.2"'),
        edit("pack.toml", "2024-12-31", "2024-12-30"),
        edit("pack.toml", "zero_weight_is_missing = false", "zero_weight_is_missing = true"),
        edit("pack.toml", 'from = "vent_used_h"', 'from = "vent_hours"'),
        edit("rule_conds.csv", "1500,2499", "1500,2498"),
        edit("rule_nodes.csv", "FV1,2", "FV1,3"),
        edit("cc.csv", "N18.900,CC,3", "N18.900,MCC,3"),
        edit("cc_excl.csv", "J96.000,2", "J96.000,3"),
        edit("trauma_sites.csv", "S36.000,腹部", "S36.000,胸部"),
        edit("list_codes.csv", "11,N40.x00", "11,N40.x01"),
        edit("drg_names.csv", "MR15,前列腺疾患", "MR15,前列腺"),
        edit("op_map.csv", "36.0601,36.0600", "36.0601,36.0700"),
        both(add("list_codes.csv", "9,A00.000"), edit("list_meta.csv", "高血压,2", "高血压,3")),
    ],
)
def test_any_change_of_what_a_pack_says_changes_its_fingerprint(change: Change, tmp_path: Path) -> None:
    assert load_pack(copy_of_tiny(tmp_path, change)).fingerprint != load_pack(TINY).fingerprint


def test_the_fingerprint_does_not_depend_on_the_folder_or_the_process(tmp_path: Path) -> None:
    copy = copy_of_tiny(tmp_path, name="elsewhere")
    code = "import sys; from engine.packs.load import load_pack; print(load_pack(sys.argv[1]).fingerprint)"
    out = subprocess.run([sys.executable, "-c", code, str(copy)], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == load_pack(TINY).fingerprint


def test_a_row_written_twice_is_merged_and_told(tmp_path: Path) -> None:
    pack = load_pack(copy_of_tiny(tmp_path, add("cc_excl.csv", "I50.900,1")))
    assert pack.tables.exclusion_of["I50.900"] == 1
    assert [notice.kind for notice in pack.notices] == ["row.repeated"]
    assert pack.fingerprint == load_pack(TINY).fingerprint


def test_a_pack_of_csv_tables_is_loaded_linted_and_explained_without_any_heavy_library() -> None:
    code = (
        "import sys; from engine.packs.load import load_pack; from engine.explain import explain_case;"
        "from engine.packs.lint import lint_pack; lint_pack(load_pack(sys.argv[1])).clear();"
        "heavy = {'numba', 'polars', 'pyarrow', 'numpy'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code, str(TINY)], check=True)


def test_the_compiled_form_is_made_once_and_knows_the_leaves() -> None:
    pack: Pack = load_pack(TINY)
    compiled = pack.compiled()
    assert pack.compiled() is compiled
    assert set(compiled.leaf_code) >= {"AA19", "FR23", "FV1", "FQY"}


def test_extra_fields_of_a_published_pack_are_no_error(tmp_path: Path) -> None:
    def published(folder: Path) -> None:
        (folder / "pack.toml").unlink()
        text = '{"pack": "tiny", "scheme": "demo", "extra_fields": ["icuHours", "comaHours"]}'
        (folder / "pack.json").write_text(text, encoding="utf-8")
        edit("rule_conds.csv", "vent_hours", "icu_hours")(folder)

    pack = load_pack(copy_of_tiny(tmp_path, published))
    assert [(notice.kind, "comaHours" in notice.en) for notice in pack.notices] == [("field.unknown", True)]


def test_an_order_of_mdcs_that_differs_from_the_tree_is_told(tmp_path: Path) -> None:
    def published(folder: Path) -> None:
        (folder / "pack.toml").unlink()
        text = '{"pack": "tiny", "scheme": "demo", "mdc_order": ["MDCP", "MDCA", "MDCZ", "MDCF", "MDCM"]}'
        (folder / "pack.json").write_text(text, encoding="utf-8")
        edit("rule_conds.csv", "vent_hours", "icu_hours")(folder)

    assert [notice.kind for notice in load_pack(copy_of_tiny(tmp_path, published)).notices] == ["mdc_order"]


@pytest.mark.parametrize("change", [None, to_parquet], ids=["csv", "parquet"])
def test_a_damaged_pack_is_refused_or_read_and_never_crashes_the_program(change: Change | None, tmp_path: Path) -> None:
    folder = copy_of_tiny(tmp_path, change)
    whole = {path: path.read_bytes() for path in sorted(folder.iterdir())}
    chance = random.Random(3)
    refused = 0
    for _ in range(250):
        path = chance.choice(list(whole))
        data = bytearray(whole[path])
        for _ in range(chance.randint(1, 3)):
            place = chance.randrange(len(data))
            if chance.random() < 0.5:
                data[place] = chance.randrange(256)
            else:
                del data[place]
        path.write_bytes(data)
        try:
            lint_pack(load_pack(folder))
        except PackError:
            refused += 1
        path.write_bytes(whole[path])
    assert refused > 100


def test_lines_of_keys_are_found_in_tables_arrays_and_inline_tables() -> None:
    text = 'a = 1\n\n[options]\nb = 2\n# c = 3\n[[numeric]]\nname = "x"\n[[numeric]]\nname = "y"\nd.e = 1\n'
    assert key_lines(text) == {
        ("a",): 1,
        ("options",): 3,
        ("options", "b"): 4,
        ("numeric",): 6,
        ("numeric", "0"): 6,
        ("numeric", "0", "name"): 7,
        ("numeric", "1"): 8,
        ("numeric", "1", "name"): 9,
        ("numeric", "1", "d"): 10,
        ("numeric", "1", "d", "e"): 10,
    }
