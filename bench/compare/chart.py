"""The medians as bars, in SVG."""

from xml.sax.saxutils import escape

WIDTH, LABEL, BAR, GAP, HEAD = 760, 150, 20, 6, 44
OURS, THEIRS, FLOOR = "#1a7f37", "#8c959f", "#d0d7de"

PANELS = (("oci_run", "OCI runtimes: run /bin/true"),
          ("run_none", "engines: run --rm, no network"),
          ("run_bridge", "engines: run --rm, bridge"))


def colour(name):
    return OURS if name.startswith("tiny") else FLOOR if name == "floor" else THEIRS


def panel(title, medians, top):
    """The bars of one case from `top` downwards, and where they end. `medians` in milliseconds."""
    most = max(medians.values())
    room = WIDTH - LABEL - 100
    parts = ['<text x="16" y="%d" font-weight="bold">%s</text>' % (top + 26, escape(title))]
    y = top + HEAD
    for name, value in sorted(medians.items(), key=lambda entry: entry[1]):
        width = max(1.0, room * value / most)
        parts.append('<text x="%d" y="%d" text-anchor="end">%s</text>' %
                     (LABEL - 8, y + 15, escape(name)))
        parts.append('<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>' %
                     (LABEL, y, width, BAR, colour(name)))
        parts.append('<text x="%.1f" y="%d">%.1f ms</text>' % (LABEL + width + 8, y + 15, value))
        y += BAR + GAP
    return parts, y


def draw(results):
    """An SVG document of the cases that are there."""
    parts, y = [], 0
    for key, title in PANELS:
        if key in results:
            medians = {name: timing.median / 1e6
                       for name, timing in results[key]["timings"].items()}
            more, y = panel(title, medians, y)
            parts += more
    height = y + 16
    return ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" '
            'font-family="sans-serif" font-size="14" fill="#1f2328">\n'
            '<rect width="100%%" height="100%%" fill="#ffffff"/>\n%s\n</svg>\n' %
            (WIDTH, height, WIDTH, height, "\n".join(parts)))
