"""The plots of the report, for a light page and for a dark one."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.speed.contenders import CONTENDERS
from benchmarks.speed.results import OURS, Results

__all__ = ["draw"]


@dataclass(frozen=True, slots=True)
class Ink:
    """Colours: of text and lines, of the others' bars, of ours."""

    text: str
    others: str
    ours: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One plot: a figure of each contender, or its ratio to the reference's."""

    what: str
    title: str
    form: str
    is_ratio: bool = False

    def value(self, results: Results, name: str) -> float | None:
        """What is shown of a contender; None where it was not measured."""
        return results.ratio(self.what, name) if self.is_ratio else results.median(self.what, name)


INKS: Final = {"light": Ink("#24292f", "#afb8c1", "#0969da"), "dark": Ink("#e6edf3", "#6e7681", "#58a6ff")}

PANELS: Final = (
    Panel("beside, ws, 100 calls", "CPU per frame, of the sample's", "{:.2f}", is_ratio=True),
    Panel("capacity", "calls per core", "{:.0f}"),
    Panel("start p50", "start of a call, ms", "{:.0f}"),
    Panel("answer, ws", "CPU per answered call, of the sample's", "{:.2f}", is_ratio=True),
)


def draw(results: Results, folder: Path) -> None:
    """Write performance-light.svg and performance-dark.svg."""
    panels = [panel for panel in PANELS if results.median(panel.what, OURS) is not None]
    if not panels:
        return
    for name, ink in INKS.items():
        _draw(results, panels, ink, folder / f"performance-{name}.svg")


def _draw(results: Results, panels: Sequence[Panel], ink: Ink, path: Path) -> None:
    import matplotlib as mpl  # noqa: PLC0415 - slow, and needed at the very end only
    from matplotlib.figure import Figure  # noqa: PLC0415

    style: Any = {"svg.fonttype": "none", "svg.hashsalt": "speed", "font.family": "sans-serif", "text.color": ink.text}
    with mpl.rc_context(style):
        figure = Figure(figsize=(9, 2.2 * ((len(panels) + 1) // 2)), layout="constrained", facecolor="none")
        axes = figure.subplots((len(panels) + 1) // 2, min(2, len(panels)), squeeze=False).flat
        for axis, panel in zip(axes, panels, strict=False):
            _bars(axis, results, panel, ink)
        for axis in list(axes)[len(panels) :]:
            axis.set_visible(False)
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)


def _bars(axis: Any, results: Results, panel: Panel, ink: Ink) -> None:
    shown = [(one, value) for one in CONTENDERS if (value := panel.value(results, one.name)) is not None]
    colours = [ink.ours if one.name == OURS else ink.others for one, _ in shown]
    bars = axis.barh([one.title for one, _ in shown], [value for _, value in shown], color=colours, height=0.7)
    bounds = ["≥ " if results.is_bound(panel.what, one.name) else "" for one, _ in shown]
    labels = [bound + panel.form.format(value) for bound, (_, value) in zip(bounds, shown, strict=True)]
    axis.bar_label(bars, labels, padding=3, color=ink.text, fontsize=9)
    axis.set_title(panel.title, loc="left", color=ink.text, fontsize=10)
    axis.invert_yaxis()
    axis.set_xlim(0, max(value for _, value in shown) * 1.15)
    axis.set_xticks([])
    axis.tick_params(axis="y", length=0, labelcolor=ink.text, labelsize=9)
    axis.set_facecolor("none")
    for spine in axis.spines.values():
        spine.set_visible(False)
