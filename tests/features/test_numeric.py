"""Numbers on a common scale, by each of the rules."""

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import QuantileTransformer, RobustScaler

from mtl_keras.errors import ConfigError
from mtl_keras.features import Numeric

COLUMN = pd.Series(np.random.default_rng(0).gamma(2.0, 3.0, 2000).astype("float32"))


def encoded(feature, column):
    return feature.layer()(feature.raw(column))["numeric"].numpy()


def test_robust_scaling_is_scikit_learns_bent_at_three():
    feature = Numeric("x", transform="none", scaling="robust").fit(COLUMN)
    plain = RobustScaler().fit_transform(COLUMN.to_frame())
    expected = plain / np.sqrt(1 + (plain / 3) ** 2)
    np.testing.assert_allclose(encoded(feature, COLUMN), expected, atol=1e-5)
    unbounded = feature.but(highest=None)
    assert abs(encoded(unbounded, pd.Series([1e9]))[0, 0] - 3) < 1e-3


@pytest.mark.parametrize("transform", ["none", "log1p"])
@pytest.mark.parametrize("scaling", ["standard", "robust"])
def test_a_number_is_clipped_two_standard_deviations_beyond_the_training_range(transform, scaling):
    feature = Numeric("x", transform=transform, scaling=scaling).fit(COLUMN)
    seen = COLUMN if transform == "none" else np.log1p(COLUMN)
    ends = [feature.lowest, feature.highest]
    if transform == "log1p":
        ends = np.sign(ends) * np.log1p(np.abs(ends))
    np.testing.assert_allclose(
        ends, [seen.min() - 2 * seen.std(), seen.max() + 2 * seen.std()], rtol=1e-3
    )
    tried = [-1e9, feature.lowest, COLUMN.min(), COLUMN.max(), feature.highest, 1e9, np.nan]
    far_below, lowest, least, most, highest, far_above, missing = encoded(
        feature, pd.Series(tried, dtype="float32")
    )[:, 0]
    assert far_below == lowest < least < most < highest == far_above and missing == 0


def test_robust_scaling_of_a_column_that_is_mostly_one_value():
    column = pd.Series([0.0] * 99 + [10.0])
    feature = Numeric("x", transform="none", scaling="robust").fit(column)
    assert (feature.center, feature.scale) == (0.0, 5.0)


def test_quantile_scaling_is_scikit_learns():
    feature = Numeric("x", scaling="quantile").fit(COLUMN)
    frame = COLUMN.to_frame()
    transformer = QuantileTransformer(n_quantiles=256, output_distribution="normal").fit(frame)
    inner = COLUMN.between(*COLUMN.quantile([0.01, 0.99]))
    expected = transformer.transform(frame)[inner]
    np.testing.assert_allclose(encoded(feature, COLUMN[inner]), expected, atol=2e-3)
    ends = encoded(feature, pd.Series([-1e9, 1e9, np.nan]))[:, 0]
    assert ends[0] < -4 and ends[1] > 4 and ends[2] == 0


@pytest.mark.parametrize("values", [[1.0, 1.0, 1.0, 5.0], [2.0, 2.0], [1e9, 1e9], [0.0, 1.0] * 20])
def test_quantile_scaling_of_few_values_keeps_their_order(values):
    column = pd.Series(values)
    found = encoded(Numeric("x", scaling="quantile").fit(column), column)[:, 0]
    assert np.isfinite(found).all()
    assert (np.diff(found[np.argsort(values)]) >= 0).all()


def test_a_stated_range_is_kept_and_has_to_ascend():
    feature = Numeric("x", transform="none", lowest=0.0, highest=100.0).fit(COLUMN)
    assert (feature.lowest, feature.highest) == (0.0, 100.0)
    values = pd.Series([-5.0, 0.0, 100.0, 200.0])
    low, zero, hundred, high = encoded(feature, values)[:, 0]
    assert low == zero < hundred == high
    with pytest.raises(ConfigError, match=r"`x\.highest` must be >= lowest, which is 3\.0"):
        Numeric("x", lowest=3.0, highest=2.0)


def test_an_unknown_scaling_is_named():
    with pytest.raises(ConfigError, match="Did you mean 'robust'"):
        Numeric("x", scaling="rubust")
