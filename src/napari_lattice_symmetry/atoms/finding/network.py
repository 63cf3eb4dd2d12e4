"""The finder's network: one for all spacings. Nothing here runs before Keras is needed."""

from __future__ import annotations

from typing import Any

from napari_lattice_symmetry.atoms.finding.scaling import CHANNELS
from napari_lattice_symmetry.networks.keras_loading import keras, layers


def finder_network(filters: int = 16, dropout: float = 0.1) -> keras.Model:
    """Build the fully convolutional network.

    An encoder that halves the resolution twice, a bottleneck of dilated convolutions, and a
    decoder that sees what the encoder saw (Ronneberger et al., MICCAI 2015; dilation: Yu and
    Koltun, ICLR 2016). Dropout turns off whole channels, in bottleneck and decoder, so that what
    comes before is computed once for all thinned networks.

    Parameters
    ----------
    filters : int
        Channels at full resolution; two and four times as many where it is halved.
    dropout : float
        Share of channels turned off.

    Returns
    -------
    keras.Model
        From what is seen (n, Y, X, 2) to a logit a pixel (n, Y, X, 1).
    """

    def convolve(x: Any, n: int, name: str, dilation: int = 1) -> Any:
        return layers.Conv2D(
            n,
            3,
            padding="same",
            dilation_rate=dilation,
            activation="relu",
            kernel_initializer="he_normal",
            name=name,
        )(x)

    seen = keras.Input((None, None, CHANNELS), name="seen")
    fine = convolve(convolve(seen, filters, "fine_1"), filters, "fine_2")
    half = layers.MaxPooling2D(2, name="to_half")(fine)
    half = convolve(convolve(half, 2 * filters, "half_1"), 2 * filters, "half_2")
    x = layers.MaxPooling2D(2, name="to_quarter")(half)
    for i, dilation in enumerate((1, 2, 4, 8, 1), start=1):
        x = convolve(x, 4 * filters, f"dilated_{i}", dilation)
    x = layers.SpatialDropout2D(dropout, name="drop_quarter")(x)
    x = layers.UpSampling2D(2, name="from_quarter")(x)
    x = layers.Concatenate(name="join_half")([x, half])
    x = convolve(x, 2 * filters, "half_3")
    x = layers.SpatialDropout2D(dropout, name="drop_half")(x)
    x = layers.UpSampling2D(2, name="from_half")(x)
    x = layers.Concatenate(name="join_fine")([x, fine])
    x = convolve(convolve(x, filters, "fine_3"), filters, "fine_4")
    x = layers.SpatialDropout2D(dropout, name="drop_fine")(x)
    logit = layers.Conv2D(1, 1, bias_initializer=keras.initializers.Constant(-2.5), name="atom")(x)
    return keras.Model(seen, logit, name="atoms")


@keras.saving.register_keras_serializable(package="lattice_symmetry")  # type: ignore[untyped-decorator]
def mark_loss(marks: Any, logits: Any) -> Any:
    """Return the cross-entropy of logits with marks, weighted by the second channel of the marks.

    Pixels at atoms count more, since they are few.
    """
    mark, weight = marks[..., :1], marks[..., 1:]
    entropy = keras.ops.maximum(logits, 0) - logits * mark
    entropy = entropy + keras.ops.log1p(keras.ops.exp(-keras.ops.abs(logits)))
    return keras.ops.mean(weight * (1 + 4 * mark) * entropy, axis=(1, 2, 3))
