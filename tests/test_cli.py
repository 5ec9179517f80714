"""``python -m wengert``: what it prints, writes and refuses, and its exit codes."""

from __future__ import annotations

import ast
import json
import subprocess
import sys

import numpy as np
import pytest

import wengert
from tests.architecture.source_files import FILES, label, syntax
from tests.errors.case import raised_at
from tests.test_robot import UNUSABLE_FILES, write_file
from wengert.cli import commands, main
from wengert.examples import elimination, lu
from wengert.examples.gallery import EXAMPLES
from wengert.examples.robot import lesson
from wengert.examples.robot.calibration import calibrate, read_measurements

PICTURES = ["loss.png", "misses.png", "sensitivity.png", "trajectories.png"]


@pytest.fixture
def call(capsys):
    """Run the command line; returns ``(exit code, stdout, stderr)``."""

    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            main([str(a) for a in arguments])
        printed = capsys.readouterr()
        return ended.value.code, printed.out, printed.err

    return run


@pytest.fixture
def nothing_is_computed(monkeypatch):
    """The lessons fail the test if they begin."""

    def begin(*_):
        pytest.fail("the robot began to compute")

    monkeypatch.setattr(lesson, "run", begin)


def test_module_runs():
    done = subprocess.run(
        [sys.executable, "-m", "wengert", "--version"], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"wengert, version {wengert.__version__}\n"


def test_help(call):
    for arguments in ((), ("--help",), ("-h",)):
        code, out, err = call(*arguments)
        assert (code, err) == (0, "") and "robot" in out
    code, out, _ = call("robot", "--help")
    assert code == 0
    options = "distance height seed epochs measurements out eager force"
    for option in options.split():
        assert f"--{option}" in out


ABOVE_0 = "'--distance': it must be a finite number above 0, not"
REFUSALS = [
    (["--distance", "-3"], f"{ABOVE_0} -3."),
    (["--distance", "nan"], f"{ABOVE_0} nan."),
    (["--distance", "inf"], f"{ABOVE_0} inf."),
    (["--distance", "far"], "'--distance': 'far' is not a number."),
    (["--height", "-1"], "must be a finite number of at least 0, not -1."),
    (["--epochs", "0"], "'--epochs': 0 is not in the range x>=1."),
    (["--seed", "1.5"], "'--seed': '1.5' is not a valid integer"),
    (["--distance", "60"], "reaches a basket 60 m away and 1 m high: choose another"),
    (["--height", "9.6"], "pass 2 m at 8.45 m at most: choose a --height below that"),
    (["--measurements", "none.csv"], "measurements: there is no file none.csv"),
    (["--colour"], "No such option"),
]


@pytest.mark.parametrize(("arguments", "text"), REFUSALS)
@pytest.mark.usefixtures("nothing_is_computed")
def test_bad_input_gets_one_line_and_exit_code_2(call, tmp_path, arguments, text):
    out_folder = tmp_path / "results"
    code, out, err = call("robot", "--out", out_folder, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("wengert: error: ") and err.count("\n") == 1
    assert text in err
    assert not out_folder.exists()


@pytest.mark.usefixtures("nothing_is_computed")
def test_an_unknown_command_gets_one_line_and_exit_code_2(call):
    code, out, err = call("robbot")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "No such command 'robbot'" in err


@pytest.mark.usefixtures("nothing_is_computed")
@pytest.mark.parametrize("name", ["results.json", "loss.png"])
def test_nothing_is_overwritten_without_force(call, tmp_path, name):
    (tmp_path / name).write_text("precious")
    code, out, err = call("robot", "--out", tmp_path)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert f"{tmp_path} holds {name} already: give --force to overwrite" in err
    assert (tmp_path / name).read_text() == "precious"


@pytest.mark.usefixtures("nothing_is_computed")
def test_a_file_in_place_of_the_folder_is_refused(call, tmp_path):
    file = tmp_path / "results"
    file.write_text("precious")
    code, _, err = call("robot", "--out", file)
    assert (code, err.count("\n")) == (2, 1)
    assert f"--out {file}: File exists" in err


@pytest.mark.usefixtures("nothing_is_computed")
def test_without_matplotlib_it_says_how_to_install_it(call, tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "wengert.examples.robot.plots", raising=False)
    monkeypatch.delattr("wengert.examples.robot.plots", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.axes", None)
    code, out, err = call("robot", "--out", tmp_path / "results")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "the pictures need matplotlib" in err
    assert "python -m pip install 'wengert[plot]'" in err


@pytest.fixture
def interrupted(monkeypatch):
    """The lessons are interrupted as soon as they begin."""

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(lesson, "run", interrupt)


@pytest.mark.usefixtures("interrupted")
def test_ctrl_c_ends_quietly(call, tmp_path):
    code, out, err = call("robot", "--out", tmp_path / "results")
    assert (code, out, err.strip()) == (130, "", "")
    assert list((tmp_path / "results").iterdir()) == []


@pytest.mark.usefixtures("interrupted")
def test_with_force_it_begins(call, tmp_path):
    (tmp_path / "results.json").touch()
    assert call("robot", "--out", tmp_path, "--force")[0] == 130


@pytest.mark.parametrize("how", [(), ("--eager",)], ids=["compiled", "eager"])
def test_a_whole_run(call, tmp_path, how):
    folder = tmp_path / "deep" / "results"
    arguments = ("robot", "--out", folder, "--epochs", 6, "--distance", 4, "--seed", 3)
    code, out, err = call(*arguments, *how)
    assert code == 0 and "Traceback" not in err
    assert {file.name for file in folder.iterdir()} == {*PICTURES, "results.json"}
    for name in PICTURES:
        assert (folder / name).read_bytes().startswith(b"\x89PNG")
    results = json.loads((folder / "results.json").read_text())
    assert results["settings"]["distance_m"] == 4.0
    assert results["settings"]["compiled"] == (how == ())
    assert ("compilation" in results["seconds"]) == (how == ())
    assert ("s of it to compile" in out) == (how == ())
    assert " ".join(out.split()).count("ms an epoch") == 2
    assert [m["method"] for m in results["inverse"]["methods"]] == [
        "gradient descent",
        "Adam",
        "BFGS",
    ]
    assert results["calibration"]["relative_error"] < 0.02
    for name in ("network_without_air", "network_with_drag"):
        assert results[name]["worst_miss_m"] > 0.0
        assert results[name]["throw_at_distance"]["speed_m_per_s"] > 2.0
    assert len(results["sensitivity"]["distance_m"]) == 81
    for text in ("BFGS", "Worst miss", "Drag coefficient", "Sensitive distances"):
        assert text in out
    assert call(*arguments)[0] == 2


@pytest.mark.parametrize("arguments", [(), ("--list",), ("lu", "--list")])
def test_examples_are_listed(call, arguments):
    code, out, err = call("examples", *arguments)
    assert (code, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines()] == list(EXAMPLES)
    for example in EXAMPLES.values():
        assert example.title in out


def test_examples_run_in_the_order_given(call):
    code, out, err = call("examples", "waiting_line", "bouncing")
    assert (code, err) == (0, "")
    assert out.index("waiting_line: A queue") < out.index("bouncing: A ball")
    for example in (EXAMPLES["waiting_line"], EXAMPLES["bouncing"]):
        assert example.known_by in " ".join(out.split())
        assert example.module.__file__ in out
    rows = [line.split() for line in out.splitlines()]
    errors = [float(row[-1]) for row in rows if row[:1] in (["eager"], ["compiled"])]
    assert len(errors) == 4
    assert max(errors) < 1e-12


def test_an_unknown_example_gets_one_line_and_exit_code_2(call):
    code, out, err = call("examples", "lu", "ul")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "'ul' is not one of 'lu', 'gauss_seidel'," in err


def test_a_reader_that_has_read_enough_gets_no_traceback():
    program = f"{sys.executable} -m wengert robot --help"
    done = subprocess.run(
        f"{{ {program}; echo code $? >&2; }} | true",
        shell=True,
        capture_output=True,
        text=True,
    )
    assert done.stderr == "code 1\n"


# One call for each `raise` of the command line and the robot, run without `main`'s
# last resort, so that the error itself comes out.
CALLS = [
    *(["robot", *arguments] for arguments, _ in REFUSALS),
    ["robot", "--height", "6.8"],
    ["robot", "--out", "{taken}"],
    ["robot", "--out", "{taken}/results.json"],
]


def test_every_raise_is_hit(tmp_path, monkeypatch):
    (tmp_path / "results.json").touch()
    with monkeypatch.context() as patch:
        patch.delitem(sys.modules, "wengert.examples.robot.plots", raising=False)
        patch.delattr("wengert.examples.robot.plots", raising=False)
        patch.setitem(sys.modules, "matplotlib.axes", None)
        errors = [error_of(lambda: commands.main(["robot"], standalone_mode=False))]
    errors.append(error_of(lambda: main(["robbot"])))
    errors.append(error_of(lambda: elimination.solve(np.ones((2, 2)), np.ones(2))))
    errors.append(error_of(lambda: lu.factor(np.ones((2, 2)))))
    for call in CALLS:
        words = [word.format(taken=tmp_path) for word in call]
        if "--out" not in words:
            words += ["--out", str(tmp_path / "new")]
        errors.append(error_of(lambda: commands.main(words, standalone_mode=False)))
    for name in UNUSABLE_FILES:
        file = write_file(tmp_path, name)
        errors.append(error_of(lambda: calibrate(read_measurements(file))))
    hit = set().union(*map(raised_at, errors))
    missing = [
        f"{label(path)}:{node.lineno}"
        for path in FILES
        if label(path).startswith(("wengert/cli", "wengert/examples"))
        for node in ast.walk(syntax(path))
        if isinstance(node, ast.Raise)
        and not {(str(path), n) for n in range(node.lineno, node.end_lineno + 1)} & hit
    ]
    assert missing == []


def error_of(call):
    try:
        call()
    except (Exception, SystemExit) as error:
        return error
    return pytest.fail("no error")
