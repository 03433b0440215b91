"""The app's icon, drawn here: one by name or emoji would be fetched from elsewhere."""

from PIL import Image

from elk_sandbox.palette import STATES

__all__ = ["icon"]

SIGNS = ("strict", "tie", "survives", "good")


def icon() -> Image.Image:
    """Four cells of the matrix."""
    small = Image.new("RGB", (2, 2))
    for k, name in enumerate(SIGNS):
        small.putpixel((k % 2, k // 2), tuple(bytes.fromhex(STATES[name].fill.light[1:])))
    return small.resize((32, 32), Image.Resampling.NEAREST)
