"""Each broken policy is refused with words that lead to the fault: file, line, key, what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import PolicyError
from engine.policy import PolicyFaults, load_policy
from engine.policy.messages import MESSAGES
from fixtures.broken_policies import DEFECTS
from fixtures.small_policy import SMALL, Defect, write_broken, write_small


def faults(folder: Path) -> PolicyFaults:
    with pytest.raises(PolicyFaults) as caught:
        load_policy(folder)
    return caught.value


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_a_broken_policy_names_the_place_and_the_remedy(defect: Defect, tmp_path: Path) -> None:
    text = faults(write_broken(defect, tmp_path / "policy")).render("en")
    assert [word for word in defect.words if word not in text] == [], text


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_every_finding_speaks_chinese_and_english(defect: Defect, tmp_path: Path) -> None:
    for problem in faults(write_broken(defect, tmp_path / "policy")).problems:
        assert any("\u4e00" <= letter <= "\u9fff" for letter in problem.zh), problem
        assert problem.en and "{" not in problem.code and problem.place.line >= 1


def test_the_small_policy_itself_is_valid(tmp_path: Path) -> None:
    assert load_policy(write_small(tmp_path / "policy")).name == "样例市"


def test_all_faults_of_a_folder_come_together(tmp_path: Path) -> None:
    folder = write_small(tmp_path / "policy")
    apart = [
        d
        for d in DEFECTS
        if d.name in ("misspelt_tag", "misspelt_choice", "negative_rate", "hospital_twice", "tier_gap")
    ]
    for defect in apart:
        path = folder / defect.file
        path.write_text(path.read_text(encoding="utf-8").replace(defect.old, defect.new), encoding="utf-8")
    text = faults(folder).render("en")
    assert [word for defect in apart for word in defect.words if word not in text] == []


def test_a_policy_fault_is_a_policy_error_with_its_own_exit_code(tmp_path: Path) -> None:
    with pytest.raises(PolicyError) as caught:
        load_policy(tmp_path / "nowhere")
    assert caught.value.exit_code == 5
    assert "there is no such policy folder" in str(caught.value)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    assert "holds no .yaml file" in faults(tmp_path).render("en")


@pytest.mark.parametrize(
    "file", sorted(name for name in SMALL if name not in ("special_case.yaml", "point_value.yaml"))
)
def test_without_any_required_file_the_policy_does_not_load(file: str, tmp_path: Path) -> None:
    folder = write_small(tmp_path / "policy")
    (folder / file).unlink()
    text = faults(folder).render("en")
    assert file.removesuffix(".yaml") in text
    assert "Add a YAML file" in text or "is not there" in text


def test_no_message_number_is_used_twice() -> None:
    codes = [message.code for message in MESSAGES.values()]
    assert len(set(codes)) == len(codes)


def test_deep_nesting_is_a_finding_and_not_a_crash(tmp_path: Path) -> None:
    folder = write_small(tmp_path / "policy")
    (folder / "deep.yaml").write_text("monthly: " + "[" * 5000 + "]" * 5000 + "\n", encoding="utf-8")
    assert "nested too deep" in faults(folder).render("en")


def test_text_that_is_not_utf8_is_a_finding(tmp_path: Path) -> None:
    folder = write_small(tmp_path / "policy")
    (folder / "gbk.yaml").write_bytes("monthly: 月度".encode("gbk"))
    assert "gbk.yaml:1" in faults(folder).render("en")
