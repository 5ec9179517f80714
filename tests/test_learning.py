"""What the models of the examples learn: a short run, and all of it if asked for."""

from __future__ import annotations

import os

import numpy as np
import pytest
import scipy.stats

import wengert as wg
from wengert import nn
from wengert.examples.learning import (
    autoencoder,
    bayesian_network,
    binary,
    characters,
    digits,
    karate,
    meta_learning,
    moons,
    newton_cg,
    photograph,
    pruning,
    tuning,
)

FULL = os.environ.get("WENGERT_FULL_TESTS") == "1"


def agrees(study):
    missed = [row for row in study.rows if not row.agrees]
    assert not missed
    study.figure()


def test_both_networks_read_digits():
    agrees(digits.study() if FULL else digits.study(seeds=1, epochs=25))


def test_a_tenth_of_the_weights_reads_digits():
    agrees(pruning.study() if FULL else pruning.study(seeds=1))


def test_the_parts_of_the_digits_are_apart_and_even():
    train, test = digits.digits()
    assert train.images.shape == (1437, 1, 8, 8) and test.images.shape == (360, 1, 8, 8)
    shares = np.bincount(test.labels) / np.bincount(train.labels)
    np.testing.assert_allclose(shares, 360 / 1437, atol=0.008)
    seen = {image.tobytes() for image in train.images}
    assert not any(image.tobytes() in seen for image in test.images)


def test_images_are_moved_by_a_pixel_at_most():
    images = np.zeros((200, 1, 8, 8))
    images[:, 0, 3, 4] = 1.0
    found = digits.moved(images, wg.random.key(0))
    assert np.all(found.sum(axis=(1, 2, 3)) == 1.0)
    _, _, rows, columns = np.nonzero(found)
    assert {*zip(rows - 3, columns - 4, strict=True)} == {
        (i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)
    }


def test_saliency_is_the_mean_of_what_each_image_says():
    train, _ = digits.digits()
    few = digits.Digits(train.images[:7].astype(float), train.labels[:7])
    params, state = nn.setup(wg.random.key(0), digits.DENSE.model, few.images[:1])

    def loss(params, image, digit):
        scores, _ = nn.apply(digits.DENSE.model, image, params, state)
        return nn.cross_entropy(scores, digit)

    each = wg.vmap(wg.grad(loss), in_axes=(None, 0, 0))
    grads = each(params, few.images[:, None], few.labels[:, None])
    expected = wg.tree.map(lambda w, g: np.mean(np.abs(w * g), axis=0), params, grads)
    found = pruning.saliency(params, state, few)
    for a, b in zip(wg.tree.leaves(found), wg.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-14)


def test_a_mask_keeps_the_largest_and_the_biases():
    worth = {"weight": np.arange(20.0).reshape(4, 5), "bias": np.zeros(4)}
    mask = pruning.mask_of(worth, 0.1)
    assert mask["weight"].sum() == 2 and mask["weight"][3, 3:].all()
    assert mask["bias"].all()
    kept = pruning.masked(worth, mask)
    assert pruning.share_kept(kept) == pytest.approx(0.1)


def test_a_recurrent_network_learns_more_than_the_frequencies_of_pairs():
    text = characters.python_topics()
    reader = characters.Reader("GRU", text, 200)
    learnt, losses = reader.learn()
    bits = reader.bits(learnt)
    assert bits < 3.0 and abs(bits - losses[-1]) < 0.4
    written = reader.write(learnt, "The statement", 80)
    assert len(written) == 80 and set(written) <= set(text.alphabet)
    assert written == reader.write(learnt, "The statement", 80)
    assert written != reader.write(learnt, "The statement", 80, seed=1)


@pytest.mark.skipif(not FULL, reason="two minutes; with WENGERT_FULL_TESTS=1")
def test_three_models_read_the_documentation_of_python():
    agrees(characters.study())


def test_windows_of_a_text_overlap_by_the_character_to_be_found():
    text = characters.python_topics()
    windows = text.windows(0, 1000, characters.LENGTH)
    assert windows.shape == (15, characters.LENGTH + 1)
    np.testing.assert_array_equal(windows[:-1, -1], windows[1:, 0])
    assert "".join(text.alphabet[c] for c in text.codes[:9]) == text_of_python()[:9]


def text_of_python():
    from pydoc_data.topics import topics

    return topics[min(topics)]


def test_two_labels_tell_the_sides_of_the_karate_club():
    agrees(karate.study() if FULL else karate.study(seeds=2))


def test_the_club_is_the_one_that_was_published():
    edges, sides = karate.club()
    assert edges.shape == (2, 156) and np.bincount(sides).tolist() == [17, 17]
    assert [sides[i] for i in karate.LEADERS] == [0, 1]
    assert np.bincount(edges[0])[karate.LEADERS].tolist() == [16, 17]


def test_a_photograph_is_learnt():
    agrees(photograph.study() if FULL else photograph.study(100, 24.0, within=0.5))


def test_the_gradient_of_a_learnt_photograph_is_that_of_the_network():
    picture = photograph.photograph()
    assert picture.shape == (96, 96) and np.abs(picture).max() <= 1.0
    params, _ = nn.setup(wg.random.key(0), photograph.MODEL, np.zeros((1, 2)))
    assert photograph.differs(params, photograph.places()) < 1e-6
    assert photograph.quality(picture, picture + 0.02) == pytest.approx(40.0, abs=1e-3)


@pytest.mark.skipif(not FULL, reason="it compiles long; with WENGERT_FULL_TESTS=1")
def test_one_step_from_a_learnt_start_beats_pretraining():
    agrees(meta_learning.study())


def test_meta_learning_differentiates_through_the_step():
    key = wg.random.key(0)
    params, _ = nn.setup(key, meta_learning.MODEL, np.zeros((1, 1)))
    task = meta_learning.Tasks(*(x[0] for x in meta_learning.draw(key, 1)))
    flat, back = wg.tree.ravel(params)
    way = np.random.default_rng(0).normal(size=flat.shape)

    def error(t):
        return meta_learning.after_a_step(back(flat + t * way), task)

    found = wg.grad(lambda p: meta_learning.after_a_step(p, task))(params)
    slope = (error(1e-6) - error(-1e-6)) / 2e-6
    np.testing.assert_allclose(wg.tree.ravel(found)[0] @ way, slope, rtol=1e-6)


def test_weights_of_one_bit_read_digits():
    agrees(binary.study() if FULL else binary.study(seeds=1, epochs=30))


def test_one_bit_is_one_bit_and_learns_within_its_range():
    w = np.array([-2.0, -0.3, 0.0, 0.7, 1.5])
    value, grads = wg.value_and_grad(lambda w: binary.one_bit(w) @ np.arange(5.0))(w)
    assert value == -1.0 + 2.0 + 3.0 + 4.0
    assert grads.tolist() == [0.0, 1.0, 2.0, 3.0, 0.0]
    layer = {"weight": np.array([[0.5, -0.1]]), "scale": np.ones(1), "bias": np.ones(1)}
    (found,) = binary.rounded((layer,))
    assert found["weight"].tolist() == [[1.0, -1.0]] and found["scale"] == [0.3]


def test_newton_cg_finds_the_minimum_of_a_logistic_regression():
    agrees(newton_cg.study() if FULL else newton_cg.study(steps=2000))


def test_gradient_descent_descends_at_its_rate():
    data = newton_cg.tumours()
    start, rate = np.zeros(31), 1.0 / newton_cg.steepest(data)
    largest = np.linalg.eigvalsh(wg.hessian(newton_cg.loss)(start, data))[-1]
    assert largest == pytest.approx(1.0 / rate, rel=1e-10)
    w, norms = newton_cg.descend(start, data, rate, np.empty(3))
    for norm in norms:
        grads = wg.grad(newton_cg.loss)(start, data)
        assert np.max(np.abs(grads)) == pytest.approx(norm)
        start = start - rate * grads
    np.testing.assert_allclose(w, start)


@pytest.mark.skipif(not FULL, reason="it compiles long; with WENGERT_FULL_TESTS=1")
def test_a_rate_and_a_momentum_are_tuned():
    agrees(tuning.study())


def test_training_with_momentum_is_that_of_the_transformation():
    now, knobs = tuning.task(), tuning.START
    opt = wg.optim.sgd(float(np.exp(knobs.rate)), momentum=0.1)
    params, state = now.params, opt.init(now.params)
    gradient = wg.jit(wg.grad(tuning.loss))
    for _ in range(tuning.STEPS):
        updates, state = opt.update(gradient(params, now.train), state, params)
        params = wg.optim.apply_updates(params, updates)
    found = wg.jit(tuning.trained)(knobs, now.params, now.train)
    for a, b in zip(wg.tree.leaves(found), wg.tree.leaves(params), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


@pytest.mark.skipif(not FULL, reason="compiles for half a minute")
def test_a_posterior_is_that_of_numerical_integration():
    agrees(bayesian_network.study())


@pytest.mark.parametrize(
    "known", [{}, {"asia": 1, "dyspnoea": 1}, {"smoker": 0, "cancer": 1, "either": 1}]
)
def test_marginals_of_a_network_are_derivatives_of_its_evidence(known):
    evidence = bayesian_network.evidence(**known)
    found = bayesian_network.marginals(evidence, 0.3)
    np.testing.assert_allclose(
        found, bayesian_network.enumerated(evidence, 0.3), rtol=0, atol=1e-12
    )


def test_the_posterior_of_a_risk_is_near_what_the_patients_were_drawn_with():
    risks, density = bayesian_network.exact(bayesian_network.patients())
    mean = np.mean(risks * density)
    deviation = np.sqrt(np.mean((risks - mean) ** 2 * density))
    assert abs(mean - bayesian_network.SMOKERS_RISK) < 3 * deviation


def test_a_flow_learns_the_density_of_two_moons():
    agrees(moons.study() if FULL else moons.study(couplings=3, epochs=40, within=0.4))


def test_the_density_of_the_moons_is_that_of_points_drawn():
    _, at = moons.square()
    log_p, cell = moons.true_log_density(at), (2 * moons.SIDE / moons.CELLS) ** 2
    assert np.sum(np.exp(log_p)) * cell == pytest.approx(1.0, abs=1e-10)
    entropy = -np.sum(np.exp(log_p) * log_p) * cell
    points = moons.draw(wg.random.key(7), 20_000)
    nats = -moons.true_log_density(points)
    assert abs(nats.mean() - entropy) < 4 * nats.std() / np.sqrt(len(nats))
    gauss = scipy.stats.multivariate_normal(points.mean(axis=0), np.cov(points.T))
    expected = -np.mean(gauss.logpdf(points))
    assert moons.gaussians_nats(points, points) == pytest.approx(expected, rel=1e-12)


def test_an_autoencoder_has_the_bounds_of_its_density():
    agrees(autoencoder.study() if FULL else autoencoder.study((2,), epochs=50))


def test_the_density_of_components_is_that_of_scikit_learn():
    from sklearn.decomposition import PCA

    seen, unseen = autoencoder.images()
    found = autoencoder.components(seen, 5)
    # scikit-learn divides by n - 1, and maximum likelihood by n.
    n = len(seen)
    scaled = (seen - found.mean) * np.sqrt((n - 1) / n) + found.mean
    other = PCA(5, svd_solver="full").fit(scaled.astype(float))
    np.testing.assert_allclose(
        found.log_density(unseen), other.score_samples(unseen), rtol=1e-9
    )


def test_the_gradient_of_the_bound_is_that_of_its_draw():
    model = autoencoder.networks(3)
    params, key = model.setup(wg.random.key(0), np.float64), wg.random.key(1)
    x = autoencoder.images()[0][:4].astype(float)
    flat, back = wg.tree.ravel(params)
    way = np.random.default_rng(0).normal(size=flat.shape)

    def bound(t):
        return autoencoder.bound(model, back(flat + t * way), key, x)

    grads = wg.grad(lambda p: autoencoder.bound(model, p, key, x))(params)
    slope = (bound(1e-6) - bound(-1e-6)) / 2e-6
    np.testing.assert_allclose(wg.tree.ravel(grads)[0] @ way, slope, rtol=1e-7)
