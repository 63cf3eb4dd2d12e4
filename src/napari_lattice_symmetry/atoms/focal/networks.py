"""Two networks that name columns: a residual U-net, and a mixed-scale dense network (MSD-net)."""

from __future__ import annotations

from typing import Any

from napari_lattice_symmetry.atoms.focal.seeing import CLASSES
from napari_lattice_symmetry.networks.keras_loading import keras, layers

U_NET, MSD_NET = "unet", "msd"


def u_net(images: int = 3, filters: int = 16, dropout: float = 0.1) -> keras.Model:
    """Build a residual U-net, whose decoder adds what the encoder saw, with batches normalized.

    After O. Ronneberger et al., MICCAI 2015, with sums instead of concatenations as in J. Madsen et
    al., Adv. Theory Simul. 1, 1800037 (2018).

    Parameters
    ----------
    images : int
        Of a series.
    filters : int
        Channels at full resolution; twice, four and eight times as many where it is halved.
    dropout : float
        Share of channels turned off in the last of them.

    Returns
    -------
    keras.Model
        From what is seen (n, Y, X, images + 1) to logits (n, Y, X, 4); Y and X are multiples of 8.
    """

    def block(x: Any, n: int, name: str) -> Any:
        short = x if x.shape[-1] == n else _convolve(x, n, f"{name}_short", size=1, bare=True)
        y = _convolve(x, n, f"{name}_1", bare=True)
        y = layers.ReLU(name=f"{name}_relu")(layers.BatchNormalization(name=f"{name}_1n")(y))
        y = _convolve(y, n, f"{name}_2", bare=True)
        y = layers.BatchNormalization(name=f"{name}_2n")(y)
        return layers.ReLU(name=f"{name}_out")(layers.Add(name=f"{name}_sum")([y, short]))

    seen = keras.Input((None, None, images + 1), name="seen")
    x, skipped = seen, []
    for i in range(3):
        x = block(x, filters * 2**i, f"down_{i}")
        skipped.append(x)
        x = layers.MaxPooling2D(2, name=f"halve_{i}")(x)
    x = block(x, filters * 8, "bottom")
    for i in reversed(range(3)):
        x = layers.UpSampling2D(2, interpolation="nearest", name=f"double_{i}")(x)
        x = _convolve(x, filters * 2**i, f"narrow_{i}", size=1, bare=True)
        x = layers.Add(name=f"join_{i}")([x, skipped[i]])
        x = block(x, filters * 2**i, f"up_{i}")
    x = layers.SpatialDropout2D(dropout, name="drop")(x)
    x = _convolve(x, 2 * filters, "last", size=1)
    return keras.Model(seen, _answer(x), name=U_NET)


def msd_net(images: int = 3, depth: int = 10, width: int = 8, dropout: float = 0.1) -> keras.Model:
    """Build a mixed-scale dense network: every layer sees all maps before it, at full resolution.

    D. M. Pelt and J. A. Sethian, PNAS 115, 254 (2018): dilations cycle from 1 to 10, nothing is
    pooled.

    Parameters
    ----------
    images : int
        Of a series.
    depth, width : int
        Layers, and maps that each adds.
    dropout : float
        Share of maps turned off before they are joined.

    Returns
    -------
    keras.Model
        From what is seen (n, Y, X, images + 1) to logits (n, Y, X, 4).
    """
    seen = keras.Input((None, None, images + 1), name="seen")
    x: Any = seen
    for i in range(depth):
        y = _convolve(x, width, f"scale_{i}", dilation=i % 10 + 1)
        x = layers.Concatenate(name=f"dense_{i}")([x, y])
    x = layers.SpatialDropout2D(dropout, name="drop")(x)
    x = _convolve(x, 32, "last", size=1)
    return keras.Model(seen, _answer(x), name=MSD_NET)


def _convolve(
    x: Any,
    n: int,
    name: str,
    *,
    size: int = 3,
    dilation: int = 1,
    bare: bool = False,
) -> Any:
    return layers.Conv2D(
        n,
        size,
        padding="same",
        dilation_rate=dilation,
        activation=None if bare else "relu",
        kernel_initializer="he_normal",
        name=name,
    )(x)


def _answer(x: Any) -> Any:
    # Nearly all pixels are background: a network that knows nothing begins with that answer.
    first = keras.initializers.Constant([2.0] + [0.0] * (len(CLASSES) - 1))
    last = layers.Conv2D(len(CLASSES), 1, bias_initializer=first, dtype="float32", name="column")
    return last(x)


@keras.saving.register_keras_serializable(package="lattice_symmetry")  # type: ignore[untyped-decorator]
def column_loss(marks: Any, logits: Any) -> Any:
    """Return the cross-entropy of logits with marks; pixels at columns count more, being few."""
    entropy = -(marks * keras.ops.log_softmax(logits, axis=-1))
    weight = 1 + 4 * (1 - marks[..., 0])
    return keras.ops.mean(weight * keras.ops.sum(entropy, axis=-1), (1, 2))
