"""The stroke document is checked strictly, and its picture is what geometry says."""

import hashlib
import json
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from sdedit_core.builtin import EXAMPLE_GUIDES, example_drawing
from sdedit_core.pictures.canvas import Drawing, Stroke, paint_drawing, parse_drawing
from sdedit_core.pictures.canvas import document as doc
from sdedit_core.pictures.canvas.coverage import shape_coverage, stroke_coverage
from sdedit_core.pictures.canvas.soft import soft_coverage

RED, BLUE = "#ff0000", "#0000ff"


def text(*strokes, **changes):
    return json.dumps({"version": 1, "width": 64, "height": 64, "strokes": list(strokes), **changes})


def brush(points, size=8, colour=RED):
    return {"tool": "brush", "colour": colour, "size": size, "points": points}


def paint(*strokes, width=64, height=64, **changes):
    return paint_drawing(parse_drawing(text(*strokes, **changes)), width=width, height=height)


# ---------------------------------------------------------------- the document


def test_what_a_document_says():
    drawing = parse_drawing(text(brush([1, 2, 3.5, 4]), {"tool": "fill", "colour": "#5695DB"}, background="#102030"))
    assert (drawing.width, drawing.height, drawing.background) == (64.0, 64.0, (16, 32, 48))
    first, second = drawing.strokes
    assert (first.tool, first.colour, first.size) == ("brush", (255, 0, 0), 8.0)
    assert first.points.tolist() == [[1, 2], [3.5, 4]]
    assert (second.tool, second.colour, len(second.points)) == ("fill", (86, 149, 219), 0)


BAD = {
    "no text": (None, "JSON text"),
    "empty": ("", "not readable JSON"),
    "not JSON": ("{strokes:", "not readable JSON"),
    "NaN": (text(brush([math.nan, 1])), "NaN"),
    "infinite": (text(brush([math.inf, 1])), "Infinity"),
    "a list": ("[]", "drawing must be a JSON object"),
    "nested": ("[" * 100_000, "nested too deeply|not readable JSON"),
    "newer": (text(version=2), r"drawing\.version is 2"),
    "boolean version": (text(version=True), r"drawing\.version"),
    "no version": ('{"width":1,"height":1,"strokes":[]}', r"drawing\.version is missing"),
    "unknown field": (text(opacity=0.5), "unknown field 'opacity'"),
    "no width": (text(width=0), r"drawing\.width must lie"),
    "huge width": (text(width=10**400), r"drawing\.width"),
    "text as height": (text(height="64"), r"drawing\.height must be a number"),
    "strokes": (text(strokes={}), r"drawing\.strokes must be a list"),
    "paper": (text(background="white"), r"drawing\.background must be a colour"),
    "stroke": (text(7), r"strokes\[0\] must be an object"),
    "tool": (text({"tool": "laser"}), r"strokes\[0\]\.tool must be one of brush"),
    "unhashable tool": (text({"tool": []}), r"strokes\[0\]\.tool"),
    "no colour": (text({"tool": "fill"}), r"strokes\[0\]\.colour is missing"),
    "colour of an eraser": (text({**brush([1, 1]), "tool": "eraser"}), r"strokes\[0\] has an unknown field 'colour'"),
    "script": (text(brush([1, 1], colour="url(http://x)")), r"strokes\[0\]\.colour must be a colour"),
    "size": (text(brush([1, 1], size=0)), r"strokes\[0\]\.size must lie"),
    "boolean size": (text(brush([1, 1], size=True)), r"strokes\[0\]\.size must be a number"),
    "odd": (text(brush([1, 1]), brush([1, 2, 3])), r"strokes\[1\]\.points must be a list"),
    "no points": (text(brush([])), r"strokes\[0\]\.points has 0 points"),
    "two corners": (text({"tool": "shape", "colour": RED, "points": [1, 1, 2, 2]}), r"expected 3 to"),
    "far away": (text(brush([1, 1, 1, 500])), r"strokes\[0\]\.points\[3\] must lie between -64 and 128"),
    "opacity": (text({**brush([1, 1]), "opacity": 0}), r"strokes\[0\]\.opacity must lie between 0.01 and 1"),
    "opaque text": (text({"tool": "fill", "colour": RED, "opacity": "1"}), r"strokes\[0\]\.opacity must be a number"),
    "hardness": (text({**brush([1, 1]), "hardness": 1.1}), r"strokes\[0\]\.hardness must lie between 0 and 1"),
    "hardness of a shape": (
        text({"tool": "shape", "colour": RED, "points": [1, 1, 2, 2, 3, 1], "hardness": 1}),
        r"strokes\[0\] has an unknown field 'hardness'",
    ),
    "pressure": (
        text({**brush([1, 1, 2, 2]), "pressure": [50]}),
        r"strokes\[0\]\.pressure must be a list of 2 numbers",
    ),
    "no pressure": (
        text({**brush([1, 1]), "pressure": [0]}),
        r"strokes\[0\]\.pressure\[0\] must lie between 1 and 100",
    ),
    "rings": (text({"tool": "area", "colour": RED, "rings": []}), r"strokes\[0\]\.rings must be a list of outlines"),
    "ring": (
        text({"tool": "area", "colour": RED, "rings": [[1, 1, 2, 2]]}),
        r"strokes\[0\]\.rings\[0\] has 2 points, expected 3",
    ),
    "far ring": (text({"tool": "area", "colour": RED, "rings": [[1, 1, 2, 2, 3, 999]]}), r"rings\[0\]\[5\] must lie"),
    "example": (text(example=1), r"drawing\.example must be true or false"),
    "mask": (text(mask=[]), r"drawing\.mask must be a JSON object"),
    "mask's field": (text(mask={"blur": 3}), r"drawing\.mask has an unknown field 'blur'"),
    "grow": (text(mask={"grow": 9}), r"drawing\.mask\.grow must lie between 0 and 8"),
    "shrink": (text(mask={"grow": -1}), r"drawing\.mask\.grow must lie"),
    "invert": (text(mask={"invert": 1}), r"drawing\.mask\.invert must be true or false"),
    "null": (text(brush([1, None])), r"strokes\[0\]\.points\[1\] must be a number"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_refused(name):
    value, message = BAD[name]
    with pytest.raises(ValueError, match=message) as problem:
        parse_drawing(value)
    assert len(str(problem.value)) < 400


def test_limits(monkeypatch):
    monkeypatch.setattr(doc, "MAX_STROKES", 2)
    monkeypatch.setattr(doc, "MAX_POINTS", 5)
    dot = brush([1, 1])
    parse_drawing(text(dot, dot))
    with pytest.raises(ValueError, match="3 entries; at most 2"):
        parse_drawing(text(dot, dot, dot))
    with pytest.raises(ValueError, match=r"more than 5 points \(at strokes\[1\]\)"):
        parse_drawing(text(brush([1] * 8), brush([1] * 8)))
    with pytest.raises(ValueError, match="outlines, at least one and at most 1"):
        parse_drawing(text({"tool": "area", "colour": RED, "rings": [[1] * 6, [1] * 6]}))
    with pytest.raises(ValueError, match="6 points, expected 1 to 5"):
        parse_drawing(text(brush([1] * 12)))
    monkeypatch.setattr(doc, "MAX_POINTS", 7)
    with pytest.raises(ValueError, match=r"rings has more than 7 points \(at strokes\[0\]\.rings\[1\]\)"):
        parse_drawing(text({"tool": "area", "colour": RED, "rings": [[1] * 8, [1] * 8]}))
    monkeypatch.setattr(doc, "MAX_CHARACTERS", 10)
    with pytest.raises(ValueError, match="at most 10 are read"):
        parse_drawing(text(dot))


coordinates = st.tuples(*[st.integers(-640, 1280).map(lambda v: v / 10)] * 2)
colours = st.tuples(*[st.integers(0, 255)] * 3)
points = st.lists(coordinates, min_size=3, max_size=12).map(np.array)
sizes = st.integers(5, 400).map(lambda v: v / 10)
hundredths = st.integers(1, 100).map(lambda v: v / 100)
usual = st.just(1.0) | hundredths


@st.composite
def tips(draw, tool, colour):
    """A stroke of a brush or an eraser; usual ones as often as soft ones or those of a pen."""
    places = draw(points)
    pressure = draw(st.none() | st.lists(hundredths, min_size=len(places), max_size=len(places)).map(np.array))
    return Stroke(tool, draw(colour), draw(sizes), places, draw(usual), draw(usual), pressure)


def areas(colour, outlines, opacity):
    return Stroke("area", colour, 0.0, np.concatenate(outlines), opacity, rings=tuple(len(each) for each in outlines))


strokes = st.one_of(
    tips("brush", colours),
    tips("eraser", st.none()),
    st.builds(Stroke, st.just("shape"), colours, st.just(0.0), points, usual),
    st.builds(areas, colours, st.lists(points, min_size=1, max_size=3), usual),
    st.builds(Stroke, st.just("fill"), colours, opacity=usual),
)
drawings = st.builds(
    Drawing,
    st.just(64.0),
    st.just(64.0),
    colours,
    st.lists(strokes, max_size=5).map(tuple),
)


@given(drawings)
@settings(max_examples=60, deadline=None)
def test_a_document_is_read_back_as_it_was_written(drawing):
    again = parse_drawing(drawing.to_json())
    assert again.to_json() == drawing.to_json()
    assert [s.points.tolist() for s in again.strokes] == [s.points.tolist() for s in drawing.strokes]
    assert [(s.opacity, s.hardness, s.rings) for s in again.strokes] == [
        (s.opacity, s.hardness, s.rings) for s in drawing.strokes
    ]


def test_what_is_said_of_the_whole_is_read_back():
    drawing = Drawing(64.0, 64.0, example=True, invert=True, grow=3.5)
    written = drawing.to_json()
    assert json.loads(written)["mask"] == {"invert": True, "grow": 3.5} and parse_drawing(written) == drawing
    assert json.loads(Drawing(64.0, 64.0).to_json()).keys() == {"version", "width", "height", "background", "strokes"}


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner)))
@settings(max_examples=30, deadline=None)
def test_any_json_is_read_or_refused_politely(value):
    for candidate in (
        value,
        {"version": 1, "width": value, "height": 9, "strokes": []},
        json.loads(text(value, value)),
    ):
        for stroke in (candidate, json.loads(text({"tool": "brush", "colour": RED, "size": 3, "points": value}))):
            try:
                parse_drawing(json.dumps(stroke))
            except ValueError:
                pass


# ---------------------------------------------------------------- the picture


def brute_stroke(points, radius, side, grid=16):
    """Coverage by brute force: distance to the line at grid x grid samples per pixel."""
    at = (np.arange(side * grid) + 0.5) / grid
    x, y = np.meshgrid(at, at)
    near = np.full(x.shape, np.inf)
    points = np.asarray(points, dtype=float)
    for a, b in zip(points, points[1:] if len(points) > 1 else points, strict=False):
        d = b - a
        t = np.clip(((x - a[0]) * d[0] + (y - a[1]) * d[1]) / max(d @ d, 1e-12), 0, 1)
        near = np.minimum(near, np.hypot(x - a[0] - t * d[0], y - a[1] - t * d[1]))
    return (near <= radius).reshape(side, grid, side, grid).mean((1, 3))


@given(points, st.floats(0.4, 20))
@settings(max_examples=40, deadline=None)
def test_stroke_coverage_equals_brute_force(points, radius):
    points = points / 2
    error = np.abs(stroke_coverage(points, radius, (0, 0, 32, 32)) - brute_stroke(points, radius, 32))
    assert error.max() < 0.15 and error.mean() < 0.006  # both sample: 8 exact sub-rows here, 16 x 16 points there


def brute_shape(points, side, grid=16):
    at = (np.arange(side * grid) + 0.5) / grid
    x, y = np.meshgrid(at, at)
    inside = np.zeros(x.shape, dtype=bool)
    for a, b in zip(points, np.roll(points, -1, axis=0), strict=True):
        if a[1] != b[1]:
            inside ^= ((a[1] <= y) != (b[1] <= y)) & (x < a[0] + (y - a[1]) * (b[0] - a[0]) / (b[1] - a[1]))
    return inside.reshape(side, grid, side, grid).mean((1, 3))


@given(points)
@settings(max_examples=40, deadline=None)
def test_shape_coverage_equals_brute_force(points):
    points = points / 2
    error = np.abs(shape_coverage([points], (0, 0, 32, 32)) - brute_shape(points, 32))
    assert error.max() < 0.2 and error.mean() < 0.006


def test_areas():
    for radius in (3.0, 10.0, 25.5):
        dot = stroke_coverage(np.array([[32.3, 31.6]]), radius, (0, 0, 64, 64))
        assert dot.sum() == pytest.approx(math.pi * radius**2, rel=2e-3)
    line = stroke_coverage(np.array([[15.0, 15.0], [45.0, 40.0]]), 6.0, (0, 0, 64, 64))
    assert line.sum() == pytest.approx(math.pi * 36 + 12 * math.hypot(30, 25), rel=1e-3)
    triangle = shape_coverage([np.array([[5.0, 5.0], [55.0, 12.0], [20.0, 60.0]])], (0, 0, 64, 64))
    assert triangle.sum() == pytest.approx(abs(50 * 55 - 15 * 7) / 2, rel=1e-3)


def test_a_golden_picture():
    """A line 2 px wide from (2, 2) to (6, 2): rows 1 and 2 are full between the ends, the round ends cover pi / 4."""
    drawing = parse_drawing(text(brush([2, 2, 6, 2], size=2), width=8, height=4, background="#000000"))
    image, mask = paint_drawing(drawing, width=8, height=4)
    end = sum(math.sqrt(1 - ((k + 0.5) / 8) ** 2) for k in range(8)) / 8  # a quarter disc in 8 rows
    assert end == pytest.approx(math.pi / 4, rel=6e-3)
    row = [0, end, 1, 1, 1, 1, end, 0]
    expected = torch.tensor([[0.0] * 8, row, row, [0.0] * 8])
    assert torch.allclose(mask[0, 0], expected, atol=1e-6)
    assert torch.equal(image[0, 0], mask[0, 0]) and not image[0, 1:].any()


def test_crossing_itself_is_not_painted_twice_and_edges_are_soft():
    _, mask = paint(brush([10, 32, 54, 32, 54, 33, 10, 33], size=5))
    row = mask[0, 0, :, 30]
    assert row[30:35].tolist() == [1.0] * 5 and row[29] == pytest.approx(0.5) and row[35] == pytest.approx(0.5)
    assert row[28] == 0 and row[36] == 0


def test_even_odd_leaves_the_overlap_of_a_loop_open():
    star = [32, 4, 50, 58, 4, 24, 60, 24, 14, 58]
    _, mask = paint({"tool": "shape", "colour": RED, "points": star})
    assert mask[0, 0, 32, 32] == 0 and mask[0, 0, 26, 14] == 1


def test_order_erasing_and_filling():
    image, mask = paint(
        {"tool": "fill", "colour": BLUE},
        brush([10, 32, 54, 32], size=20),
        {"tool": "eraser", "size": 8, "points": [32, 32]},
        background="#00ff00",
    )
    assert image[0, :, 32, 20].tolist() == [1, 0, 0] and image[0, :, 5, 5].tolist() == [0, 0, 1]
    assert image[0, :, 32, 32].tolist() == [0, 1, 0] and mask[0, 0, 32, 32] == 0
    assert mask[0, 0, 5, 5] == 1 and 0 < mask.mean() < 1


@given(drawings, st.integers(0, 2**31))
@settings(max_examples=40, deadline=None)
def test_what_is_not_painted_stays_bit_for_bit(drawing, seed):
    below = torch.rand(2, 3, 40, 56, generator=torch.Generator().manual_seed(seed))
    image, mask = paint_drawing(drawing, width=56, height=40, background=below)
    assert image.shape == below.shape and mask.shape == (1, 1, 40, 56)
    kept = (mask == 0).expand_as(below)
    assert torch.equal(image[kept], below[kept])
    assert float(mask.min()) >= 0 and float(mask.max()) <= 1 and bool(torch.isfinite(image).all())
    again, _ = paint_drawing(drawing, width=56, height=40, background=below)
    assert torch.equal(image, again)


@given(drawings)
@settings(max_examples=25, deadline=None)
def test_size_changes_nothing_but_the_resolution(drawing):
    small, mask = paint_drawing(drawing, width=48, height=48)
    large, large_mask = paint_drawing(drawing, width=192, height=192)
    # Coverage is sampled in rows, at every edge a little differently for every size: a tangle of strokes adds up.
    limit = 0.01 * max(1, len(drawing.strokes))
    assert float((F.avg_pool2d(large_mask, 4) - mask).abs().mean()) < limit
    assert float((F.avg_pool2d(large, 4) - small).abs().mean()) < limit


def test_a_wide_picture_stretches_the_frame_and_keeps_brushes_round():
    _, mask = paint(brush([32, 32], size=16), width=128, height=64)
    rows, columns = mask[0, 0].amax(1) > 0.5, mask[0, 0].amax(0) > 0.5
    assert int(rows.sum()) == int(columns.sum()) == 16 and mask[0, 0, 32, 64] == 1


def test_strokes_outside_touch_nothing():
    _, mask = paint(brush([-60, -60], size=9), brush([120, 5, 127, 9], size=9))
    assert float(mask.max()) == 0
    _, mask = paint(brush([-30, 32, 90, 32], size=10))
    assert mask[0, 0, 32, 0] == 1 and mask[0, 0, 32, 63] == 1


def test_sizes_and_backgrounds_are_checked():
    drawing = parse_drawing(text())
    for width in (0, 9000, 2.5, True):
        with pytest.raises(ValueError, match="width must be a whole number"):
            paint_drawing(drawing, width=width, height=8)
    with pytest.raises(ValueError, match="background must have the shape"):
        paint_drawing(drawing, width=8, height=8, background=torch.zeros(1, 3, 8, 9))


def brute_soft(points, radii, hardness, side):
    """The opacity of a tip, pixel by pixel and point by point along a finely cut line."""
    at = np.arange(side) + 0.5
    x, y = np.meshgrid(at, at)
    out = np.zeros((side, side))
    for (a, ra), (b, rb) in zip(zip(points, radii, strict=True), zip(points[1:], radii[1:], strict=True), strict=False):
        for t in np.linspace(0, 1, 400):
            radius = ra + (rb - ra) * t
            distance = np.hypot(x - a[0] - t * (b - a)[0], y - a[1] - t * (b - a)[1])
            fall = np.clip((radius - distance) / max(radius * (1 - hardness), 1e-9), 0, 1)
            out = np.maximum(out, fall * fall * (3 - 2 * fall))
    return out


@pytest.mark.parametrize("hardness", [0.0, 0.3, 0.6])
def test_a_soft_tip_falls_smoothly_from_its_core_to_its_rim(hardness):
    points, radii = np.array([[8.0, 10.0], [30.0, 24.0], [12.0, 32.0]]), np.array([9.0, 9.0, 9.0])
    covered = soft_coverage(points, radii, hardness, (0, 0, 40, 40))
    assert np.abs(covered - brute_soft(points, radii, hardness, 40)).max() < 0.01
    assert covered[10, 8] > 0.99 and covered[38, 38] == 0


def test_a_pen_makes_the_line_as_wide_as_it_presses():
    _, mask = paint({**brush([8, 32, 56, 32], size=20), "pressure": [10, 100]})
    width = mask[0, 0].sum(0)
    for x in (12, 32, 52):
        percent = 10 + 90 * (x + 0.5 - 8) / 48
        assert float(width[x]) == pytest.approx(20 * percent / 100, abs=0.5)
    _, even = paint({**brush([8, 32, 56, 32], size=20), "pressure": [100, 100]})
    _, plain = paint(brush([8, 32, 56, 32], size=20))
    assert float((even - plain).abs().max()) < 0.3 and float((even - plain).abs().mean()) < 2e-3, "but for its rim"


def test_a_soft_stroke_that_crosses_itself_is_not_painted_twice():
    stroke = {**brush([10, 32, 54, 32, 54, 33, 10, 33], size=20), "hardness": 0.2, "opacity": 0.5}
    _, mask = paint(stroke)
    assert float(mask.max()) == pytest.approx(0.5, abs=1e-3)


def test_opacity_lets_through_what_is_below():
    image, mask = paint({"tool": "fill", "colour": RED, "opacity": 0.25}, background="#0000ff")
    assert image[0, :, 5, 5].tolist() == pytest.approx([0.25, 0, 0.75]) and mask[0, 0, 5, 5] == 0.25
    _, mask = paint({"tool": "fill", "colour": RED}, {"tool": "eraser", "size": 40, "points": [32, 32], "opacity": 0.6})
    assert float(mask[0, 0, 32, 32]) == pytest.approx(0.4)


def test_an_area_has_holes_and_covers_as_its_outlines_say():
    outer, hole = [4, 4, 60, 4, 60, 60, 4, 60], [20, 20, 40, 20, 40, 40, 20, 40]
    _, mask = paint({"tool": "area", "colour": RED, "rings": [outer, hole]})
    assert mask[0, 0, 10, 10] == 1 and mask[0, 0, 30, 30] == 0 and float(mask.sum()) == 56 * 56 - 20 * 20
    _, whole = paint({"tool": "area", "colour": RED, "rings": [outer]})
    _, shape = paint({"tool": "shape", "colour": RED, "points": outer})
    assert torch.equal(whole, shape)


def test_the_mask_is_grown_to_an_octagon_and_inverted_and_the_picture_is_not():
    dot = brush([32, 32], size=2)
    plain, small = paint(dot)
    image, mask = paint(dot, mask={"grow": 8})
    assert torch.equal(image, plain)
    rows, columns = torch.nonzero(mask[0, 0], as_tuple=True)
    assert (int(columns.max() - columns.min()), int(rows.max() - rows.min())) == (17, 17), "a dot of 2 px and 8 around"
    reach = max(math.hypot(r - 31.5, c - 31.5) for r, c in zip(rows.tolist(), columns.tolist(), strict=True))
    assert reach < 1.13 * 9 and mask[0, 0, 24, 24] == 0
    _, inverted = paint(dot, mask={"invert": True})
    assert torch.equal(inverted, 1 - small)
    _, large = paint_drawing(parse_drawing(text(dot, mask={"grow": 4})), width=256, height=256)
    assert int((large[0, 0, 128] > 0).sum()) == pytest.approx(8 + 2 * 16, abs=1), "in units of the frame"


def test_an_example_is_not_painted_over_a_background():
    below = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    drawing = parse_drawing(text(brush([32, 32], size=30), example=True))
    image, mask = paint_drawing(drawing, width=32, height=32, background=below)
    assert torch.equal(image, below) and float(mask.max()) == 0
    _, mask = paint_drawing(drawing, width=32, height=32)
    assert float(mask.max()) == 1
    assert all(parse_drawing(example_drawing(name)).example for name in EXAMPLE_GUIDES)


OLD = {  # sha256 of picture and mask at 200 x 120, as they were before there were soft brushes, areas and opacity
    "alpine": "7033a42cd4a3c8212e64624a84b2416d4ab8ebebc6bc835b140e16d57d6531d7",
    "autumn": "f95214a21d31bf7e60d3320a42b59c1f34522a61fd5db361f96f86aa38a51d02",
    "desert": "05945f3e02c9266c0eff9f5c6a5484f0d3f91688f39b2c8b8352e246b1eb5897",
    "lake": "a7e3c53df65945725f131c89c6dfaefccddf4d21ca6d182b4681fc5cf63da9bf",
    "night": "bab2df1097696f6e28bb5d40231f8b40e6fb610575f725e634c815c9d64ca3e3",
    "sunset": "b7e680a8690e131f935204cd640b5fd4e16dcc872064c604d1793d2f23e331fb",
}


@pytest.mark.parametrize("name", OLD)
def test_old_drawings_are_painted_as_ever(name):
    picture, mask = paint_drawing(parse_drawing(example_drawing(name)), width=200, height=120)
    made = hashlib.sha256(picture.numpy().tobytes() + mask.numpy().tobytes()).hexdigest()
    assert made == OLD[name]


def test_tick_can_stop_a_long_painting():
    seen = []

    def tick():
        seen.append(1)
        if len(seen) == 3:
            raise KeyboardInterrupt

    drawing = parse_drawing(text(*[brush([1, 1])] * 9))
    with pytest.raises(KeyboardInterrupt):
        paint_drawing(drawing, width=8, height=8, tick=tick)
    assert len(seen) == 3
    del seen[:]
    with pytest.raises(KeyboardInterrupt):
        paint_drawing(parse_drawing(text({**brush([1] * 40), "hardness": 0.5})), width=8, height=8, tick=tick)
    assert len(seen) == 3, "within one long stroke"


def test_the_example_is_a_small_whole_painting():
    assert len(example_drawing()) < 5000
    image, mask = paint_drawing(parse_drawing(example_drawing()), width=256, height=256)
    assert float(mask.min()) == 1.0
    assert [round(v * 255) for v in image[0, :, 2, 2].tolist()] == [0x56, 0x95, 0xDB]


def test_thousands_of_digits_are_no_width():
    text = '{"version": 1, "width": %s, "height": 64, "strokes": []}' % ("9" * 5000)
    with pytest.raises(ValueError, match=r"drawing\.width must lie between") as problem:
        parse_drawing(text)
    assert len(str(problem.value)) < 200
