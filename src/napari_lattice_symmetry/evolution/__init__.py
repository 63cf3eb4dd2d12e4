"""How phases evolve: curves, holes, brightness, kinetics."""

from napari_lattice_symmetry.evolution.beam import maximum_energy_transfer
from napari_lattice_symmetry.evolution.brightness import (
    Brightness,
    brightness_curve,
    measure_brightness,
)
from napari_lattice_symmetry.evolution.curves import (
    Curve,
    class_curves,
    class_fractions,
)
from napari_lattice_symmetry.evolution.drift import (
    Drift,
    correct_drift,
    measure_drift,
    plot_drift,
    write_drift,
)
from napari_lattice_symmetry.evolution.growth import (
    Estimate,
    GrowthFit,
    akaike_weights,
    equivalent_radius,
    remark,
)
from napari_lattice_symmetry.evolution.holes import hole_curve
from napari_lattice_symmetry.evolution.kinetics import compare_laws, fit_growth
from napari_lattice_symmetry.evolution.plots import (
    plot_defect_counts,
    plot_evolution,
    plot_growth,
)
from napari_lattice_symmetry.evolution.tables import (
    write_curves,
    write_defect_counts,
    write_fits,
)
from napari_lattice_symmetry.results.areas import AreaFractions, area_fractions
from napari_lattice_symmetry.results.column import Column, list_columns, read_column

__all__ = [
    "AreaFractions",
    "Brightness",
    "Column",
    "Curve",
    "Drift",
    "Estimate",
    "GrowthFit",
    "akaike_weights",
    "area_fractions",
    "brightness_curve",
    "class_curves",
    "class_fractions",
    "compare_laws",
    "correct_drift",
    "equivalent_radius",
    "fit_growth",
    "hole_curve",
    "list_columns",
    "maximum_energy_transfer",
    "measure_brightness",
    "measure_drift",
    "plot_defect_counts",
    "plot_drift",
    "plot_evolution",
    "plot_growth",
    "read_column",
    "remark",
    "write_curves",
    "write_defect_counts",
    "write_drift",
    "write_fits",
]
