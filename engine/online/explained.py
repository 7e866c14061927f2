"""One case from JSON explained step by step 「分组说明」.

In: a counter and the columns of a case; out: plain data with the group and its steps. The walk explained is the one
that decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.misfit import Misfit
from engine.online.counter import Counter
from engine.online.dip_case import dip_case
from engine.online.drg_case import drg_case
from engine.online.record import read_record
from engine.online.settle import Refused, misfit
from engine.packs.dip_load import DipPack


def explained(counter: Counter, raw: Mapping[str, Any], lang: str) -> dict[str, Any]:
    """The steps of one case. Raises Refused."""
    record, refusals = read_record(raw, counter.grouping)
    if refusals:
        raise Refused(refusals, record.fixmedins_code)
    day = record.settled_on if counter.chosen_by == "settlement_date" else record.discharged_on
    edition = counter.edition_on(day)
    if edition is None:
        raise Refused([misfit(Misfit.NO_EDITION, "dscg_time")], record.fixmedins_code)
    pack = edition.pack
    if isinstance(pack, DipPack):
        from grouper.dip_trace import trace

        case, _ = dip_case(record, pack)
        found = trace(counter.walker(edition), case)
        steps = [{"kind": "step", "text": line, "code": "", "held": None} for line in found.lines(lang)]
        return {"grp_ver": edition.version, "group": found.outcome.code, "steps": steps}
    from engine.explain import explain_case

    told = explain_case(pack, drg_case(record, pack), lang).as_dict()
    return {"grp_ver": edition.version, "group": told["drg"], "steps": told["steps"]}
