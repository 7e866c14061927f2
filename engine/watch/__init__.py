"""What a clearing is watched by beside its accounts 「监测」: sub-budgets, counties, indicators, how the year opened.

Nothing here moves an amount: every figure is a sum of posting lines or of settled cases.
"""
