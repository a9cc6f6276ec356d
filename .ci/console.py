"""Runs the console blocks of a page with one AWS CLI, and compares what they print:
`cargo local exec -- python3 .ci/console.py PAGE AWS`.

A command starts with `$`; the lines below it are its output, in which `…` stands for
anything. Of the variables that lead to the environment, a command sees only those that
the page names. An output that is not yet there is asked for again, for half a minute."""

import os
import re
import subprocess
import sys
import tempfile
import time

VARIABLES = [
    "AWS_ENDPOINT_URL",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
]
PATIENCE = 30


def commands(page):
    for block in re.findall(r"^```console\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield command, output


def reads_the_variable(aws):
    version = subprocess.run([aws, "--version"], capture_output=True, text=True, check=True).stdout
    major, minor = map(int, re.match(r"aws-cli/(\d+)\.(\d+)", version).groups())
    print(version.split()[0])
    # Version 1 ignores the variable for SQS.
    return (major, minor) >= (2, 13)


def shell(aws, folder):
    """A shell that keeps its variables from one command to the next."""
    kept = {name: os.environ[name] for name in VARIABLES}
    kept |= {"PATH": os.environ["PATH"], "HOME": folder, "AWS_PAGER": ""}
    process = subprocess.Popen(
        ["bash", "--norc"], cwd=folder, env=kept, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )
    endpoint = "" if reads_the_variable(aws) else '--endpoint-url "$AWS_ENDPOINT_URL"'
    process.stdin.write(f'aws() {{ "{aws}" {endpoint} "$@"; }}\n')
    return process


def run(process, command):
    process.stdin.write(f"{command}\nprintf '\\n:end:\\n'\n")
    process.stdin.flush()
    lines = []
    while (line := process.stdout.readline()) != ":end:\n":
        if not line:
            sys.exit(f"the shell ended at: {command}")
        lines.append(line)
    return "".join(lines).rstrip("\n")


def main(page, aws):
    pages = open(page, encoding="utf-8").read()
    count = 0
    with tempfile.TemporaryDirectory() as folder:
        process = shell(os.path.abspath(aws), folder)
        for command, expected in commands(pages):
            pattern = ".*".join(map(re.escape, expected.rstrip("\n").split("…")))
            end = time.monotonic() + PATIENCE
            while not re.fullmatch(pattern, printed := run(process, command)):
                # A reader would ask again; only what changes nothing is repeated.
                reads = re.search(r"aws \S+ (get|list|receive|describe|filter)", command)
                if not reads or time.monotonic() > end:
                    sys.exit(f"$ {command}\nexpected:\n{expected}\nprinted:\n{printed}")
                time.sleep(0.2)
            count += 1
        process.stdin.close()
        process.wait()
    if not count:
        sys.exit(f"{page}: no console block")
    print(f"{page}: {count} commands")


main(*sys.argv[1:])
