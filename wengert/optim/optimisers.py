"""Optimisers for training: chains of gradient transformations, by their names."""

from __future__ import annotations

from typing import Any

from wengert.optim.moments import (
    scale_by_adadelta,
    scale_by_adam,
    scale_by_adamax,
    scale_by_lion,
    scale_by_rms,
    scale_by_rss,
    scale_by_stddev,
    trace,
)
from wengert.optim.transformation import (
    Transformation,
    chain,
    identity,
    scale_by_learning_rate,
)
from wengert.optim.weights import add_decayed_weights, scale_by_trust_ratio


def sgd(
    learning_rate: Any, momentum: Any = None, nesterov: bool = False
) -> Transformation:
    """Gradient descent, with momentum or Nesterov's momentum.

    Args:
        learning_rate: A number, or a schedule, as in all optimisers here.
        momentum: How much of the sum of past gradients is kept; None: no sum.
        nesterov: Look ahead (Sutskever et al., ICML 2013).

    Example:
        >>> import numpy as np, wengert as wg
        >>> opt = wg.optim.sgd(0.1, momentum=0.9)
        >>> opt.update(np.ones(1), opt.init(np.ones(1)))[0]
        array([-0.1])
    """
    remembered = identity() if momentum is None else trace(momentum, nesterov)
    return chain(remembered, scale_by_learning_rate(learning_rate))


def adam(
    learning_rate: Any,
    b1: Any = 0.9,
    b2: Any = 0.999,
    eps: Any = 1e-8,
    eps_root: Any = 0.0,
    *,
    nesterov: bool = False,
) -> Transformation:
    """Adam: steps of about the learning rate in each entry (Kingma & Ba, ICLR 2015).

    The arguments behind `learning_rate` are those of `scale_by_adam`. PyTorch's, with
    the same arguments, is the same.

    Example:
        >>> import numpy as np, wengert as wg
        >>> opt = wg.optim.adam(0.1)
        >>> opt.update(np.array([5.0, -0.2]), opt.init(np.ones(2)))[0].round(6)
        array([-0.1,  0.1])
    """
    return chain(
        scale_by_adam(b1, b2, eps, eps_root, nesterov=nesterov),
        scale_by_learning_rate(learning_rate),
    )


def nadam(
    learning_rate: Any,
    b1: Any = 0.9,
    b2: Any = 0.999,
    eps: Any = 1e-8,
    eps_root: Any = 0.0,
) -> Transformation:
    """Adam with Nesterov's momentum (Dozat, 2016); Optax's form, not PyTorch's.

    Example:
        >>> import numpy as np, wengert as wg
        >>> opt = wg.optim.nadam(0.1)
        >>> opt.update(np.array([5.0]), opt.init(np.ones(1)))[0].round(3)
        array([-0.147])
    """
    return adam(learning_rate, b1, b2, eps, eps_root, nesterov=True)


def adamw(
    learning_rate: Any,
    b1: Any = 0.9,
    b2: Any = 0.999,
    eps: Any = 1e-8,
    eps_root: Any = 0.0,
    weight_decay: Any = 1e-4,
    mask: Any = None,
    *,
    nesterov: bool = False,
) -> Transformation:
    """Adam with decoupled weight decay (Loshchilov & Hutter, ICLR 2019).

    Args:
        learning_rate: A number or a schedule; the decay is multiplied with it too.
        b1, b2, eps, eps_root, nesterov: As in `adam`.
        weight_decay: How fast weights decay; PyTorch's default is 1e-2.
        mask: Which weights decay: see `add_decayed_weights`.

    Example:
        >>> import numpy as np, wengert as wg
        >>> opt = wg.optim.adamw(0.1, weight_decay=0.5)
        >>> params = np.array([2.0])
        >>> opt.update(np.zeros(1), opt.init(params), params)[0]
        array([-0.1])
    """
    return chain(
        scale_by_adam(b1, b2, eps, eps_root, nesterov=nesterov),
        add_decayed_weights(weight_decay, mask),
        scale_by_learning_rate(learning_rate),
    )


def adamax(
    learning_rate: Any, b1: Any = 0.9, b2: Any = 0.999, eps: Any = 1e-8
) -> Transformation:
    """Adam with the infinity norm (Kingma & Ba, ICLR 2015, section 7).

    Example:
        >>> import numpy as np, wengert as wg
        >>> opt = wg.optim.adamax(0.1)
        >>> opt.update(np.array([5.0]), opt.init(np.ones(1)))[0].round(6)
        array([-0.1])
    """
    return chain(scale_by_adamax(b1, b2, eps), scale_by_learning_rate(learning_rate))


def adagrad(
    learning_rate: Any, initial_accumulator_value: float = 0.1, eps: Any = 1e-7
) -> Transformation:
    """Adagrad: rates that fall with the sum of squares (Duchi et al., JMLR 2011).

    Example:
        >>> import numpy as np, wengert as wg
        >>> opt = wg.optim.adagrad(0.1)
        >>> opt.update(np.array([5.0]), opt.init(np.ones(1)))[0].round(4)
        array([-0.0998])
    """
    return chain(
        scale_by_rss(initial_accumulator_value, eps),
        scale_by_learning_rate(learning_rate),
    )


def adadelta(
    learning_rate: Any, rho: Any = 0.9, eps: Any = 1e-6, weight_decay: Any = 0.0
) -> Transformation:
    """Adadelta: steps in the units of the parameters (Zeiler, 2012).

    Args:
        learning_rate: A number or a schedule; 1.0 is Zeiler's method.
        rho: How much of the averages is kept.
        eps: Keeps the first steps from being zero.
        weight_decay: Of L2 regularisation; other than 0, updates need the parameters.

    Example:
        >>> import numpy as np, wengert as wg
        >>> opt = wg.optim.adadelta(1.0)
        >>> opt.update(np.array([5.0]), opt.init(np.ones(1)))[0].round(6)
        array([-0.003162])
    """
    return chain(
        add_decayed_weights(weight_decay),
        scale_by_adadelta(rho, eps),
        scale_by_learning_rate(learning_rate),
    )


def rmsprop(
    learning_rate: Any,
    decay: Any = 0.9,
    eps: Any = 1e-8,
    initial_scale: float = 0.0,
    eps_in_sqrt: bool = True,
    centered: bool = False,
    momentum: Any = None,
    nesterov: bool = False,
) -> Transformation:
    """RMSProp (Tieleman & Hinton, 2012), centred and with momentum if wanted.

    Args:
        learning_rate: A number or a schedule.
        decay: How much of the average of squares is kept.
        eps: Keeps the quotient finite; under the root, or with ``eps_in_sqrt=False``
            added to it, as in PyTorch.
        initial_scale: What the average begins with.
        eps_in_sqrt: Where `eps` is added.
        centered: Divide by the standard deviation (Graves, 2013).
        momentum: Of the steps, as in `sgd`; None: no sum.
        nesterov: Of that momentum.

    Example:
        >>> import numpy as np, wengert as wg
        >>> opt = wg.optim.rmsprop(0.1)
        >>> opt.update(np.array([5.0]), opt.init(np.ones(1)))[0].round(4)
        array([-0.3162])
    """
    scaling = scale_by_stddev if centered else scale_by_rms
    return chain(
        scaling(decay, eps, initial_scale, eps_in_sqrt),
        scale_by_learning_rate(learning_rate),
        identity() if momentum is None else trace(momentum, nesterov),
    )


def lion(
    learning_rate: Any,
    b1: Any = 0.9,
    b2: Any = 0.99,
    weight_decay: Any = 1e-3,
    mask: Any = None,
) -> Transformation:
    """Lion: steps by signs (Chen et al., 2023), with decoupled weight decay.

    The learning rate is some 3 to 10 times smaller than Adam's. `mask` says which
    weights decay.

    Example:
        >>> import numpy as np, wengert as wg
        >>> opt = wg.optim.lion(0.1, weight_decay=0.0)
        >>> params = np.ones(2)
        >>> opt.update(np.array([5.0, -0.1]), opt.init(params), params)[0]
        array([-0.1,  0.1])
    """
    return chain(
        scale_by_lion(b1, b2),
        add_decayed_weights(weight_decay, mask),
        scale_by_learning_rate(learning_rate),
    )


def lamb(
    learning_rate: Any,
    b1: Any = 0.9,
    b2: Any = 0.999,
    eps: Any = 1e-6,
    eps_root: Any = 0.0,
    weight_decay: Any = 0.0,
    mask: Any = None,
) -> Transformation:
    """LAMB: Adam with a trust ratio for each array, for large batches.

    You et al., ICLR 2020. `mask` says which weights decay.

    Example:
        >>> import numpy as np, wengert as wg
        >>> opt = wg.optim.lamb(0.1)
        >>> params = np.array([3.0, 4.0])
        >>> opt.update(np.array([5.0, 5.0]), opt.init(params), params)[0].round(4)
        array([-0.3536, -0.3536])
    """
    return chain(
        scale_by_adam(b1, b2, eps, eps_root),
        add_decayed_weights(weight_decay, mask),
        scale_by_trust_ratio(),
        scale_by_learning_rate(learning_rate),
    )
