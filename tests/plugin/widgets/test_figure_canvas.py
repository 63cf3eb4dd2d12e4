"""Figures in docks: each can be enlarged and saved."""

import numpy as np
from matplotlib.backends.backend_qt import NavigationToolbar2QT
from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
from npe2 import PluginManifest
from sight import bring_into_sight

PLUGIN = "napari-lattice-symmetry"
WIDGETS = PluginManifest.from_distribution(PLUGIN).contributions.widgets


def test_every_figure_of_every_dock_has_its_toolbar_in_sight(make_shown_viewer, qtbot):
    viewer = make_shown_viewer()
    viewer.window.resize(1280, 800)
    viewer.add_image(np.random.default_rng(0).random((2, 64, 64)), name="noise")
    without = set()
    for title in (widget.display_name for widget in WIDGETS):
        dock, widget = viewer.window.add_plugin_dock_widget(PLUGIN, title)
        figures = widget.findChildren(FigureCanvasQTAgg)
        if not figures:
            without.add(title)
        for figure in figures:
            bring_into_sight(figure)
            bars = widget.findChildren(NavigationToolbar2QT)
            (bar,) = (each for each in bars if each.canvas is figure)
            assert bar.isVisibleTo(figure.parentWidget()), title  # even where both are yet to come
            assert bar.visibleRegion().isEmpty() == figure.visibleRegion().isEmpty(), title
        assert not figures or not all(each.visibleRegion().isEmpty() for each in figures), title
        viewer.window.remove_dock_widget(dock)
    assert without == {"Lattice symmetry"}
