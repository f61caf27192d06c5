"""How results look in a notebook: HTML of one piece, without scripts and other files."""
from __future__ import annotations

import base64
import html
import math
import os
from typing import Any, Iterable, List, Optional, Sequence

from ._core import MaskError

COLOURS = ["#e4572e", "#2e86ab", "#3fa34d", "#c13cc1", "#e0a100", "#00a6a6", "#7a5cff", "#d1495b"]


def cell(value: Any) -> str:
    return html.escape("%.4g" % value if isinstance(value, float) else "" if value is None else str(value))


def table(rows: Iterable[Sequence[Any]], head: Sequence[Any] = ()) -> str:
    """A table of texts and numbers."""
    out = ["<table>"]
    if head:
        out.append("<tr>%s</tr>" % "".join("<th>%s</th>" % cell(value) for value in head))
    for row in rows:
        out.append("<tr>%s</tr>" % "".join("<td>%s</td>" % cell(value) for value in row))
    return "\n".join(out) + "</table>"


# ---- Search results ---------------------------------------------------------------------------------------------


def picture(hit: Any, root: Optional[str], side: int) -> str:
    """The photo with the boxes of its words, where its file can be read."""
    from .photos import thumbnail
    boxes = "".join('<rect x="%g" y="%g" width="%g" height="%g" fill="none" stroke="%s" stroke-width="2" '
                    'vector-effect="non-scaling-stroke"><title>%s</title></rect>' %
                    (x1, y1, x2 - x1, y2 - y1, COLOURS[i % len(COLOURS)], html.escape(word.word))
                    for i, word in enumerate(hit.words) if word.box for x1, y1, x2, y2 in [word.box])
    try:
        jpeg = thumbnail(os.path.join(root or "", hit.name or ""), side)
    except MaskError:
        return '<div style="height:6em;display:grid;place-items:center;border:1px solid #8888">no picture</div>'
    image = '<img style="width:100%%;display:block" src="data:image/jpeg;base64,%s">' % base64.b64encode(jpeg).decode()
    if hit.width and hit.height and boxes:
        image += ('<svg viewBox="0 0 %d %d" preserveAspectRatio="none" style="position:absolute;inset:0;width:100%%;height:100%%">'
                  "%s</svg>" % (hit.width, hit.height, boxes))
    return '<div style="position:relative">%s</div>' % image


def results(found: Any, side: int = 240) -> str:
    """Thumbnails with the boxes that answered, scores, and each word's part."""
    out = ["<p>%d of %d images, %.1f ms" % (len(found), found.searched, 1000 * found.seconds)]
    for reading in found.readings:
        for word in reading:
            if word.kind in ("ood", "unknown"):
                near = ", ".join("%s %.0f%%" % (n.word, 100 * n.weight) for n in word.neighbours[:5])
                out.append("<br><b>%s</b> %s" % (html.escape(word.token), "was in no label; it looks as %s do" % html.escape(near)
                                                 if near else "is a word nothing is known of"))
    out.append('</p><div style="display:grid;gap:.8em;grid-template-columns:repeat(auto-fill,minmax(11em,1fr))">')
    for hit in found:
        words = " ".join('<span style="white-space:nowrap"><span style="color:%s">&#9632;</span> %s %+.1f</span>' %
                         (COLOURS[i % len(COLOURS)], html.escape(word.word), word.score) for i, word in enumerate(hit.words))
        name = html.escape(os.path.basename(hit.name or hit.id))
        out.append("<div>%s<small><b>%.2f</b>%s %s<br>%s</small></div>" % (
            picture(hit, found.root, side), hit.score, "" if math.isnan(hit.confidence) else " (%.0f%% sure)" % (100 * hit.confidence),
            name, words))
    return "\n".join(out) + "</div>"


# ---- Explanations, knowledge, recalls -----------------------------------------------------------------------------


def shade(value: float, low: float, high: float) -> str:
    share = (value - low) / (high - low) if high > low else 0.0
    return "background:rgba(46,134,171,%.2f)" % (0.75 * max(0.0, share))


def explanation(e: Any) -> str:
    """The regions x words table, dark where they are alike, and how it becomes the score."""
    cosines, terms = e.cosines, e.terms
    low, high = (float(cosines.min()), float(cosines.max())) if cosines.size else (0.0, 0.0)
    out = ["<p><b>score %.4f</b> " % e.score]
    if (e.text_deviation, e.text_mean) != (1, 0):
        out.append("= (weighted mean of words - %.3f) / %.3f - %.3f (hubness of the image) - %.3f (of the text)" %
                   tuple(round(value, 3) + 0.0 for value in (e.text_mean, e.text_deviation, e.hub_image, e.hub_text)))
    out.append("</p><table><tr><th>region</th><th>box</th>%s</tr>" % "".join("<th>%s</th>" % cell(word.word) for word in terms))
    for name, values in (("kind", [word.kind for word in terms]), ("weight", ["%.2f" % word.weight for word in terms]),
                         ("score", ["%+.3f" % score for score in e.word_scores])):
        out.append("<tr><td><i>%s</i></td><td></td>%s</tr>" % (name, "".join("<td>%s</td>" % cell(value) for value in values)))
    for region in range(cosines.shape[1]):
        box = "" if e.boxes is None else "%.0f,%.0f %.0f,%.0f" % tuple(e.boxes[region])
        out.append("<tr><td>%d</td><td>%s</td>%s</tr>" % (region, box, "".join(
            '<td style="%s">%.3f</td>' % (shade(float(value), low, high), value) for value in cosines[:, region])))
    return "".join(out) + "</table>"


def knowledge(k: Any) -> str:
    """What it holds, and its words by how often they were seen."""
    info, counts = k.info, k.counts
    order = sorted(range(len(counts)), key=lambda i: (-counts[i], i))[:40]
    words = k.words
    facts = [("words", info.words), ("learned from", "%d regions of %d images" % (info.regions, info.images)),
             ("representation", "%s, %d to %d dimensions" % (info.learned.representation, info.feature_dim, info.dim)),
             ("background", "%d images, %d texts" % (info.background_images, info.background_texts)
              if info.background_images else "none: not calibrated"), ("word vectors", info.vectors_path),
             ("made by", info.provenance)]
    seen = " ".join("%s&nbsp;<small>%d</small>" % (cell(words[i]), counts[i]) for i in order)
    return table(facts) + "<p>%s%s</p>" % (seen, " ..." if len(words) > 40 else "")


def recalls(r: Any) -> str:
    rows: List[Sequence[Any]] = [(name, "%.1f" % way.r1, "%.1f" % way.r5, "%.1f" % way.r10, way.medr, way.meanr, way.queries)
                                 for name, way in (("text to image", r.t2i), ("image to text", r.i2t),
                                                   ("texts of known words", r.t2i_known), ("texts with OOD words", r.t2i_ood))
                                 if way.queries]
    return table(rows, ("", "R@1", "R@5", "R@10", "median rank", "mean rank", "queries")) + "<p>Rs %.1f (%.1f to %.1f)</p>" % (r.rsum, r.rsum_low, r.rsum_high)
