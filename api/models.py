"""What goes over the wire 「接口数据模型」: requests and answers, names as in the case and result files.

In: nothing; out: pydantic models. Money is a decimal string of yuan, a date is text; no number with a point is accepted
anywhere. Unknown fields are refused, except in the national message, which is taken as it is.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, create_model

from engine.cases.columns import COLUMNS, FILES, TYPED

CODES_MAX = 100
ITEMS_MAX = 1000
NODES_MAX = 200
_PLAIN = r"^[^\x00-\x1f\x7f]*$"

Money = Annotated[str, StringConstraints(pattern=r"^-?[0-9]{1,14}(\.[0-9]{1,2})?$", max_length=18)]
Day = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2}(:[0-9]{2})?)?$")]
Code = Annotated[str, StringConstraints(pattern=_PLAIN, max_length=30)]
Text = Annotated[str, StringConstraints(pattern=_PLAIN, max_length=200)]
Month = Annotated[str, StringConstraints(pattern=r"^(19|20)[0-9]{2}-(0[1-9]|1[0-2])$")]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,80}$")]
Count = Annotated[int, Field(ge=-(2**31) + 1, le=2**31 - 1)]


class Strict(BaseModel):
    """A request: unknown fields are refused, values are not converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Diagnosis(Strict):
    """One element of `diseinfo`."""

    diag_type: Code | None = None
    diag_code: Code
    diag_name: Text | None = None
    maindiag_flag: Code | None = None
    adm_cond_type: Code | None = None
    diag_srt_no: Count | None = None


class Operation(Strict):
    """One element of `oprninfo`."""

    oprn_oprt_type: Code | None = None
    oprn_oprt_code: Code
    oprn_oprt_name: Text | None = None
    oprn_oprt_date: Text | None = None
    oprn_oprt_begntime: Text | None = None
    oprn_oprt_endtime: Text | None = None
    anst_way: Code | None = None
    oprn_srt_no: Count | None = None


class Fee(Strict):
    """One element of `iteminfo`."""

    med_chrgitm: Code
    amt: Money
    claa_sumfee: Money | None = None
    clab_amt: Money | None = None
    fulamt_ownpay_amt: Money | None = None
    oth_amt: Money | None = None


class Payment(Strict):
    """One element of `payinfo`."""

    fund_pay_type: Code
    fund_payamt: Money


_CODES = Annotated[list[Code], Field(max_length=CODES_MAX)]
_NODES: dict[str, Any] = {
    "diseinfo": (Annotated[list[Diagnosis], Field(max_length=CODES_MAX)] | None, None),
    "oprninfo": (Annotated[list[Operation], Field(max_length=CODES_MAX)] | None, None),
    "iteminfo": (Annotated[list[Fee], Field(max_length=NODES_MAX)] | None, None),
    "payinfo": (Annotated[list[Payment], Field(max_length=NODES_MAX)] | None, None),
}


_NUMBERS = frozenset(typed.column for typed in TYPED if typed.kind in ("int", "whole"))


def _wire_type(name: str) -> Any:
    kind = COLUMNS[name].type
    if kind == "list" or name in ("diag_codes", "oprn_codes"):
        return _CODES
    if kind.startswith("decimal 16,2"):
        return Money
    if kind in ("date", "time"):
        return Day
    if kind.startswith(("int", "decimal")) or name in _NUMBERS:
        return Count | Code
    length = COLUMNS[name].length or 40
    return Annotated[str, StringConstraints(pattern=_PLAIN, max_length=length)]


def _case_fields() -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name in FILES["cases"]:
        fields[name] = (_wire_type(name) | None, Field(None, description=COLUMNS[name].label))
    return fields | _NODES


CaseIn = create_model(
    "CaseIn",
    __base__=Strict,
    __doc__="One settlement list 「结算清单」 under the column names of the case file.",
    **_case_fields(),
)


class GroupIn(Strict):
    """A case to be grouped."""

    case: CaseIn


class SettleIn(Strict):
    """A case to be settled. `provisional` answers the same and books nothing."""

    case: CaseIn
    version: Annotated[int, Field(ge=1, le=9999)] = 1
    provisional: bool = False


class BatchIn(Strict):
    """Up to a thousand cases. `settle` answers provisionally; booking is one case at a time."""

    cases: Annotated[list[CaseIn], Field(min_length=1, max_length=ITEMS_MAX)]
    what: Literal["group", "settle"] = "settle"


class ExplainIn(Strict):
    """A case to be explained step by step."""

    case: CaseIn
    lang: Literal["zh", "en"] = "zh"


class AdjustmentIn(Strict):
    """A correction: a new line that names what it corrects, and why."""

    kind: Literal["reversal", "audit_deduction", "special_case"]
    fixmedins_code: Name
    setl_id: Name
    version: Annotated[int, Field(ge=1, le=9999)]
    month: Month
    amount: Money | None = None
    reason: Annotated[str, StringConstraints(pattern=_PLAIN, min_length=1, max_length=200)]


class ClosingIn(Strict):
    """A month to be sealed."""

    month: Month


class JobIn(Strict):
    """A job over files that already stand in an allowed folder."""

    kind: Literal["group", "presettle", "clear"]
    paths: Annotated[list[Text], Field(min_length=1, max_length=500)]
    year: Annotated[int, Field(ge=2000, le=2100)] | None = None
    month: Annotated[int, Field(ge=1, le=12)] | None = None
    supersedes: Name | None = None


class Out(BaseModel):
    """An answer."""

    model_config = ConfigDict(extra="forbid")


class ErrorItem(Out):
    """One thing to mend: `pointer` into the body, or the column of the case."""

    code: str
    title: str
    pointer: str | None = None
    field: str | None = None
    title_en: str | None = None


class ProblemOut(Out):
    """RFC 9457 problem 「问题说明」."""

    type: str
    title: str
    status: int
    code: str
    detail: str | None = None
    instance: str | None = None
    errors: list[ErrorItem] | None = None
    trace_id: str | None = None


def _result_fields(*files: str) -> dict[str, Any]:
    names = dict.fromkeys(name for file in files for name in FILES[file])
    types: dict[str, Any] = {"mcc_diag_codes": list[str], "excl_diag_codes": list[str], "act_ipt_days": int}
    return {
        name: (types.get(name, str) | None, Field(None, description=COLUMNS[name].label))
        for name in names
        if name != "maindiag_code"
    }


GroupedOut = create_model(
    "GroupedOut", __base__=Out, __doc__="Columns of grouped.parquet.", **_result_fields("grouped")
)
SettledOut = create_model(
    "SettledOut", __base__=Out, __doc__="Columns of settled.parquet.", **_result_fields("grouped", "settled")
)


class GroupOut(Out):
    """The group of a case."""

    result: GroupedOut


class Booked(Out):
    """A booked line: its place in the area's chain, and the hash that proves it."""

    area: str
    line: int
    version: int
    month: str
    hash: str


class SettleOut(Out):
    """The answer to a settled case; `booked` is absent while it is provisional."""

    provisional: bool
    result: SettledOut
    booked: Booked | None = None


class BatchItem(Out):
    """One case of a batch: its result, or what to mend."""

    index: int
    result: SettledOut | None = None
    errors: list[ErrorItem] | None = None


class BatchOut(Out):
    """Answers in the order of the cases; one bad case fails nobody else."""

    accepted: int
    rejected: int
    items: list[BatchItem]


class ListIn(BaseModel):
    """The national message 4101 or 4101A 「结算清单」, as it is; fields not listed are taken and left alone."""

    model_config = ConfigDict(extra="allow")

    infno: Literal["4101", "4101A"]
    input: dict[str, Any]
    msgid: str | None = None
    cainfo: str | None = None
    signtype: str | None = None
    fixmedins_code: str | None = None


class ListOutput(Out):
    """The group, with points and money unless `unpriced` says what is missing for that."""

    result: SettledOut
    unpriced: list[ErrorItem] | None = None


class ListOut(Out):
    """The answer in the national envelope."""

    infcode: str
    inf_refmsgid: str
    err_msg: str
    envelope: dict[str, str]
    output: ListOutput


class AdjustmentOut(Out):
    """A booked correction; amounts are what the line adds."""

    kind: str
    setl_id: str
    fixmedins_code: str
    corrects: int
    drg_dip_fund_payamt: str
    drg_dip_sumamt: str | None = None
    booked: Booked


class LineOut(Booked):
    """A booked line as it is shown."""

    kind: str
    corrects: int | None = None
    reason: str
    booked_at: str
    drg_dip_sumamt: str
    drg_dip_fund_payamt: str


class LinesOut(Out):
    """The lines of a case and the sum of the fund's part."""

    lines: list[LineOut]
    drg_dip_fund_payamt: str


class ClosingOut(Out):
    """A closed month and the run that holds its lines."""

    area: str
    month: str
    run_id: str | None
    seal: str | None
    closed_at: str
    last_seq: int


class JobOut(Out):
    """A job: queued, running, succeeded, failed or cancelled."""

    id: str
    kind: str
    state: Literal["queued", "running", "succeeded", "failed", "cancelled"]
    rows_done: int
    run_id: str | None = None
    counts: dict[str, int] | None = None
    error: str | None = None
    cancel_requested: bool
    created_at: str
    updated_at: str
    files: list[str] | None = None


class JobsOut(Out):
    """Jobs, newest first."""

    jobs: list[JobOut]
