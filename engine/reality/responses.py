"""What a surprise of the policy rate does, as a vector autoregression tells it.

Recursive identification with the rate last (Christiano, Eichenbaum and Evans, "Monetary Policy
Shocks", Handbook of Macroeconomics 1999): output and prices answer from the next quarter on. Pure
functions, called by `facts`; row 37, drawn and not graded.
"""

import numpy as np

from engine.tables import Array

LAGS = 5
HORIZON_QUARTERS = 25
SHOCK_POINTS = 1.0
"""+100 basis points in the quarter of the shock."""


def orthogonal_responses(values: Array, lags: int, horizon: int) -> Array:
    """Impulse responses of a VAR with a constant, Cholesky order as the columns are.

    Estimated by least squares equation by equation; the covariance of the residuals has n - lags -
    lags k - 1 degrees of freedom
    (Lütkepohl, "New Introduction to Multiple Time Series Analysis", 2005).

    Args:
        values: float64[n, k].
        lags, horizon: numbers of periods.

    Returns:
        float64[horizon, k, k]: [h, i, j] is what variable i does h periods after one standard
        deviation of shock j.

    Raises:
        numpy.linalg.LinAlgError: the residuals have no full covariance.
    """
    n, k = values.shape
    known = [np.ones((n - lags, 1)), *(values[lags - lag : n - lag] for lag in range(1, lags + 1))]
    past = np.concatenate(known, axis=1)
    coefficients = np.linalg.lstsq(past, values[lags:], rcond=None)[0]
    residuals = values[lags:] - past @ coefficients
    covariance = residuals.T @ residuals / (len(residuals) - past.shape[1])
    companions = [coefficients[1 + k * lag : 1 + k * (lag + 1)].T for lag in range(lags)]
    responses = [np.linalg.cholesky(covariance)]
    for now in range(1, horizon):
        responses.append(
            sum(
                (companions[lag] @ responses[now - 1 - lag] for lag in range(min(now, lags))),
                np.zeros((k, k)),
            )
        )
    return np.array(responses)


def policy_responses(output: Array, prices: Array, rate: Array) -> Array:
    """Answers to a policy rate a percentage point higher than expected, once.

    Args:
        output, prices: float64[quarters], 100 times logarithms.
        rate: float64[quarters], % a year.

    Returns:
        float64[HORIZON_QUARTERS, 3]: output and prices in %, rate in points; NaN where the VAR
        cannot be estimated.
    """
    values = np.column_stack([output, prices, rate])
    if not np.isfinite(values).all() or len(values) < 3 * (3 * LAGS + 1):
        return np.full((HORIZON_QUARTERS, 3), np.nan)
    try:
        responses = orthogonal_responses(values, LAGS, HORIZON_QUARTERS)
    except np.linalg.LinAlgError:
        return np.full((HORIZON_QUARTERS, 3), np.nan)
    answers: Array = responses[:, :, 2] * SHOCK_POINTS / responses[0, 2, 2]
    return answers
