"""Kinetics of holes.

A film loses area to holes that grow exponentially. Their area is measured by the windows that say
noise, and by plain brightness; growth laws are fitted to it and compared.
"""

import sys
from pathlib import Path

import numpy as np

import napari_lattice_symmetry as nls

folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")

movie = nls.simulate("growing-holes", frames=40, size=256, a0=0.004, rho=0.05).movie
result = nls.analyze(movie, window=64, stride=16, samples=20, frame_step=3)

levels = np.array(list(nls.evolution.measure_brightness(movie, result.frame_indices)))
by_brightness = nls.evolution.brightness_curve(result, nls.evolution.Brightness(levels))
by_windows = nls.evolution.hole_curve(result)

middle = result.times[len(result.times) // 2]
for curve in (by_windows, by_brightness):
    fits = nls.evolution.compare_laws(curve, middle)  # the best first
    print(f"{curve.name}: {fits[0].law.name}. {nls.evolution.remark(fits, fits[0])}")
    for name, each in fits[0].estimates.items():
        print(f"  {name} = {each.value:.3g} [{each.low:.3g}, {each.high:.3g}] {each.unit}")

nls.evolution.plot_growth(fits[0], movie.name).savefig(folder / "growth.png", dpi=100)
nls.report.write_report(result, folder / "growth.html", movie, growth=fits[:1])
