"""The ruler as a whole: credits, scores, controls; series to files and back; the command."""

import dataclasses
import json
import re
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from city_node.cli import main
from city_node.laboratory import reality as ruler
from city_node.laboratory.reality_sheet import figure, wanted
from city_node.laboratory.series_files import read_series, runs_in, write_series
from city_node.laboratory.us_data import CREDIT, FIRST_YEAR, LAST_YEAR, NAMES, PEOPLE, us_quarters
from engine.economy import UnknownEconomyError, load
from engine.reality.controls import NOISE, noise
from engine.reality.facts import macro_facts, micro_facts
from engine.reality.quarters import QUARTERS, Quarters, graded_quarters, window
from engine.reality.report import control, graded_run, noise_controls, report
from engine.reality.score import averaged, bootstrap, credit, grade, row_credit, skill
from engine.reality.series import GRADED_SEEDS, RUN_MONTHS, Matrix, Series
from engine.reality.targets import DRAWN, MACRO, MICRO, NAKAMURA, ROWS, VALUES
from engine.reality.twin import ROOT_MAX, fitted_twin, history, largest_root
from tests import made_up_economy
from tests.made_up_economy import reality_run

BY_FACT = {value.fact: value for value in VALUES}
NAN = float("nan")

TARGETS = {value.fact: value.target for value in VALUES}
"""An economy that hits every target."""


# --- the table ---


def test_the_table_is_whole():
    assert [row.number for row in ROWS] == list(range(1, 46))
    assert all(row.values for row in ROWS)
    assert len(BY_FACT) == len(VALUES)
    assert [row.number for row in ROWS if not row.graded] == [DRAWN]
    members = {row.category: [] for row in ROWS}
    for row in ROWS:
        members[row.category].append(row.number)
    assert members == {
        "volatility": [1, 2, 3, 4, 5, 6],
        "co-movement": [7, 8, 9, 10, 11, 12, 13, 18],
        "credit": [14, 15, 16, 17],
        "policy": [19, 37],
        "persistence": [20, 23],
        "growth": [21, 22, 24],
        "cycle": [25, 26],
        "prices": [27, 28, 36],
        "labour": [29, 30, 31, 32, 33, 34, 35],
        "micro prices": [38, 39, 40],
        "firms": [41, 42, 43],
        "wealth": [44],
        "income": [45],
    }


def test_every_value_has_a_fact_and_every_fact_a_value():
    run = reality_run(1, RUN_MONTHS)
    facts = {**macro_facts(graded_quarters(run)), **micro_facts(run)}
    assert set(facts) == set(BY_FACT)


# --- credits and scores ---


@pytest.mark.parametrize(
    ("fact", "measured", "earned"),
    [
        ("output_sd", 1.44, 1.0),
        ("output_sd", 1.44 + 0.45, 1.0),
        ("output_sd", 1.44 - 2 * 0.45, 0.5),
        ("output_sd", 1.44 + 3 * 0.45, 0.0),
        ("output_sd", 9.0, 0.0),
        ("output_sd", NAN, 0.0),
        ("output_sd", float("inf"), 0.0),
        ("vacancies_sd", 13 * 1.25, 1.0),  # percentages are of the target
        ("vacancies_sd", 13 * 1.5, 0.5),
        ("prices_changed", 9.0, 1.0),  # a band earns all inside
        ("prices_changed", 12.0, 1.0),
        ("prices_changed", 12.0 + 2.5, 0.5),
        ("prices_changed", 9.0 - 5.0, 0.0),
    ],
)
def test_credit(fact, measured, earned):
    assert credit(BY_FACT[fact], measured) == pytest.approx(earned)


def test_a_row_is_the_mean_of_its_values():
    (row,) = (row for row in ROWS if row.number == 29)
    assert row_credit(row, TARGETS | {"unemployment_mean": 6.0 + 1.6}) == pytest.approx(2.5 / 3)
    assert row_credit(row, {"unemployment_mean": 6.0}) == pytest.approx(1 / 3)


def test_a_run_is_the_geometric_mean_of_its_categories():
    assert grade(TARGETS, ROWS).overall == pytest.approx(1.0)
    lost = grade(TARGETS | {"policy_rate_output": NAN}, MACRO)
    assert lost.categories["policy"] == 0.0
    assert lost.overall == pytest.approx(0.01 ** (1 / 9))
    half = grade(TARGETS | {"consumption_sd": 9.0, "hours_sd": 9.0, "output_sd": 9.0}, MACRO)
    assert half.overall == pytest.approx(0.5 ** (1 / 9))
    assert grade({}, ROWS).overall == pytest.approx(0.01)


def test_the_report_grades_runs_alone_and_averaged():
    """Two runs, each two and a half tolerances off, to either side: together they are right."""
    runs = [TARGETS | {"policy_rate_output": 0.41 + by * 0.25} for by in (-2.5, 2.5)]
    found = report(runs)
    assert found.score.mean == pytest.approx(100 * 0.25 ** (1 / 9))
    assert found.score_averaged.mean == pytest.approx(100.0)
    assert found.score_micro.mean == pytest.approx(100.0)
    assert found.credits[19] == pytest.approx(0.25)
    assert found.facts["policy_rate_output"].mean == pytest.approx(0.41)
    assert found.facts["policy_rate_output"].low == pytest.approx(0.41 - 2.5 * 0.25)


def test_a_fact_is_averaged_over_the_runs_that_have_it():
    assert averaged([{"a": 1.0, "b": NAN}, {"a": NAN, "b": NAN}])["a"] == 1.0
    assert np.isnan(averaged([{"b": NAN}])["b"])


def test_the_bootstrap_interval_is_that_of_a_mean():
    values = np.random.default_rng(5).normal(10.0, 2.0, 400)
    found = bootstrap(values)
    wide = 1.96 * values.std() / 20.0
    assert found.mean == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - wide, abs=0.05)
    assert found.high == pytest.approx(values.mean() + wide, abs=0.05)


def test_skill():
    assert skill(50.0, 50.0, 98.0) == 0.0
    assert skill(98.0, 50.0, 98.0) == 1.0


# --- controls ---


def long_noise(windows: int) -> dict[str, np.ndarray]:
    """Noise of several windows one after the other, what grows taking up where it was."""
    long = {}
    for name, kind in NOISE.items():
        parts = [getattr(noise(seed), name) for seed in range(windows)]
        scale = 1.0
        for part in parts if kind.of == "growth" else ():
            part *= scale
            scale = part[-1]
        long[name] = np.concatenate(parts)
    return long


def test_noise_has_the_moments_it_should_have():
    runs = [noise(seed) for seed in range(200)]
    for name, kind in NOISE.items():
        values = np.array([getattr(run, name) for run in runs])
        x = values if kind.of == "level" else 100 * np.log(values)
        x = np.diff(x) if kind.of == "growth" else x
        apart = x - kind.mean
        assert np.sqrt((apart**2).mean()) == pytest.approx(kind.sd, rel=0.1), name
        found = (apart[:, 1:] * apart[:, :-1]).mean() / (apart**2).mean()
        assert found == pytest.approx(kind.persistence, abs=0.03), name


def test_noise_stays_noise():
    """It has the right variances and persistence, and must fail where series have to agree."""
    every, six = noise_controls()
    assert 50 < every.score < 65
    assert six.score < 30
    assert every.categories["growth"] > 95
    assert every.categories["co-movement"] < 35
    assert every.categories["labour"] < 50


def test_the_twin_has_the_persistence_of_what_it_was_fitted_to():
    """Fitted to noise it knows the same moments, and no series knows of another."""
    level = long_noise(8)
    level["utilisation"][:30] = NAN
    twin = fitted_twin(Quarters(**level))
    assert 0.9 < largest_root(twin.coefficients) <= ROOT_MAX + 1e-9
    assert largest_root(np.array([[[0.5, 0.1], [0.0, 0.4]], np.zeros((2, 2))])) == pytest.approx(
        0.5
    )
    histories = [history(twin, seed) for seed in range(30)]
    growths = np.array([np.diff(100 * np.log(each.employment)) for each in histories])
    assert growths.std() == pytest.approx(NOISE["employment"].sd, rel=0.15)
    spreads = np.array([each.spread for each in histories])
    assert spreads.std() == pytest.approx(NOISE["spread"].sd, rel=0.3)
    assert abs(np.corrcoef(spreads[:, 1:].ravel(), growths.ravel())[0, 1]) < 0.3
    assert history(twin, 3).output == pytest.approx(histories[3].output)


# --- facts of a run ---


def test_quarters_are_means_of_the_window():
    run = reality_run(3, RUN_MONTHS + 7)
    q = graded_quarters(run)
    assert len(q) == QUARTERS
    assert q.output[0] == pytest.approx(run.output[120:123].mean())
    assert q.output[-1] == pytest.approx(run.output[417:420].mean())
    rate = run.unemployed / (run.unemployed + run.employment)
    assert q.unemployment[2] == pytest.approx(100 * rate[126:129].mean())
    assert q.real_credit[5] == pytest.approx((run.credit / run.price_consumer)[135:138].mean())
    assert q.productivity == pytest.approx(q.output / q.hours)


def test_a_short_run_is_refused():
    run = reality_run(3, RUN_MONTHS - 1)
    with pytest.raises(ValueError, match="output: 419 months, must be at least 420"):
        graded_run(3, run)


def test_facts_of_prices_firms_and_households():
    facts = micro_facts(reality_run(4, RUN_MONTHS))
    assert facts["prices_changed"] == pytest.approx(10.0)
    assert facts["price_cut_share"] == pytest.approx(0.33)
    assert facts["price_change_size"] == pytest.approx(8.5)
    assert facts["price_dispersion"] == pytest.approx(25.0)
    assert facts["firm_tail"] == pytest.approx(1.06, abs=0.1)
    assert facts["firm_growth_shape"] == pytest.approx(1.0, abs=0.05)
    assert facts["job_creation"] == facts["job_destruction"] == 0.0
    assert facts["income_gini"] == pytest.approx(0.4755, abs=0.03)


def test_job_flows_know_firms_apart():
    """A place that gets a new firm of the same size is a death and a birth."""
    run = reality_run(4, RUN_MONTHS)
    years, places = run.firm.shape
    sizes = np.full((years, places), 10)
    firm = run.firm.copy()
    firm[:, 0] = places + np.arange(years)
    sizes[:, 1] = np.where(np.arange(years) % 2, 20, 10)
    facts = micro_facts(dataclasses.replace(run, firm=firm, firm_employment=sizes))
    created = [10 + (10 if year % 2 else 0) for year in range(10, 35)]
    employed = 10 * places + 5
    assert facts["job_creation"] == pytest.approx(100 * np.mean(created) / employed)


def test_a_first_year_is_no_growth():
    """A firm's first year is not whole, so that its growth says nothing."""
    run = reality_run(4, RUN_MONTHS)
    firm = run.firm.copy()
    firm[:20, 0] = -1
    sales = run.firm_sales.copy()
    sales[20, 0] = 1e-9
    shape = micro_facts(dataclasses.replace(run, firm=firm, firm_sales=sales))
    assert shape["firm_growth_scaling"] == pytest.approx(
        micro_facts(run)["firm_growth_scaling"], abs=0.02
    )


def test_a_series_that_is_flat_or_missing_earns_nothing():
    run = dataclasses.replace(
        reality_run(5, RUN_MONTHS), credit=np.full(RUN_MONTHS, NAN), spread=np.zeros(RUN_MONTHS)
    )
    found = grade(graded_run(5, run).facts, MACRO)
    assert found.categories["credit"] == 0.0


# --- files ---


def test_series_come_back_from_files_as_they_were(tmp_path):
    run = reality_run(17, RUN_MONTHS)
    firm = run.firm.copy()
    firm[7:, 3] = -1
    run = dataclasses.replace(run, firm=firm)
    write_series(tmp_path, 17, run)
    ((seed, here),) = runs_in(tmp_path)
    assert seed == 17
    before, after = graded_run(17, run).facts, graded_run(17, read_series(here)).facts
    assert after == pytest.approx(before, rel=1e-5, abs=1e-6, nan_ok=True)


def test_other_peoples_series_may_lack_what_they_have_not(tmp_path):
    run = reality_run(1, RUN_MONTHS)
    (tmp_path / "seed-1").mkdir()
    table = np.column_stack([run.output, run.consumption])
    path = tmp_path / "seed-1" / "months.csv"
    np.savetxt(path, table, delimiter=",", header="output,consumption", comments="")
    facts = graded_run(1, read_series(path.parent)).facts
    found = grade(facts, ROWS)
    assert found.categories["growth"] > 0.5
    assert found.categories["labour"] == found.categories["firms"] == 0.0
    assert found.categories["wealth"] == 0.0


def write_us_file(path: Path, q: Quarters) -> None:
    """A file in the form of FRED-QD, of made-up quarters: three lines of head, then data."""
    columns = {NAMES[name]: getattr(q, name) for name in NAMES}
    columns |= dict.fromkeys(CREDIT, q.real_credit / 3)
    columns[PEOPLE] = q.employment
    unemployed = q.employment * q.unemployment / (100 - q.unemployment)
    columns["UEMPLT5"] = q.job_finding * unemployed
    lines = [["sasdate", *columns], ["factors", *"0" * len(columns)], ["transform", *"5" * 9]]
    for number in range(len(q)):
        date = f"{3 * (number % 4) + 3}/1/{FIRST_YEAR + number // 4}"
        lines.append([date, *(f"{values[number]:.10g}" for values in columns.values())])
    lines.append([f"3/1/{LAST_YEAR + 1}", *("" for _ in columns)])
    path.write_text("\n".join(",".join(line) for line in lines), "utf-8")


@pytest.fixture
def us_file(tmp_path) -> Path:
    q = Quarters(**{name: values[:244] for name, values in long_noise(3).items()})
    path = tmp_path / "data.csv"
    write_us_file(path, q)
    return path


def test_the_data_are_read(us_file):
    q = us_quarters(us_file)
    assert len(q) == 244
    first = window(q, 0)
    assert macro_facts(first)["growth_mean"] == pytest.approx(
        macro_facts(noise(0))["growth_mean"], rel=1e-3
    )
    assert first.job_finding == pytest.approx(noise(0).job_finding, rel=1e-6)


def test_data_that_lack_a_series_are_refused(us_file):
    us_file.write_text(us_file.read_text("utf-8").replace("UEMPLT5", "OTHER"), "utf-8")
    with pytest.raises(ruler.ConfigError, match="lacks the series UEMPLT5"):
        us_quarters(us_file)


# --- the command ---


@pytest.fixture(autouse=True)
def made_up(home, monkeypatch) -> Path:
    """The made-up economy under the name of `made-up`, in a home of the test's own."""

    def load_made_up(name: str) -> ModuleType:
        if name == "bazaar":
            return ModuleType("bazaar")
        if name != "made-up":
            raise UnknownEconomyError(f"economy = {name!r}: must be one of made-up")
        return made_up_economy

    monkeypatch.setattr(ruler, "load", load_made_up)
    return home


def said(capsys, *arguments: str) -> str:
    """What the command prints."""
    with pytest.raises(SystemExit) as ended:
        main(["reality", *arguments])
    assert ended.value.code in (None, 0)
    return capsys.readouterr().out


def refused(capsys, *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["reality", *arguments])
    assert ended.value.code == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    return shown.err.splitlines()[-1]


def test_the_command_measures_writes_draws_and_grades_anew(us_file, capsys):
    asked = ("--economy", "made-up", "--seeds", "3", "--data", str(us_file), "--json")
    line = json.loads(said(capsys, *asked, "--series", "out", "--plot", "out.png"))
    assert list(line) == [
        "score",
        "score_averaged",
        "score_micro",
        "skill",
        "categories",
        "controls",
        "rows",
    ]
    assert list(line["controls"]) == ["real", "twin", "noise", "six_noise", "random_actions"]
    assert line["controls"]["real"]["runs"] == 37
    seeds = GRADED_SEEDS[:3]
    facts = [graded_run(seed, reality_run(seed, RUN_MONTHS)).facts for seed in seeds]
    assert line["score"] == pytest.approx(report(facts).score.mean)
    assert line["score"] > line["controls"]["random_actions"]["score"] + 10
    assert Path("out.png").read_bytes().startswith(b"\x89PNG")
    anew = json.loads(said(capsys, "out", "--json"))
    assert anew["score"] == pytest.approx(line["score"], abs=1e-4)
    assert anew["score_micro"] == pytest.approx(line["score_micro"], abs=1e-4)


def test_the_sheet_is_printed(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "160")
    shown = said(capsys, "--economy", "made-up", "--seeds", "2", "--first-seed", "5")
    assert "made-up, seeds 5 to 6" in shown
    for row in ROWS:
        assert f"{row.values[0].words[:24]}" in shown
    for words in ("control real", "control noise", "control random actions", "skill"):
        assert words in shown


def test_the_macro_economy_is_graded(monkeypatch):
    """One run at full size on a seed that nobody calibrated on; 40 of them are docs/reality.md."""
    monkeypatch.setattr(ruler, "load", load)
    measured = ruler.measure(ruler.Asked(1, GRADED_SEEDS[0], "macro"))
    assert [name for name, fact in measured.runs[0].facts.items() if not np.isfinite(fact)] == []
    controls = {each.name: each for each in measured.controls}
    assert measured.report.score.mean > controls["noise"].score
    assert measured.report.score_micro.mean > 80
    for category in ("co-movement", "labour"):
        assert measured.report.categories[category] > controls["noise"].categories[category] + 20


def test_accounts_are_printed_with_their_sums(monkeypatch, capsys):
    shown = said(capsys, "--economy", "made-up", "--balance-sheet")
    assert "700.00" in shown
    assert "All rows and columns are zero to the minor unit." in shown
    wrong = Matrix("sheet", ("deposits",), ("households", "banks"), np.array([[1, -2]]))
    monkeypatch.setattr(made_up_economy, "reality_accounts", lambda _seed, _months: (wrong,))
    with pytest.raises(SystemExit) as ended:
        main(["reality", "--economy", "made-up", "--balance-sheet"])
    assert ended.value.code == 1
    assert "are NOT all zero" in capsys.readouterr().out


def test_what_cannot_be_graded_is_refused_in_one_line(made_up, capsys):
    assert "economy = 'bazaar': has no series" in refused(capsys, "--economy", "bazaar")
    assert "economy = 'no': must be one of" in refused(capsys, "--economy", "no")
    assert "'--seeds'" in refused(capsys, "--seeds", "0")
    assert "data = 'none.csv': cannot be read" in refused(capsys, "--data", "none.csv")
    assert "grade = 'nowhere': has no folder" in refused(capsys, "nowhere")
    assert "plot = 'out.gif': must end in .png" in refused(capsys, "--plot", "out.gif")
    made_up.joinpath("seed-1").mkdir()
    made_up.joinpath("seed-1", "months.csv").write_text("output,gdp\n1,2\n", "utf-8")
    assert "unknown column gdp" in refused(capsys, ".")
    made_up.joinpath("seed-1", "months.csv").write_text("output\n1\n2\n", "utf-8")
    assert "output: 2 months, must be at least 420" in refused(capsys, ".")


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0, "0"), (-0.86, "−0.860"), (12.34, "12.3"), (123.4, "123"), (0.02, "0.020"), (NAN, "–")],
)
def test_figures(value, shown):
    assert figure(value) == shown


def test_an_unknown_series_is_unknown_to_all():
    """Of six noise series most facts are unknown, and unknown facts are no numbers."""
    facts = macro_facts(noise(1, ("output",)))
    known = {name for name, fact in facts.items() if np.isfinite(fact)}
    assert known == {
        "output_sd",
        "output_autocorrelation_1",
        "output_autocorrelation_4",
        "growth_mean",
        "growth_sd",
        "growth_autocorrelation",
        "growth_skewness",
        "growth_kurtosis",
        "falling_share",
        "recession_depth",
        "recession_quarters",
    }
    assert control("one", "output alone", [facts]).score < 25
    assert {row.number for row in MICRO} == set(range(38, 46))
    assert isinstance(made_up_economy.reality_run(1, RUN_MONTHS), Series)


def test_the_page_is_filled_in(us_file):
    """Every table of docs/reality.md, for the made-up economy."""
    from tools import reality as tool

    measured = ruler.measure(ruler.Asked(2, 1, "made-up", data=us_file))
    page = Path(tool.__file__).with_name("reality_page.md").read_text("utf-8")
    filled = tool.filled_in(page, measured)
    assert "made-up, seeds 1 to 2" in filled
    assert not re.search(r"^<\w+>$", filled, re.MULTILINE)
    for line in filled.splitlines():
        if line.startswith("| 19 | policy"):
            assert line.split(" | ")[2:5] == ["corr policy rate, Y", "0.410", "0.250"]
            break
    else:
        pytest.fail("the page has no row 19")
    assert "| random actions |" in filled
    assert NAKAMURA in filled


def test_the_published_page_knows_the_table():
    """Nobody has edited docs/reality.md, or changed a target and forgotten it."""
    page = Path(__file__).parents[1].joinpath("docs", "reality.md").read_text("utf-8")
    for row in ROWS:
        for value in row.values:
            assert f"| {value.words}{'' if value.checked else ' °'} | {wanted(value)} |" in page
