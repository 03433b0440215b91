"""The vault as a picture: what is in it, what was done to it, what the camera shows and what a human makes of it.

What is drawn follows from the words that a world has for its nodes, so that a user's own world with these words is
drawn too; of what there is no drawing for, the text beside it tells.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from elk_sandbox.pages.svg import Picture, Shape, el, gem
from elk_sandbox.stage import Stage
from elk_sandbox.tellings import sentence

__all__ = ["outside", "room"]

X, TOP = 218.0, 205.0  # of the pedestal


@dataclass(frozen=True)
class _Props:
    """The nodes that have a place in the picture; None or nothing where the world has none."""

    diamond: str | None
    screen: str | None
    scale: str | None
    glare: str | None
    removals: tuple[str, ...]  # tricks that take the diamond away
    tampering: tuple[str, ...]  # other ways in which the vault is tampered with
    levers: tuple[str, ...]
    camera: str | None  # the one pixel that is the picture


def _props(stage: Stage) -> _Props:
    world = stage.world
    words = {n: world.words[n][1].lower() for n in world.nodes if n in world.words}
    same = (world.states[0] == world.truth[:, :1]).all(axis=0)
    truth = [n for n, s in zip(world.nodes, same, strict=True) if s]
    chosen = {c.node for c in stage.choices}
    diamond = next((n for n in truth if n in chosen), None)
    pixels = world.of_kind("pixel")
    screen = _first(words, "screen")
    known = {screen, diamond, *truth}
    removals = tuple(n for n, w in words.items() if "removed by" in w and n not in known)
    tampering = tuple(n for n, w in words.items() if ("tampered" in w or "dummy" in w) and n not in (*known, *removals))
    cameras = [n for n in pixels if "camera" in words.get(n, "")]
    levers = tuple(n for n, w in words.items() if "pulled" in w)
    return _Props(
        diamond, screen, _first(words, "scale", pixels), _first(words, "glare"), removals, tampering, levers,
        cameras[0] if len(cameras) == 1 else None,
    )  # fmt: skip


def _first(words: Mapping[str, str], what: str, among: Sequence[str] | None = None) -> str | None:
    return next((n for n, w in words.items() if what in w and (among is None or n in among)), None)


def room(stage: Stage, at: int) -> Picture:
    """The vault from inside. The diamond, the camera and the levers are buttons where they can be chosen."""
    props, world = _props(stage), stage.world
    on = {n: stage.value(at, n) for n in world.nodes}
    truth = int(world.truth[at, 0])
    shapes = [*_walls(), _door(76, 148)]
    screened = props.screen is not None and bool(on[props.screen])
    shapes += _camera(props, screened, world.words)
    shapes += _pedestal(props, truth, on, world.words)
    shapes += [s for k, n in enumerate(props.removals) if on[n] for s in _removal(k, n, world.words[n][1])]
    for k, name in enumerate(n for n in props.tampering if on[n]):
        shapes += _box(398 - 34 * k, 96, name, world.words[name][1])
    shapes += _levers(props.levers, on, world.words)
    there = {1: "the diamond stands on its pedestal", 0: "the pedestal is empty", -1: "the question is left open"}
    more = [world.words[n][1] for n in (props.screen, *props.removals, *props.tampering) if n and on[n]]
    return Picture(420, 300, f"The vault: {'; '.join([there[truth], *more])}", shapes)


def _walls() -> list[Shape]:
    panels = [el("line", x1=x, y1=14, x2=x, y2=236, cls="line") for x in (150, 290)]
    return [
        el("rect", x=8, y=8, width=404, height=284, rx=8, cls="wall"),
        *panels,
        el("path", d="M 8 240 L 412 240 L 412 284 Q 412 292 404 292 L 16 292 Q 8 292 8 284 Z", cls="floor"),
    ]


def _door(x: float, y: float) -> Shape:
    spokes = []
    for k in range(3):
        c, s = math.cos(math.pi * k / 3), math.sin(math.pi * k / 3)
        spokes.append(el("line", x1=x - 21 * c, y1=y - 21 * s, x2=x + 21 * c, y2=y + 21 * s, cls="ink"))
    bolts = [
        el("circle", cx=f"{x + 46 * math.cos(a):.1f}", cy=f"{y + 46 * math.sin(a):.1f}", r=2.5, cls="dark")
        for a in (math.pi * k / 4 + 0.39 for k in range(8))
    ]
    return el(
        "g",
        el("rect", x=x - 62, y=y - 30, width=10, height=16, rx=2, cls="metal"),
        el("rect", x=x - 62, y=y + 14, width=10, height=16, rx=2, cls="metal"),
        el("circle", cx=x, cy=y, r=54, cls="metal boxed"),
        el("circle", cx=x, cy=y, r=38, cls="paper boxed"),
        *bolts, *spokes,
        el("circle", cx=x, cy=y, r=7, cls="dark"),
    )  # fmt: skip


def _camera(props: _Props, screened: bool, words: Mapping[str, tuple[str, str]]) -> list[Shape]:
    """Where a screen may stand, camera and screen are one button."""
    edge = ((X - 40, 150), (X + 46, 214)) if not screened else ((279, 98), (309, 138))
    cone = " ".join(f"{a},{b}" for a, b in ((340, 76), *edge))
    camera = [
        el("polygon", points=cone, cls="sight"),
        el("path", d="M 396 34 L 396 66 L 380 66", cls="ink"),
        el("rect", x=390, y=26, width=12, height=14, rx=2, cls="dark"),
        el("g", el("rect", x=346, y=54, width=38, height=22, rx=3, cls="dark"),
           el("rect", x=337, y=58, width=11, height=14, cls="metal boxed"), transform="rotate(-32 365 65)"),
        el("path", d="M 402 34 Q 412 34 412 46", cls="thin"),
    ]  # fmt: skip
    if screened:
        board = [
            el("line", x1=294, y1=140, x2=294, y2=262, cls="ink"),
            el("path", d="M 280 266 L 294 258 L 308 266", cls="ink"),
            el("g", el("rect", x=268, y=92, width=52, height=50, rx=2, cls="trick"), gem(294, 136, 18)),
        ]
        camera += board
    if props.screen is None:
        return camera
    word = words[props.screen][int(screened)]
    hit = el("rect", x=262, y=22, width=146, height=122, rx=6, cls="hit")
    return [el("g", *camera, hit, pick=props.screen, told=sentence(word), pressed=screened)]


def _pedestal(
    props: _Props, truth: int, on: Mapping[str, int], words: Mapping[str, tuple[str, str]]
) -> list[Shape]:  # fmt: skip
    stand: list[Shape] = [
        el("path", d=f"M {X - 30} {TOP} L {X + 30} {TOP} L {X + 24} {TOP + 12} L {X + 24} 262 L {X + 34} 272 "
           f"L {X - 34} 272 L {X - 24} 262 L {X - 24} {TOP + 12} Z", cls="paper boxed"),
    ]  # fmt: skip
    if props.scale is not None:
        turn = 35 if on[props.scale] else -35
        needle = el("line", x1=X, y1=249, x2=X, y2=234, cls="ink", transform=f"rotate({turn} {X} 249)")
        dial = el("path", d=f"M {X - 17} 250 A 17 17 0 0 1 {X + 17} 250 Z", cls="wall boxed")
        stand.append(el("g", dial, needle, told=words[props.scale][on[props.scale]]))
    if truth == 1:
        stand.append(gem(X, TOP - 2, 27))
    else:
        stand.append(gem(X, TOP - 2, 27, "gone"))
    if truth < 0:
        stand.append(el("text", "?", x=X, y=TOP - 22, cls="mid strong"))
    if props.diamond is None or props.diamond not in words:
        return stand
    word = words[props.diamond][on[props.diamond]]
    hit = el("rect", x=X - 46, y=TOP - 66, width=92, height=140, rx=6, cls="hit")
    told = sentence(word)
    return [el("g", *stand, hit, pick=props.diamond, told=told, pressed=bool(on[props.diamond]))]


def _removal(k: int, name: str, word: str) -> list[Shape]:
    """Three ways in which a diamond leaves a vault: by a claw, through a hole in the wall, through the floor."""
    if k % 3 == 0:
        shapes = [
            el("line", x1=X, y1=10, x2=X, y2=52, cls="trickline"),
            el("path", d=f"M {X - 16} 74 Q {X - 18} 54 {X} 52 Q {X + 18} 54 {X + 16} 74", cls="trickline"),
            gem(X, 92, 14),
        ]
        label = (X + 26, 62.0)
    elif k % 3 == 1:
        shapes = [el("ellipse", cx=158, cy=60, rx=30, ry=24, cls="dark"), gem(158, 76, 14)]
        label = (112.0, 32.0)
    else:
        shapes = [
            el("path", d=f"M {X + 46} 262 L {X + 100} 262 L {X + 90} 284 L {X + 56} 284 Z", cls="dark"),
            el("path", d=f"M {X + 46} 262 L {X + 38} 240 L {X + 84} 238 L {X + 100} 262", cls="trickline"),
            gem(X + 73, 282, 11),
        ]
        label = (X + 108, 270.0)
    told = sentence(word)
    return [el("g", *shapes, el("text", name, x=label[0], y=label[1], cls="trickink"), told=told)]


def _box(x: float, y: float, name: str, word: str) -> list[Shape]:
    """Something on the camera's cable."""
    return [
        el(
            "g",
            el("line", x1=396, y1=66, x2=x, y2=y, cls="trickline"),
            el("rect", x=x - 15, y=y - 3, width=30, height=26, rx=3, cls="trick"),
            el("text", "?", x=x, y=y + 15, cls="mid trickink"),
            el("text", name, x=x, y=y + 38, cls="mid trickink"),
            told=sentence(word),
        )
    ]


def _levers(levers: Sequence[str], on: Mapping[str, int], words: Mapping[str, tuple[str, str]]) -> list[Shape]:
    shapes = []
    for k, name in enumerate(levers):
        x, lean = 268 + 31 * k, 10 if on[name] else -10
        word = words[name][on[name]]
        parts = [
            el("line", x1=x, y1=278, x2=x + lean, y2=244, cls="ink"),
            el("circle", cx=x + lean, cy=242, r=6, cls="lit" if on[name] else "paper boxed"),
            el("rect", x=x - 10, y=274, width=20, height=10, rx=2, cls="dark"),
            el("rect", x=x - 15, y=230, width=30, height=60, rx=4, cls="hit"),
        ]
        shapes.append(el("g", *parts, pick=name, told=sentence(word), pressed=bool(on[name])))
    return shapes


def outside(stage: Stage, at: int, level: str) -> Picture:
    """The monitor, the other things that can be seen, and a human with what they conclude."""
    props, world = _props(stage), stage.world
    on = {n: stage.value(at, n) for n in world.nodes}
    belief = float(world.beliefs[level][at, 0])
    glare = props.glare is not None and bool(on[props.glare])
    shapes = [el("path", d="M 0 40 Q 30 40 30 70", cls="thin"), *_monitor(stage, props, on, glare)]
    lamps = [n for n in world.of_kind("pixel") if n not in (props.camera, props.glare)]
    lamps = lamps if props.camera else []
    for k, name in enumerate(lamps):
        seen = name in world.sees[level]
        x = 28 + 44 * k
        word = world.words[name][on[name]] if name in world.words else f"{name} is {on[name]}"
        parts = [
            el("circle", cx=x, cy=228, r=8, cls="lit" if on[name] else "unlit"),
            el("text", name, x=x, y=252, cls=f"mid small {'' if seen else 'quiet'}"),
            *([] if seen else [el("line", x1=x - 11, y1=239, x2=x + 11, y2=217, cls="thin")]),
        ]
        shapes.append(el("g", *parts, told=word if seen else f"{word}; the {level} does not look at it"))
    shapes += _person(belief)
    what = "yes" if belief > 0.5 else "no" if belief < 0.5 else "cannot say"
    told = [world.words[n][on[n]] if n in world.words else f"{n} is {on[n]}" for n in world.sees[level]]
    return Picture(340, 300, f"{', '.join(told) or 'Nothing is seen'}; the {level} concludes: {what}", shapes)


def _monitor(stage: Stage, props: _Props, on: Mapping[str, int], glare: bool) -> list[Shape]:
    frame = [
        el("path", d="M 96 190 L 96 202 M 68 204 L 124 204", cls="ink"),
        el("rect", x=12, y=66, width=168, height=124, rx=7, cls="dark"),
        el("rect", x=20, y=74, width=152, height=108, rx=3, cls="wall"),
    ]
    if props.camera is not None:
        frame.append(el("path", d="M 80 150 L 112 150 L 109 182 L 83 182 Z", cls="paper boxed"))
        frame.append(gem(96, 148, 20, "gem" if on[props.camera] else "gone"))
    else:
        frame += _cells(stage.world.of_kind("pixel"), on)
    if glare:
        rays = " ".join(
            f"{134 + r * math.cos(math.pi * k / 8):.1f},{104 + r * math.sin(math.pi * k / 8):.1f}"
            for k in range(16) for r in ((26 if k % 2 == 0 else 12),)
        )  # fmt: skip
        frame.append(el("polygon", points=rays, cls="lit"))
    word = "" if props.camera is None else stage.world.words[props.camera][on[props.camera]]
    return [el("g", *frame, told=sentence(word))] if word else frame


def _cells(pixels: Sequence[str], on: Mapping[str, int]) -> list[Shape]:
    """A picture of several pixels, lit where they are 1."""
    if not pixels:
        return []
    rows = 1 if len(pixels) <= 4 else 2
    columns = -(-len(pixels) // rows)
    side = min(40.0, 136 / columns, 92 / rows)
    shapes = []
    for k, name in enumerate(pixels):
        x = 96 - side * columns / 2 + side * (k % columns)
        y = 128 - side * rows / 2 + side * (k // columns)
        cell: dict[str, Any] = {"x": x + 2.5, "y": y + 2.5, "width": side - 5, "height": side - 5, "rx": 2}
        label = name if len(name) <= 3 else name[-1]
        parts = [
            el("rect", cls="gem" if on[name] else "gone", **cell),
            el("text", label, x=x + side / 2, y=y + side / 2 + 4, cls="mid small"),
        ]
        shapes.append(el("g", *parts, told=f"{name} is {on[name]}"))
    return shapes


def _person(belief: float) -> list[Shape]:
    bubble = [
        el("circle", cx=246, cy=176, r=4, cls="paper boxed"),
        el("circle", cx=250, cy=158, r=7, cls="paper boxed"),
        el("ellipse", cx=262, cy=88, rx=68, ry=58, cls="paper boxed"),
    ]
    if belief == 0.5:
        bubble.append(el("text", "?", x=262, y=94, cls="mid strong", font_size=30))
    else:
        bubble.append(gem(262, 98, 24, "gem" if belief > 0.5 else "gone"))
    shown = f"{belief:.3g}" if 0 < belief < 1 else f"{belief:.0f}"
    bubble.append(el("text", f"P(yes) = {shown}", x=262, y=122, cls="mid small"))
    return [
        el("path", d="M 194 292 Q 194 244 238 240 Q 282 244 282 292 Z", cls="metal boxed"),
        el("circle", cx=238, cy=216, r=24, cls="metal boxed"),
        *bubble,
    ]
