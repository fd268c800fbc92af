"""What diffusers' schedulers say of the noise that a network was trained with: ``scheduler_config.json``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch

from ...networks.plain import is_number, short
from ...networks.preconditioning import EDM, VE, VP, Consistency, ContinuousVP, Preconditioning
from ...sde import listed
from ..betas import named_table
from ..found import Found
from ..overrides import Overrides

_CONSISTENCY = "CMStochasticIterativeScheduler"
_EDM = ("EDMEulerScheduler", "EDMDPMSolverMultistepScheduler")
_BETAS = {
    "squaredcos_cap_v2": "cosine", "linear": "linear", "scaled_linear": "scaled_linear", "sigmoid": "sigmoid-betas"
}  # fmt: skip
_PREDICTIONS = {"epsilon": "eps", "v_prediction": "v", "sample": "x0"}


def noise_process(
    scheduler: dict | None, config: dict, options: Overrides, fourier: bool, found: Found
) -> tuple[Preconditioning, float]:
    """(process, factor of the network's output: 1, or -1 where EDM's schedulers call it v); ValueError for others."""
    kind = listed([str((scheduler or {}).get("_class_name", ""))])
    if scheduler is None:
        if options.sde not in ("consistency", "edm"):
            kinds = "VE noise" if fourier else "linear betas, eps prediction"
            found.assumed.append(f"no scheduler_config.json: {kinds}")
    else:
        found.detected.append(f"{kind or 'noise schedule'} from scheduler_config.json")
        scheduler = {k: v for k, v in scheduler.items() if v is not None}
    get = (scheduler or {}).get
    data_range = options.data_range or ((0.0, 1.0) if config["center_input_sample"] else (-1.0, 1.0))
    if fourier:
        return _exploding(kind, scheduler or {}, data_range, options, found), 1.0
    edm = kind in _EDM or scheduler is None  # another scheduler's words are not EDM's
    if options.sde not in (None, "vp", "vp-discrete", "vp-continuous", "consistency", *(("edm",) if edm else ())):
        raise ValueError(f'this network is a VP or consistency network; sde="{options.sde}" does not fit.')
    if options.sde == "consistency" or (options.sde is None and kind == _CONSISTENCY):
        found.detected.append("consistency model: few_step, 1 to 4 evaluations")
        return Consistency(data_range, **_span(get, options)), 1.0
    if options.sde == "edm" or (options.sde is None and kind in _EDM):
        said = _PREDICTIONS.get(str(get("prediction_type", "epsilon")))
        prediction = said if scheduler else options.prediction or "eps"
        if prediction not in ("eps", "v"):
            raise ValueError(f"EDM's schedulers know prediction eps and v, got {short(prediction)}.")
        return EDM(data_range, **_span(get, options)), -1.0 if prediction == "v" else 1.0
    continuous = kind in ("ScoreSdeVpScheduler", "ScoreSdeVpScheduler2") and options.sde != "vp-discrete"
    if continuous or options.sde == "vp-continuous":
        betas = {"beta_min": _float(get, "beta_min", 0.1), "beta_max": _float(get, "beta_max", 20.0)}
        return ContinuousVP(data_range, **betas), 1.0
    return _discrete(kind, get, data_range, options, found), 1.0


def _span(get: Callable, options: Overrides) -> dict[str, float]:
    return {
        "sigma_min": options.sigma_min or _float(get, "sigma_min", 0.002),
        "sigma_max": options.sigma_max or _float(get, "sigma_max", 80.0),
        "sigma_data": _float(get, "sigma_data", 0.5),
    }


def _exploding(kind: str, scheduler: dict, data_range: tuple[float, float], options: Overrides, found: Found) -> VE:
    """The process of a network that reads ln(sigma)."""
    if options.sde not in (None, "ve"):
        raise ValueError(f'this network reads ln(sigma), so it is a VE network; sde="{options.sde}" does not fit.')
    get = scheduler.get
    other = kind == _CONSISTENCY or (kind and "ve" not in kind.lower())
    if options.sde is None and (other or get("beta_schedule") or get("beta_start")):
        raise ValueError(
            f"its scheduler {kind or 'with betas'} is none of a VE network, but its fourier embedding reads "
            'ln(sigma). Give its own scheduler_config.json, or sde="ve" with sigma_min and sigma_max.'
        )
    if not ("sigma_max" in scheduler or options.sigma_max):
        found.assumed.append("sigma_max 348, as no scheduler says it; sigma_max=380 would be another")
    low, high = _float(get, "sigma_min", 0.01), _float(get, "sigma_max", 348.0)
    return VE(data_range, sigma_min=options.sigma_min or low, sigma_max=options.sigma_max or high)


def _discrete(kind: str, get: Callable, data_range: tuple[float, float], options: Overrides, found: Found) -> VP:
    """The process of a table of betas: by its name, or the numbers of a training."""
    betas = get("beta_start") or get("beta_schedule") or get("trained_betas")
    if kind and not (betas or kind.startswith(("DD", "PNDM", "ScoreSdeVp"))):
        if not (options.noise_schedule and options.prediction):
            raise ValueError(
                f"its scheduler {short(kind)} is not supported; give noise_schedule and prediction yourself."
            )
    prediction = options.prediction or _PREDICTIONS.get(str(get("prediction_type", "epsilon")))
    zero_snr = get("rescale_betas_zero_snr", False)
    if not isinstance(zero_snr, bool):
        raise ValueError(
            f"scheduler_config.json has rescale_betas_zero_snr = {short(zero_snr)}, neither true nor false."
        )
    if zero_snr:
        found.detected.append("no signal at the last level (rescale_betas_zero_snr)")
    table = None if options.noise_schedule else get("trained_betas")
    if table is not None and prediction is not None:
        if not isinstance(table, list) or not all(is_number(b, 0.0, 1.0) for b in table):
            raise ValueError(
                f"scheduler_config.json has trained_betas = {short(table)}, which are no numbers from 0 to 1."
            )
        found.detected.append(f"{len(table):,} betas of its own (trained_betas)")
        process = named_table(torch.tensor(table, dtype=torch.float64), data_range=data_range, prediction=prediction)
        return replace(process, zero_snr=zero_snr)
    schedule = options.noise_schedule or _BETAS.get(str(get("beta_schedule", "linear")))
    if schedule is None or prediction is None:
        raise ValueError(
            f"its scheduler says beta_schedule {short(get('beta_schedule'))} and prediction_type "
            f"{short(get('prediction_type'))}; give noise_schedule and prediction yourself."
        )
    return VP(
        data_range, prediction=prediction, beta_schedule=schedule, beta_start=_float(get, "beta_start", 1e-4),
        beta_end=_float(get, "beta_end", 0.02), levels=int(_float(get, "num_train_timesteps", 1000)), zero_snr=zero_snr,
    )  # fmt: skip


def _float(get: Callable, key: str, default: float) -> float:
    value = get(key, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0.0 < value < 1e6:
        raise ValueError(f"scheduler_config.json has {key} = {short(value)}, which is no sensible number.")
    return float(value)
