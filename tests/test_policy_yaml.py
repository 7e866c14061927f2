"""The quick parser of YAML is asked only for texts of which the other one says the same, event by event."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import yaml

from engine.policy import yaml_events
from engine.policy.yaml_events import events_of, is_plain

ROOT = Path(__file__).resolve().parents[1]
needs_libyaml = pytest.mark.skipif(not yaml.__with_libyaml__, reason="PyYAML was built without libyaml")
PARTS = [
    *(
        "a",
        "b c",
        "0.98",
        "2025-01-01",
        "-1",
        "- ",
        "- - ",
        "a: ",
        "a:",
        "年度: ",
        '"310": ',
        '"x, y"',
        '"#"',
        '""',
        " ",
    ),
    *("{", "}", "[", "]", "{a: 1}", "[a, b]", "{a: {b: [c]}, d: e}", ", ", ",", ": ", ":", "#", " # 说明", "null", "~"),
    *(
        "\n",
        "\n  ",
        "\n    ",
        "\n- ",
        "\n  - ",
        "\n\n",
        "（",
        "·",
        "=",
        "<",
        "$",
        "/1",
        "+",
        "(",
        ")",
        ";",
        "^",
        "_",
        ".",
    ),
]
ODD = [
    "\t",
    "'",
    "\\",
    "&x ",
    "*x",
    "!t ",
    "| ",
    "> ",
    "%",
    "@",
    "`",
    "? ",
    "---",
    "...",
    "\r\n",
    "\u2028",
    "\x85",
    "é",
]


def told(text: str, loader: type) -> list[tuple[object, ...]] | None:
    try:
        return [
            (
                type(event).__name__,
                getattr(event, "value", None),
                bool(getattr(event, "style", None)),
                getattr(event, "anchor", None),
                getattr(event, "tag", None),
                # Where something ends is told by nobody.
                None if type(event).__name__.endswith("EndEvent") else event.start_mark.line,
            )
            for event in yaml.parse(text, Loader=loader)
            if not isinstance(event, (yaml.StreamStartEvent, yaml.StreamEndEvent))
        ]
    except yaml.YAMLError:
        return None


def drawn(rng: random.Random) -> str:
    pool = PARTS + (ODD if rng.random() < 0.2 else [])
    if rng.random() < 0.5:
        return "".join(rng.choice(pool) for _ in range(rng.randrange(1, 14)))
    lines = []
    for _ in range(rng.randrange(1, 6)):
        indent = "  " * rng.randrange(3) + rng.choice(["", "", "- "])
        lines.append(
            indent + rng.choice(["a: ", "b:", '"1": ', "", "年: "]) + "".join(rng.choices(pool, k=rng.randrange(4)))
        )
    return "\n".join(lines) + rng.choice(["", "\n"])


@needs_libyaml
def test_both_parsers_say_the_same_of_plain_texts() -> None:
    rng, plain, read = random.Random("yaml"), 0, 0
    for _ in range(12_000):
        text = drawn(rng)
        if is_plain(text):
            quick = told(text, yaml.CSafeLoader)
            plain, read = plain + 1, read + (quick is not None)
            assert quick is None or quick == told(text, yaml.SafeLoader), text
    assert plain > 3_000 and read > 1_000


@needs_libyaml
def test_the_policies_shown_are_plain() -> None:
    texts = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "fixtures/demo/policy").glob("*.yaml"))]
    assert texts and all(is_plain(text) for text in texts)
    assert all(told(text, yaml.CSafeLoader) == told(text, yaml.SafeLoader) for text in texts)


@pytest.mark.parametrize("text", ["a: [b", "a: b: c", "a\n b: c", "{a: 1", "a: 1\n b: 2"])
def test_a_fault_is_told_in_the_words_of_one_parser(text: str) -> None:
    with pytest.raises(yaml.YAMLError) as quick:
        list(events_of(text))
    with pytest.raises(yaml.YAMLError) as slow:
        list(yaml.parse(text, Loader=yaml.SafeLoader))
    assert str(quick.value) == str(slow.value)


@pytest.mark.parametrize("odd", [*ODD, "a:b", "[a,b]", "a#b", "x" * (yaml_events.LINE_MAX + 1)])
def test_what_might_be_read_otherwise_is_not_plain(odd: str) -> None:
    assert not is_plain(f"a: 1\n{odd}\n")
