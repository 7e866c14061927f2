"""The cache of compiled DIP packs: the same answers, never a stale one, nothing but known records read."""

import pickle

from engine.editions import open_edition
from engine.packs.dip_cache import load_dip_cached
from engine.packs.dip_load import load_dip_pack
from fixtures.dip_broken_packs import write_sound
from fixtures.dip_cases import CaseMaker
from grouper.dip import batch_of, group_batch
from grouper.dip_compile import compile_dip


def test_a_cached_pack_is_the_pack_and_groups_alike(tmp_path):
    pack_folder, cache = tmp_path / "pack", tmp_path / "cache"
    write_sound(pack_folder)
    load_dip_cached(pack_folder, cache)
    pack, compiled = load_dip_cached(pack_folder, cache)
    plain = load_dip_pack(pack_folder)
    assert (pack.tables, pack.scoring, pack.meta, pack.fingerprint) == (
        plain.tables,
        plain.scoring,
        plain.meta,
        plain.fingerprint,
    )
    assert pack.group_at(1) == plain.group_at(1)
    cases = list(CaseMaker(plain.tables, 1).cases(200))
    fresh = compile_dip(plain.tables)
    assert (
        group_batch(compiled, batch_of(compiled, cases)).row.tolist()
        == group_batch(fresh, batch_of(fresh, cases)).row.tolist()
    )


def test_a_changed_byte_is_another_entry(tmp_path):
    pack_folder, cache = tmp_path / "pack", tmp_path / "cache"
    write_sound(pack_folder)
    load_dip_cached(pack_folder, cache)
    path = pack_folder / "group.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("850.5", "851"), encoding="utf-8")
    pack, _ = load_dip_cached(pack_folder, cache)
    assert pack.tables.groups[0].base_points_e4 == 8_510_000
    assert len(list(cache.glob("*.dip"))) == 2


def test_a_damaged_or_foreign_entry_is_written_anew(tmp_path):
    pack_folder, cache = tmp_path / "pack", tmp_path / "cache"
    write_sound(pack_folder)
    load_dip_cached(pack_folder, cache)
    entry = next(cache.glob("*.dip"))
    whole = entry.read_bytes()
    for broken in (whole[: len(whole) // 2], b"", pickle.dumps((print, print)), pickle.dumps({"a": 1})):
        entry.write_bytes(broken)
        pack, _ = load_dip_cached(pack_folder, cache)
        assert pack.meta.id == "tiny_dip"
    assert len(entry.read_bytes()) == len(whole)


def test_a_cache_that_cannot_be_written_costs_only_the_speed(tmp_path):
    pack_folder = tmp_path / "pack"
    write_sound(pack_folder)
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    pack, compiled = load_dip_cached(pack_folder, tmp_path / "file")
    assert pack.meta.id == "tiny_dip" and compiled.source is pack.tables


def test_a_run_keeps_the_compiled_catalogue_only_where_it_is_told_to(tmp_path, monkeypatch):
    pack_folder, cache = tmp_path / "pack", tmp_path / "cache"
    write_sound(pack_folder)
    monkeypatch.delenv("DIANZHI_CACHE_DIR", raising=False)
    assert open_edition(pack_folder).built is None
    monkeypatch.setenv("DIANZHI_CACHE_DIR", str(cache))
    edition = open_edition(pack_folder)
    assert edition.compiled is edition.built
    assert len(list(cache.glob("*.dip"))) == 1
