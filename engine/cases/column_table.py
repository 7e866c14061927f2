"""Every column of every file, once: name, type, unit, source, Chinese label, meaning 「数据项」.

`source` is the national interface that names the column (4101, 2304, 3203, 90504 …); `P` marks a name proposed here
because no national one is public, `P 4103` one derived from a national field. Types are those of `columns.arrow_type`;
a number after `text` is the national length. Data only: `columns` reads it.
"""

TABLE = """
# identity and area
setl_id             | text 30       |      | 4101   | 结算ID             | the settlement; key of a case
mdtrt_id            | text 30       |      | 4101   | 就诊ID             | the stay
medcasno            | text 40       |      | 4101   | 病案号             | medical record number
ipt_cnt             | int16         |      | P      | 住院次数           | which stay of this medical record number
setl_list_sn        | text 30       |      | 4103   | 清单流水号         | serial number of the settlement list
psn_no              | text 30       |      | 4101A  | 人员编号           | pseudonym, never an identity number
fixmedins_code      | text 12       |      | 4101   | 定点医药机构编号   | the hospital
fixmedins_name      | text 200      |      | 4101   | 定点医药机构名称   | name of the hospital
hi_setl_lv          | text 3        |      | 4101   | 医保结算等级       | tier of the hospital: 1 2 3
insuplc_admdvs      | text 6        |      | 4101   | 参保地区划         | region where the person is insured
mdtrtarea_admvs     | text 6        |      | 4101   | 就医地区划         | region where the person is treated
insutype            | text 6        |      | 2304   | 险种类型           | 310 employees, 390 residents
med_type            | text 6        |      | 2304   | 医疗类别           | kind of care
ipt_med_type        | text 3        |      | 4101   | 住院医疗类型       | 1 inpatient, 2 day surgery
clr_type            | text 30       |      | 2304   | 清算类别           | clearing type
clr_type_lv2        | text 30       |      | 90504  | 二级清算类别       | clearing type, second level
clr_way             | text 30       |      | 2304   | 清算方式           | clearing way
clr_optins          | text 30       |      | 2304   | 清算机构           | clearing office
hi_paymtd           | text 3        |      | 4101   | 医保支付方式       | 3 DIP, 4 DRG
stas_type           | text 3        |      | 4102   | 状态分类           | state of the list
# the patient and the stay
gend                | text 1        | code | 4101   | 性别               | 1 male, 2 female, 0 unknown, 9 not stated
brdy                | date          |      | 4101   | 出生日期           | date of birth
age                 | decimal 4,1   | a    | 4101   | 年龄               | age in completed years
nwb_age             | int16         | d    | 4101   | 不足一周岁年龄     | age in days of a child under one year
nwb_bir_wt          | decimal 6,2   | g    | 4101   | 新生儿出生体重     | birth weight
nwb_adm_wt          | decimal 6,2   | g    | 4101   | 新生儿入院体重     | weight on admission
nwb_adm_type        | text 3        |      | 4101   | 新生儿入院类型     | kind of newborn admission
adm_time            | time          |      | 4101   | 入院时间           | admitted
dscg_time           | time          |      | 4101   | 出院时间           | discharged
act_ipt_days        | int16         | d    | 4101   | 实际住院天数       | length of stay
adm_caty            | text 6        |      | 4101   | 入院科别           | department on admission
dscg_caty           | text 6        |      | 4101   | 出院科别           | department on discharge
refldept_dept       | text 50       |      | 4101   | 转科科别           | departments in between
adm_way             | text 3        |      | 4101   | 入院途径           | way of admission
trt_type            | text 3        |      | 4101   | 治疗类别           | kind of treatment
dscg_way            | text 3        |      | 4101   | 离院方式           | discharge disposition: 1-5, 9
days_rinp_flag_31   | text 3        |      | 4101   | 31天内再住院计划   | planned readmission within 31 days
vent_used_h         | decimal 8,2   | h    | P 4103 | 呼吸机使用时长     | hours on a ventilator
bfadm_coma_h        | decimal 8,2   | h    | P 4103 | 入院前昏迷时长     | hours of coma before admission
afadm_coma_h        | decimal 8,2   | h    | P 4103 | 入院后昏迷时长     | hours of coma after admission
icu_hours           | decimal 8,2   | h    | P 4101 | 重症监护时长       | hours of intensive care, all wards together
spga_nurscare_days  | int16         | d    | 4101   | 特级护理天数       | days of special care
lv1_nurscare_days   | int16         | d    | 4101   | 一级护理天数       | days of first-level care
scd_nurscare_days   | int16         | d    | 4101   | 二级护理天数       | days of second-level care
lv3_nurscare_days   | int16         | d    | 4101   | 三级护理天数       | days of third-level care
diag_codes          | list          |      | 4101   | 诊断编码           | diagnoses, principal first (diseinfo, flat)
oprn_codes          | list          |      | 4101   | 手术操作编码       | procedures, principal first (oprninfo, flat)
setl_begn_date      | date          |      | 4101   | 结算开始日期       | settlement period from
setl_end_date       | date          |      | 4101   | 结算结束日期       | settled
setl_ym             | text 6        |      | 4104   | 结算年月           | month of settlement, YYYYMM
# money of a case
medfee_sumamt       | decimal 16,2  | yuan | 2304   | 医疗费总额         | total cost
fulamt_ownpay_amt   | decimal 16,2  | yuan | 2304   | 全自费金额         | wholly outside the policy
overlmt_selfpay     | decimal 16,2  | yuan | 2304   | 超限价自费         | above price limits
preselfpay_amt      | decimal 16,2  | yuan | 2304   | 先行自付           | paid first by the patient
inscp_scp_amt       | decimal 16,2  | yuan | 2304   | 符合政策范围金额   | in-scope cost
act_pay_dedc        | decimal 16,2  | yuan | 2304   | 起付线             | deductible
hifp_pay            | decimal 16,2  | yuan | 2304   | 统筹基金支出       | booked to the pooled fund
cvlserv_pay         | decimal 16,2  | yuan | 2304   | 公务员补助         | civil servants' supplement
hifes_pay           | decimal 16,2  | yuan | 2304   | 企业补充           | employers' supplement
hifmi_pay           | decimal 16,2  | yuan | 2304   | 居民大病           | residents' serious-illness cover
hifob_pay           | decimal 16,2  | yuan | 2304   | 职工大额           | employees' large-amount cover
maf_pay             | decimal 16,2  | yuan | 2304   | 医疗救助           | medical assistance
oth_pay             | decimal 16,2  | yuan | 2304   | 其他支出           | other funds
fund_pay_sumamt     | decimal 16,2  | yuan | 2304   | 基金支付总额       | all funds together
psn_part_amt        | decimal 16,2  | yuan | 2304   | 个人负担           | patient's part: medfee_sumamt - hifp_pay
acct_pay            | decimal 16,2  | yuan | 2304   | 个人账户支出       | personal account
psn_cash_pay        | decimal 16,2  | yuan | 2304   | 个人现金           | cash
hosp_part_amt       | decimal 16,2  | yuan | 2304   | 医院负担           | borne by the hospital
wm_trt_fee          | decimal 16,2  | yuan | P 4101 | 西医治疗费         | treatment without operations (item 05)
oprn_fee            | decimal 16,2  | yuan | P 4101 | 手术费             | operations (item 06)
mcs_fee             | decimal 16,2  | yuan | P 4101 | 卫生材料费         | materials (item 08)
wm_drug_fee         | decimal 16,2  | yuan | P 4101 | 西药费             | western drugs (item 09)
tcm_trt_fee         | decimal 16,2  | yuan | P 4101 | 中医治疗费         | TCM treatment, no part of wm_trt_fee
tcm_patn_fee        | decimal 16,2  | yuan | P 4101 | 中成药费           | proprietary Chinese medicines (item 11)
tcm_herb_fee        | decimal 16,2  | yuan | P 4101 | 中药饮片费         | decoction pieces (item 10)
# grouping result
pay_mode            | text          |      | P      | 付费方式           | DRG or DIP
grp_ver             | text          |      | P      | 分组方案版本       | rule pack, id and version
grp_stas            | text          |      | P      | 分组状态           | OK, QY ambiguous, FAIL, INVALID
grp_rea_code        | text          |      | P      | 分组原因代码       | reason code
grp_rea             | text          |      | P      | 分组原因           | reason in words
mdc_code            | text          |      | P      | MDC编码            | major diagnostic category
mdc_name            | text          |      | P      | MDC名称            | its name
adrg_code           | text          |      | P      | ADRG编码           | adjacent group
adrg_name           | text          |      | P      | ADRG名称           | its name
drg_code            | text          |      | P      | DRG编码            | group; 0000 when ungrouped
drg_name            | text          |      | P      | DRG名称            | its name
drg_wt              | decimal 12,6  | 1    | P      | 权重               | relative weight
mcc_cc_flag         | text          |      | P      | 合并症并发症标志   | MCC, CC or NONE
mcc_diag_codes      | list          |      | P      | 计入的合并症并发症 | complications that counted
excl_diag_codes     | list          |      | P      | 被排除的并发症     | complications the principal excludes
maindiag_code       | text 20       |      | P      | 主要诊断           | principal diagnosis as finally used
main_oprn_code      | text 30       |      | P      | 主要手术           | principal procedure as finally used
dip_type            | text          |      | P      | 病种类型           | core, primary care or comprehensive
dip_code            | text          |      | P      | 病种编码           | DIP group
dip_name            | text          |      | P      | 病种名称           | its name
dip_sup_type        | text          |      | P      | 辅助目录类型       | auxiliary catalogue that applied
dip_sup_name        | text          |      | P      | 辅助目录名称       | its level that applied
dip_sup_coef        | decimal 12,6  | 1    | P      | 辅助目录系数       | its factor
dip_sco             | decimal 12,4  | pt   | P      | 病种分值           | base points of the DIP group
risk_lv             | text          |      | P      | 死亡风险等级       | risk of death
grp_time            | time          |      | P      | 分组时间           | when grouped
trace               | text          |      | P      | 分组路径           | rule path, JSON
# settlement of a case
plcy_ver            | text          |      | P      | 结算办法版本       | policy, id and version
base_pt             | decimal 18,8  | pt   | P      | 基准点数           | points of the group before any coefficient
medins_coef         | decimal 12,6  | 1    | P      | 机构系数           | its coefficient; the class says if it counts
adjm_coef           | decimal 12,6  | 1    | P      | 调整系数           | product of the other adjustments
std_fee             | decimal 16,2  | yuan | P      | 标准费用           | benchmark cost of the group
fee_mult            | decimal 12,6  | 1    | P      | 费用倍率           | medfee_sumamt / std_fee
mult_type           | text          |      | P      | 倍率类型           | LOW, NORM, HIGH, SP, UNGRP, BYITEM
class_id            | text          |      | P      | 病例分类规则       | rule that chose the case class
setl_pt             | decimal 18,8  | pt   | P      | 结算点数           | points after all coefficients
pt_val              | decimal 18,8  | yuan | P      | 点值               | yuan per point used
drg_dip_sumamt      | decimal 16,2  | yuan | P      | 支付标准总额       | payment standard
drg_dip_fund_payamt | decimal 16,2  | yuan | P      | 应付统筹基金       | part of the standard the pooled fund pays
setl_dif_amt        | decimal 16,2  | yuan | P      | 盈亏               | drg_dip_sumamt - medfee_sumamt
fund_dif_amt        | decimal 16,2  | yuan | P      | 基金差额           | the two compared; contract cases are not
setl_rea            | text          |      | P      | 结算说明           | why this class and these points
det_amt             | decimal 16,2  | yuan | P      | 审核扣款           | deducted from this case
# clearing of a hospital
clr_appy_evt_id     | text 30       |      | 90504  | 清算申请事件ID     | platform id, may be empty
fee_clr_id          | text 30       |      | 90504  | 费用清算ID         | platform id, may be empty
clr_ym              | text 6        |      | 90504  | 清算年月           | YYYYMM of a month, YYYY of a year
begndate            | date          |      | 90504  | 开始日期           | first day
enddate             | date          |      | 90504  | 结束日期           | last day
clr_stas            | text          |      | 90504  | 清算状态           | state of clearing
stmt_type           | text          |      | P      | 结算类型           | MONTH presettlement, YEAR annual clearing
clr_psntime         | int32         | n    | 90504  | 清算人次           | cases
grp_psntime         | int32         | n    | P      | 入组人次           | grouped cases
ungrp_psntime       | int32         | n    | P      | 未入组人次         | ungrouped cases
low_psntime         | int32         | n    | P      | 低倍率人次         | low outliers
high_psntime        | int32         | n    | P      | 高倍率人次         | high outliers
grp_rate            | decimal 9,6   | 1    | P      | 入组率             | grp_psntime / clr_psntime
iptdayscum          | int32         | d    | 90504  | 住院天数合计       | days of stay
med_sumfee          | decimal 16,2  | yuan | 3203   | 医保认可费用总额   | cost recognised
cash_payamt         | decimal 16,2  | yuan | 3203   | 现金支付总额       | cash
tot_wt              | decimal 18,6  | 1    | P      | 总权重             | sum of weights
cmi                 | decimal 18,6  | 1    | P      | CMI                | case mix index
tot_pt              | decimal 18,8  | pt   | P      | 总点数             | sum of points
fee_idx             | decimal 12,6  | 1    | P      | 费用消耗指数       | cost efficiency index
time_idx            | decimal 12,6  | 1    | P      | 时间消耗指数       | time efficiency index
rtn_amt             | decimal 16,2  | yuan | P      | 结余留用           | surplus retained
shar_amt            | decimal 16,2  | yuan | P      | 超支分担           | overspend shared by the fund
fund_appy_sum       | decimal 16,2  | yuan | 90504  | 基金申报总额       | applied for
det_sumamt          | decimal 16,2  | yuan | 90504  | 扣款总额           | deductions
dpst_sumamt         | decimal 16,2  | yuan | 90504  | 质量保证金         | quality deposit withheld
prepay_amt          | decimal 16,2  | yuan | P      | 已预付             | prepaid
dfr_amt             | decimal 16,2  | yuan | 90504  | 应拨付             | due
act_dfr_amt         | decimal 16,2  | yuan | 90504  | 实际拨付           | paid out
rslt_hash           | text          |      | P      | 结果摘要           | digest of the result
# posting lines and rejected rows
line                | int64         | n    | P      | 行号               | number of the posting line
period              | text          |      | P      | 期间               | 2024-03 or 2024
cause               | text          |      | P      | 事由               | what the line is for
rule                | text          |      | P      | 规则               | policy key that made it
tag                 | text          |      | P      | 证据标记           | evidence of the value used
amount_fen          | int64         | fen  | P      | 金额（分）         | positive to the hospital
file                | text          |      | P      | 文件               | input file
row                 | int64         | n    | P      | 行                 | data row in its file, from 1
field               | text          |      | P      | 字段               | column at fault
code                | text          |      | P      | 代码               | rejection code
reason_zh           | text          |      | P      | 原因               | what is wrong and what to mend, in Chinese
reason_en           | text          |      | P      | 原因（英文）       | the same in English
# what is watched beside the accounts
scheme              | text          |      | P      | 付费方式           | scheme of the policy
kind                | text          |      | P      | 付费类别           | how the scheme pays
applies             | text          |      | P      | 适用条件           | condition of the scheme; empty: the rest
cases               | int64         | n    | P      | 病例数             | cases it took
cost_fen            | int64         | fen  | P      | 医疗费总额（分）   | their total cost
booked_fen          | int64         | fen  | P      | 统筹记账（分）     | booked to the pooled fund
fund_part_fen       | int64         | fen  | P      | 病例应付基金（分） | fund part of standards
package_fen         | int64         | fen  | P      | 打包总额（分）     | package of the bundle
public_health_fen   | int64         | fen  | P      | 公共卫生经费（分） | its part of the package
inside_fen          | int64         | fen  | P      | 院内支出（分）     | booked to cases of the members
outside_fen         | int64         | fen  | P      | 院外支出（分）     | spent for its people elsewhere
surplus_fen         | int64         | fen  | P      | 结余（分）         | package less both; below zero a deficit
paid_fen            | int64         | fen  | P      | 应付（分）         | what the contract pays
division            | text          |      | P      | 划分               | way of dividing a budget
part                | text          |      | P      | 分项               | part of the division
planned_fen         | int64         | fen  | P      | 计划（分）         | planned for the part
known_fen           | int64         | fen  | P      | 已知支出（分）     | known to be spent, perhaps not all
spent_fen           | int64         | fen  | P      | 支出（分）         | spent; empty: the run cannot know it
left_fen            | int64         | fen  | P      | 结余（分）         | planned less spent; empty where spend is
known_from          | text          |      | P      | 口径               | what it is made of, or why unknown
county              | text          |      | P      | 县区               | county of the hospitals
allotted_fen        | int64         | fen  | P      | 县级额度（分）     | allotted to the county
gap_fen             | int64         | fen  | P      | 超支（分）         | spent less allotted; below zero a surplus
county_fen          | int64         | fen  | P      | 县级承担（分）     | the county pays; below zero it keeps
city_fen            | int64         | fen  | P      | 市级承担（分）     | the city's fund covers; below zero it keeps
kpi                 | text          |      | P      | 指标               | the indicator
numerator           | int64         |      | P      | 分子               | what is counted or summed
denominator         | int64         |      | P      | 分母               | empty: unknown, or a plain count
num_unit            | text          |      | P      | 分子单位           | fen, n, or 1e-6
den_unit            | text          |      | P      | 分母单位           | fen or n
standing_fen        | int64         | fen  | P      | 现行（分）         | posted by the standing clearing
other_fen           | int64         | fen  | P      | 模拟（分）         | what the other policy would post
difference_fen      | int64         | fen  | P      | 差额（分）         | the other less the standing
value_e6            | int64         | 1e-6 | P      | 指标值             | rounded once; empty for a count
# how a hospital's gap was shared, and the policy values behind the lines
side                | text          |      | P      | 方向               | surplus, overspend, or even
tier                | int16         | n    | P      | 档次               | 0 the hospital as a whole, then tier by tier
tier_from           | decimal 12,6  | 1    | P      | 起点               | where it begins, share of the denominator
tier_to             | decimal 12,6  | 1    | P      | 止点               | where it ends, empty for the open tier
tier_share          | decimal 12,6  | 1    | P      | 比例               | kept by the hospital, or borne by the fund
part_amt            | decimal 24,8  | yuan | P      | 落入金额           | part of the gap in the tier; row 0: the gap
tier_amt            | decimal 24,8  | yuan | P      | 分担金额           | share × part, unrounded; row 0: the sum
den_amt             | decimal 24,8  | yuan | P      | 分母               | what the edges are shares of
std_amt             | decimal 24,8  | yuan | P      | 比较标准           | standard the gap is measured from
act_amt             | decimal 24,8  | yuan | P      | 比较实际           | spend it is compared with
fund_mult           | decimal 18,12 | 1    | P      | 基金占比           | fund's part of total cost, else 1
asmt_score          | decimal 9,4   | 1    | P      | 考核得分           | yearly assessment score
asmt_coef           | decimal 12,6  | 1    | P      | 考核系数           | what the score is worth
clm_amt             | decimal 24,8  | yuan | P      | 申请分担           | claim on the reserve, after assessment
clm_sumamt          | decimal 24,8  | yuan | P      | 申请分担合计       | claims of all hospitals of the pool
avail_amt           | decimal 16,2  | yuan | P      | 可用风险金         | what the reserve could give to shares
shar_k              | decimal 18,12 | 1    | P      | 分担系数           | part of every claim that is paid
dpst_rel            | decimal 12,6  | 1    | P      | 保证金返还比例     | part of the deposit the score releases
edge_kind           | text          |      | P      | 断点类型           | class, or the rule of the hospital's edge
edge_name           | text          |      | P      | 断点               | which: scheme and classes on both sides
edge_at             | decimal 18,8  | 1    | P      | 断点位置           | cost ratio, spend over standard, or score
own_at              | decimal 18,8  | 1    | P      | 本院位置           | where the hospital stands, empty for cases
edge_from           | decimal 18,8  | 1    | P      | 断点以下           | what the rule says just below the edge
edge_to             | decimal 18,8  | 1    | P      | 断点以上           | what it says at the edge
blw_psntime         | int32         | n    | P      | 断点下病例         | cases just below the edge
abv_psntime         | int32         | n    | P      | 断点上病例         | cases just above the edge
jump_amt            | decimal 16,2  | yuan | P      | 跳变金额           | what crossing is worth; of cases, all of it
since               | date          |      | P      | 起始日期           | from which day the value holds
val_text            | text          |      | P      | 取值               | the value as the policy writes it
unit                | text          |      | P      | 单位               | its unit
source_doc          | text          |      | P      | 依据文件           | document and article it stands in
rule_name           | text          |      | P      | 参数名称           | what the value is, in Chinese
val_dflt            | int16         |      | P      | 缺省值             | 1 the engine's default, 0 the policy's
"""
