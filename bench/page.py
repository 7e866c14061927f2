"""The figures of `bench scale` as one page without network 「结果页」: bars, ratios, what it was measured on.

In: `Scale`; out: HTML. It rounds for the eye and computes nothing but lengths of bars.
"""

from __future__ import annotations

from html import escape

from bench.scale import Scale

_WIDTH = 640
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f24}"
    "table{border-collapse:collapse}td,th{padding:.2rem .8rem .2rem 0;text-align:left}td.n{text-align:right}"
    "h2{margin-top:2rem}code{background:#f2f4f7;padding:0 .2rem}"
)


def page(found: Scale) -> str:
    """The whole page."""
    machine = found.machine
    head = (
        f"<p>{escape(str(machine['cpu']))} · {machine['cores_usable']} of {machine['cores']} cores · load "
        f"{machine['load_average']} · Python {machine['python']} · "
        + ", ".join(f"{name} {version}" for name, version in machine["libraries"].items())
        + "</p>"
    )
    packs = "".join(
        f"<tr><td>{name}</td><td>{escape(known['id'])}@{escape(known['version'])}</td>"
        f"<td><code>{known['fingerprint'][:16]}</code></td></tr>"
        for name, known in found.packs.items()
    )
    ratios = "".join(
        f"<tr><td>{escape(name)}</td><td class=n>{value:,.1f} ×</td></tr>" for name, value in found.ratios.items()
    )
    named = (("settle, DRG", found.streams), ("settle, DRG and DIP", found.both), ("clear", found.jobs))
    jobs = "".join(
        f"<tr><td>{title}</td><td class=n>{job.read_count:,}</td>"
        f"<td class=n>{1e9 * job.cpu_s / max(1, job.read_count):,.0f}</td>"
        f"<td class=n>{job.wall_s:,.1f}</td><td class=n>{job.read_count / max(job.wall_s, 1e-9):,.0f}</td>"
        f"<td class=n>{'–' if job.peak_mb is None else format(job.peak_mb, ',.0f')}</td></tr>"
        for title, each in named
        for job in each
    )
    return (
        f"<!doctype html><meta charset=utf-8><title>dianzhi: bench scale</title><style>{_STYLE}</style>"
        f"<h1>From file to file: {found.cases:,} cases</h1>{head}"
        f"<h2>CPU of a case, nanoseconds</h2>{_bars({**found.stages_ns, **found.others_ns}, set(found.others_ns))}"
        f"<p>Dark: ours. Light: the same work done otherwise. polars had {found.polars_cases:,} cases and says "
        f"otherwise than the kernel on {found.differing} by DRG and on {found.dip_differing:.1%} by DIP, "
        f"because it leaves out what joins cannot say; the Python walk on {found.walked_differing}.</p>"
        f"<h2>Ratios of CPU within this run</h2><table>{ratios}</table>"
        "<h2>The whole year, from starting Python to the sealed run; clear with statements and summary</h2>"
        "<table><tr><th>job</th><th>cases</th><th>CPU ns/case"
        f"</th><th>wall s</th><th>cases/s</th><th>peak anonymous MB</th></tr>{jobs}</table>"
        f"<h2>Packs</h2><table>{packs}</table>"
    )


def _bars(values: dict[str, float], light: set[str]) -> str:
    longest = max(values.values(), default=1.0)
    rows = []
    for place, (name, value) in enumerate(values.items()):
        length = max(1, round(_WIDTH * value / longest))
        y = 24 * place
        fill = "#b9c4d0" if name in light else "#2b5c8a"
        rows.append(
            f"<text x=0 y={y + 15}>{escape(name)}</text><rect x=150 y={y + 3} width={length} height=16 fill='{fill}'/>"
            f"<text x={156 + length} y={y + 15}>{value:,.0f}</text>"
        )
    height = 24 * len(values)
    return f"<svg viewBox='0 0 {_WIDTH + 240} {height}' width=100% font-size=13>{''.join(rows)}</svg>"
