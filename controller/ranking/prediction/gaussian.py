"""The expert that is a Gaussian process: apart from the others, for scikit-learn loads slowly."""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, DotProduct, WhiteKernel

from controller.ranking.prediction.experts import Expert, Places, Told
from controller.ranking.prediction.networks import Array


def process(columns: Array, places: Places, logs: Array, spreads: Array) -> Expert:
    """A Gaussian process over columns: linear, smooth on top of it, and noise.

    Its kernel is fitted once, by the known values; what leaves some of them out keeps it.

    Args:
        columns: one row a network, of comparable scale.
        places: rows of the known networks.
        logs: their values.
        spreads: standard deviations of these by their own measuring.
    """
    width = np.sqrt(columns.shape[1])
    kernel = (
        ConstantKernel(1.0, (1e-3, 1e2)) * RBF(width, (0.3, 1e2))
        + ConstantKernel(1.0, (1e-3, 1e2)) * DotProduct(1.0, (1e-2, 1e2))
        + WhiteKernel(1e-2, (1e-5, 0.3))
    )
    noise = dict(zip(places.tolist(), spreads**2, strict=True))
    fitted = GaussianProcessRegressor(kernel, alpha=spreads**2 + 1e-8)
    with warnings.catch_warnings():
        # A width or a noise at its bound is what few or exact figures give.
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted.fit(columns[places], logs - logs.mean())

    def tell(places: Places, logs: Array) -> Told:
        alpha = np.array([noise[place] for place in places.tolist()]) + 1e-8
        again = GaussianProcessRegressor(fitted.kernel_, alpha=alpha, optimizer=None)
        again.fit(columns[places], logs - logs.mean())
        told, deviations = again.predict(columns, return_std=True)
        return Told(told + logs.mean(), deviations)

    return tell
