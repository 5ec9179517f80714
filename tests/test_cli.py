"""``python -m wengert``: what it prints, writes and refuses, and its exit codes."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

import wengert
from tests.architecture.source_files import FILES, label, syntax
from tests.errors.case import raised_at
from tests.test_robot import UNUSABLE_FILES, write_file
from wengert.cli import commands, main
from wengert.examples import beam, elimination, lu, pendulum, pictures
from wengert.examples.applications import APPLICATIONS
from wengert.examples.gallery import EXAMPLES
from wengert.examples.robot import lesson
from wengert.examples.robot.calibration import calibrate, read_measurements
from wengert.examples.study import Row, Study

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
    listed = [line.split()[0] for line in out.splitlines() if line.startswith("  ")]
    assert listed == [*EXAMPLES, *APPLICATIONS]
    for program in (*EXAMPLES.values(), *APPLICATIONS.values()):
        assert program.title in out


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


@pytest.fixture
def short(monkeypatch):
    """Applications that find what they are told to, and draw a line."""

    def finds(module, found):
        rows = (Row("a [b] c", found, 1.0, 0.01, "definition"),)
        draw = lambda figure: figure.subplots().plot([0, 1])  # noqa: E731
        monkeypatch.setattr(module, "study", lambda: Study(rows, draw))

    return finds


def test_an_application_that_agrees(call, short):
    short(beam, 1.001)
    code, out, err = call("examples", "beam")
    assert (code, err) == (0, "")
    assert APPLICATIONS["beam"].title in out and beam.__file__ in out
    assert ["a", "[b]", "c", "1.001", "1", "definition"] in [
        line.split() for line in out.splitlines()
    ]
    assert "missed" not in out


@pytest.mark.parametrize("found", [1.02, float("nan")])
def test_a_value_that_is_missed_is_exit_code_1(call, short, found):
    short(beam, found)
    short(pendulum, 1.0)
    code, out, err = call("examples", "beam", "pendulum")
    assert (code, err) == (1, "")
    assert " ".join(out.split()).count("missed by more than 0.01") == 1
    assert out.index("missed") < out.index("pendulum: ")  # which is run nevertheless


def test_a_gradient_that_is_missed_is_exit_code_1(call, monkeypatch):
    wrong = replace(EXAMPLES["bouncing"], known=lambda *_: 2.5)
    monkeypatch.setitem(EXAMPLES, "bouncing", wrong)
    assert call("examples", "bouncing")[0] == 1


def test_pictures_go_to_a_file_or_a_folder(call, short, tmp_path):
    short(beam, 1.0)
    short(pendulum, 1.0)
    file, folder = tmp_path / "new" / "bent.SVG", tmp_path / "all" / "of them"
    code, out, err = call("examples", "beam", "--picture", file)
    assert (code, err) == (0, "") and f"Written: {file}" in out
    assert "<svg" in file.read_text()
    code, out, err = call("examples", "beam", "pendulum", "--picture", folder)
    assert (code, err) == (0, "")
    assert {file.name for file in folder.iterdir()} == {"beam.png", "pendulum.png"}
    for name in ("beam", "pendulum"):
        picture = folder / f"{name}.png"
        assert picture.read_bytes().startswith(b"\x89PNG")
        assert f"Written: {picture}" in out


def test_some_examples_have_pictures(call, monkeypatch, tmp_path):
    monkeypatch.setitem(pictures.PICTURES, "bouncing.png", Figure)
    assert call("examples", "bouncing", "--picture", tmp_path)[0] == 0
    assert (tmp_path / "bouncing.png").read_bytes().startswith(b"\x89PNG")


PICTURES_REFUSED = [
    (["--picture", "{new}"], "--picture needs a NAME"),
    (["beam", "--list", "--picture", "{new}"], "--picture needs a NAME, and no --list"),
    (["lu", "--picture", "{new}"], "lu has none; these have: bouncing,"),
    (["beam", "pendulum", "--picture", "{new}.png"], "is one file, for 2 pictures"),
    (["beam", "--picture", "{new}.docx"], "the format is none of"),
    (["beam", "--picture", "{taken}"], "--picture {taken}: File exists"),
    (["beam", "--picture", "{taken}/a.png"], "--picture {taken}/a.png: "),
]


@pytest.fixture
def taken(tmp_path):
    """Words of a command line, with paths in place of the names of these."""
    (tmp_path / "taken").write_text("precious")
    names = {"new": tmp_path / "new", "taken": tmp_path / "taken"}
    return lambda words: [word.format(**names) for word in words]


@pytest.mark.parametrize(("arguments", "text"), PICTURES_REFUSED)
def test_what_cannot_be_drawn_is_refused_at_once(
    call, monkeypatch, taken, arguments, text
):
    monkeypatch.setattr(beam, "study", lambda: pytest.fail("it began to compute"))
    code, out, err = call("examples", *taken(arguments))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert " ".join(taken([text])) in err


def test_a_picture_that_cannot_be_written_is_one_line(call, short, tmp_path):
    short(beam, 1.0)
    (tmp_path / "beam.png").mkdir()
    code, _, err = call("examples", "beam", "--picture", tmp_path)
    assert (code, err.count("\n")) == (2, 1)
    assert f"--picture {tmp_path / 'beam.png'}: Is a directory" in err


def test_examples_need_matplotlib_for_pictures_only(call, short, monkeypatch, tmp_path):
    short(beam, 1.0)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert call("examples", "beam")[0] == 0
    code, out, err = call("examples", "beam", "--picture", tmp_path)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "python -m pip install 'wengert[plot]'" in err


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
    *(["examples", *arguments] for arguments, _ in PICTURES_REFUSED),
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
        taken = tmp_path if call[0] == "robot" else tmp_path / "results.json"
        words = [word.format(taken=taken, new=tmp_path / "new") for word in call]
        if call[0] == "robot" and "--out" not in words:
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
