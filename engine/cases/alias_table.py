"""By which other names a column may arrive, family by family 「列名对照」.

`column: alias, alias …`. Parts of a list have names of their own: `diag_main` and
`diag_other` (`oprn_*`) are the principal and the other codes in separate columns, `diseinfo` and `oprninfo` the
national nodes; `{n}` stands for the number of a repeated column. A national name is always accepted under itself.
Case, surrounding blanks and full-width forms never matter. Data only: `aliases` reads it.
"""

FAMILIES: dict[str, str] = {
    # Names of the same field in 4103 (read-back), 4101A, 3101 and other national interfaces.
    "national": """
insutype: hi_type
setl_id: setlid
fixmedins_code: fixmedins_codg, medins_id
hi_setl_lv: medins_lv
nwb_age: age_days
adm_caty: adm_dept_codg
dscg_caty: dscg_dept_codg
adm_way: adm_way_code
refldept_dept: refl_caty, traf_dept_flat
adm_time: adm_date
dscg_time: dscg_date
setl_begn_date: setl_begndate
setl_end_date: setl_enddate, setl_time
setl_ym: setlym
days_rinp_flag_31: dscg31days_rinp_flag
medfee_sumamt: med_sumamt
hifp_pay: hifp_payamt
acct_pay: acct_payamt
psn_cash_pay: psn_cashpay
fulamt_ownpay_amt: psn_ownpay, psn_ownpay_fee, ownpay_amt
vent_used_h: vent_used_dura
bfadm_coma_h: pwcry_bfadm_coma_dura
afadm_coma_h: pwcry_afadm_coma_dura
diag_codes: diag_code, diag_codg
oprn_codes: oprn_oprt_code, oprn_oprt_codg
""",
    # Misspellings that stand in published interfaces.
    "misspelt": """
nwb_bir_wt: nwbbirwt
nwb_adm_wt: nwbadmwt
nwb_adm_type: nwb_admtype
mdtrtarea_admvs: mdtrtarea_admdvs
insuplc_admdvs: insuplc_admvs, insuplc, insu_admdvs
""",
    # Headers of Chinese spreadsheets.
    "chinese": """
setl_id: 结算ID, 结算编号, 结算单号, 结算流水号
mdtrt_id: 就诊ID, 就诊流水号, 住院流水号
medcasno: 病案号, 病历号
ipt_cnt: 住院次数
fixmedins_code: 定点医药机构编号, 定点医药机构编码, 定点医药机构代码, 定点医疗机构编码, 定点医疗机构代码
fixmedins_code: 医疗机构编码, 医疗机构代码, 医院编码, 医院代码
fixmedins_name: 定点医药机构名称, 医疗机构名称, 医院名称
hi_setl_lv: 医保结算等级, 医院等级, 医疗机构等级
insutype: 医保类型, 险种, 险种类型, 医保险种, 参保类型
med_type: 医疗类别
ipt_med_type: 住院医疗类型, 住院类型
gend: 性别, 性别代码
brdy: 出生日期
age: 年龄, 年龄(岁), 年龄（周岁）, 周岁
nwb_age: 新生儿年龄天, 新生儿年龄(天), 年龄(天), 年龄天, 日龄, 不足一周岁年龄, 不足1周岁年龄
nwb_age: (年龄不足1周岁)年龄, 年龄不足1周岁的年龄(天)
nwb_bir_wt: 新生儿出生体重, 出生体重, 新生儿出生体重(克), 新生儿出生体重(g)
nwb_adm_wt: 新生儿入院体重, 入院体重, 新生儿入院体重(克), 新生儿入院体重(g)
nwb_adm_type: 新生儿入院类型
adm_time: 入院时间, 入院日期
dscg_time: 出院时间, 出院日期
act_ipt_days: 住院天数, 实际住院天数, 实际住院(天)
adm_caty: 入院科室, 入院科别
dscg_caty: 出院科室, 出院科别, 出院科室编码
adm_way: 入院途径
dscg_way: 离院方式, 离院方式代码
days_rinp_flag_31: 31天内再住院计划
vent_used_h: 呼吸机使用时长, 呼吸机使用时间, 呼吸机使用时间(小时)
bfadm_coma_h: 入院前昏迷时长, 入院前昏迷时间
afadm_coma_h: 入院后昏迷时长, 入院后昏迷时间
icu_hours: 重症监护时长, 重症监护时间, 重症监护时间(小时), ICU时长, ICU小时
spga_nurscare_days: 特级护理天数
diag_codes: 诊断编码, 诊断代码, 全部诊断编码
diag_main: 主要诊断编码, 主要诊断代码, 主要诊断, 主诊断编码, 主诊断
diag_other: 其他诊断编码, 其他诊断代码, 其他诊断, 次要诊断编码, 其他诊断编码{n}, 其他诊断代码{n}, 其他诊断{n}
oprn_codes: 手术操作编码, 手术操作代码, 手术编码, 手术及操作编码, 全部手术操作编码
oprn_main: 主要手术操作编码, 主要手术操作代码, 主要手术编码, 主要手术, 主手术编码
oprn_other: 其他手术操作编码, 其他手术操作代码, 其他手术编码, 其他手术
oprn_other: 其他手术操作编码{n}, 其他手术编码{n}, 其他手术{n}
setl_begn_date: 结算开始日期
setl_end_date: 结算日期, 结算时间, 结算结束日期
setl_ym: 结算年月, 结算月份, 清算年月
medfee_sumamt: 总费用, 医疗费总额, 医疗总费用, 住院总费用, 费用总额, 医疗费用总额
inscp_scp_amt: 符合政策范围金额, 政策范围内费用
hifp_pay: 统筹基金支付, 统筹基金支出, 统筹基金支付金额, 统筹支付, 统筹支付金额, 统筹记账, 统筹基金
fund_pay_sumamt: 基金支付总额, 医保基金支付
psn_part_amt: 个人负担, 个人负担金额
acct_pay: 个人账户支出, 个人账户支付
psn_cash_pay: 个人现金支付, 个人现金
psn_no: 人员编号, 参保人编号, 个人编号
wm_trt_fee: 西医治疗费, 非手术治疗项目费
oprn_fee: 手术费, 手术治疗费
mcs_fee: 卫生材料费, 材料费, 耗材费
wm_drug_fee: 西药费
tcm_trt_fee: 中医治疗费
tcm_patn_fee: 中成药费
tcm_herb_fee: 中药饮片费, 中草药费
""",
    # The eleven flat fields of the public OpenDRG project (remark is ignored).
    "opendrg": """
setl_id: Index
gend: gender
age: age
nwb_age: ageDay
nwb_bir_wt: weight
dscg_caty: dept
act_ipt_days: inHospitalTime
dscg_way: leavingType
diag_codes: zdList
oprn_codes: ssList
""",
    # Flat fields of public DIP groupers; codes are joined by commas there.
    "dip": """
setl_id: case_id
fixmedins_code: hos_code, hospital_code
brdy: birth_date
adm_time: in_hospital_date, in_date
dscg_time: out_hospital_date, out_date
setl_end_date: settle_date
medfee_sumamt: sum_amount
insutype: insurance_type
""",
    # Field codes of the HQMS front page of the medical record 「病案首页」.
    "hqms": """
medcasno: A48
ipt_cnt: A49
gend: A12C
age: A14
nwb_age: A16
nwb_adm_wt: A17
nwb_bir_wt: A18x01
adm_time: B12
dscg_time: B15
diag_main: C03C
diag_other: C06x{n}C
oprn_main: C14x01C
oprn_other: C35x{n}C
""",
    # Columns of published answer files.
    "answers": """
setl_id: rec_id
gend: gender
age: age_years
nwb_age: age_days
nwb_bir_wt: birth_weight_g
dscg_caty: dept
act_ipt_days: los_days
dscg_way: leaving_type
icu_hours: icu_hours
diag_codes: dx_codes
oprn_codes: proc_codes
""",
}

VALUE_WORDS: dict[str, dict[str, str]] = {
    "gend": {"男": "1", "男性": "1", "M": "1", "女": "2", "女性": "2", "F": "2", "未知": "0", "未说明": "9"},
    "insutype": {
        **dict.fromkeys(("职工", "职工医保", "城镇职工", "职工基本医疗保险", "城镇职工基本医疗保险"), "310"),
        **dict.fromkeys(("居民", "居民医保", "城乡居民", "城乡居民医保", "城乡居民基本医疗保险"), "390"),
    },
    "hi_setl_lv": {"一级": "1", "二级": "2", "三级": "3"},
    "ipt_med_type": {"住院": "1", "日间手术": "2"},
    "dscg_way": {
        "医嘱离院": "1",
        "医嘱转院": "2",
        "医嘱转社区": "3",
        "医嘱转社区卫生服务机构/乡镇卫生院": "3",
        "非医嘱离院": "4",
        "死亡": "5",
        "其他": "9",
    },
}
"""Words that stand in cells where a code belongs; data-standards code lists."""

IGNORED = frozenset({"remark", "status", "status_zh", "mdc", "adrg", "drg"})
"""Known columns that say nothing about the case: a remark, and the answers in answer files."""

DURATION_PARTS: dict[str, tuple[str, str, str]] = {
    "vent_used_h": ("vent_used_days", "vent_used_h_cnt", "vent_used_m_cnt"),
    "bfadm_coma_h": ("bfadm_coma_days", "bfadm_coma_h_cnt", "bfadm_coma_m_cnt"),
    "afadm_coma_h": ("afadm_coma_days", "afadm_coma_h_cnt", "afadm_coma_m_cnt"),
}
"""4103 gives a duration as days, hours and minutes in three columns."""

NODE_FIELDS: dict[str, tuple[str, ...]] = {
    "code": ("diag_code", "diag_codg", "dise_codg", "oprn_oprt_code", "oprn_oprt_codg"),
    "main": ("maindiag_flag", "maindise_flag", "oprn_oprt_type", "main_oprn_flag"),
    "stream": ("diag_type",),
    "serial": ("diag_srt_no", "dias_srt_no", "oprn_srt_no"),
}
"""Fields of a diseinfo or oprninfo element: the code, what marks the principal one (value 1), the diagnosis stream
(1 western; the others are Chinese medicine and take no part), the order."""
