"""CloudWatch Logs and STS as other programs see them: boto3 and the AWS CLI in `klocal exec`.

Usage: logs_smoke.py [AWS_CLI...]
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time

import boto3
from botocore.config import Config

LOCAL = os.path.abspath(
    os.path.join(os.environ.get("CARGO_TARGET_DIR", "target"), "debug", "klocal")
)

TEMPLATE = """
Resources:
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: hello
      Runtime: provided.al2023
      Handler: bootstrap
      CodeUri: code
  Structured:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: structured
      Runtime: provided.al2023
      Handler: bootstrap
      CodeUri: code
      LoggingConfig: { LogFormat: JSON, LogGroup: mine }
"""

BOOTSTRAP = """#!/usr/bin/env python3
import http.client, json, os
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
print("init of " + os.environ["AWS_LAMBDA_LOG_STREAM_NAME"], flush=True)
while True:
    api.request("GET", "/2018-06-01/runtime/invocation/next")
    reply = api.getresponse()
    event, request = json.loads(reply.read()), reply.headers["Lambda-Runtime-Aws-Request-Id"]
    level = "ERROR" if event.get("fail") else "INFO"
    print(json.dumps({"level": level, "order": event.get("order", 0)}), flush=True)
    api.request("POST", f"/2018-06-01/runtime/invocation/{request}/response", "{}")
    api.getresponse().read()
"""

GROUP = "/aws/lambda/hello"


def messages(events):
    return [event["message"].rstrip("\n") for event in events]


def check_boto3():
    identity = boto3.client("sts").get_caller_identity()
    assert identity["Account"] == "000000000000", identity
    assert identity["Arn"] == "arn:aws:iam::000000000000:root", identity

    invoke = boto3.client("lambda").invoke
    for order in range(3):
        payload = json.dumps({"order": order, "fail": order == 1})
        invoke(FunctionName="hello", Payload=payload)
    invoke(FunctionName="structured", Payload="{}")

    logs = boto3.client("logs")
    groups = logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/")["logGroups"]
    assert [group["logGroupName"] for group in groups] == [GROUP], groups
    streams = logs.describe_log_streams(
        logGroupName=GROUP, orderBy="LastEventTime", descending=True
    )["logStreams"]
    name = streams[0]["logStreamName"]
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", name), name
    page = logs.get_log_events(
        logGroupName=GROUP, logStreamName=name, startFromHead=True
    )
    lines = messages(page["events"])
    kinds = [line.split(" ")[0].split(":")[0] for line in lines]
    once = ["START", '{"level"', "END", "REPORT"]
    assert kinds == ["INIT_START", "init", *once * 3], lines
    assert lines[1] == f"init of {name}", lines
    assert "Init Duration" in lines[5] and "Max Memory Used" in lines[5], lines

    def found(pattern):
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName=GROUP, filterPattern=pattern, PaginationConfig={"PageSize": 2}
        )
        return [message for page in pages for message in messages(page["events"])]

    assert found('{ $.level = "ERROR" }') == ['{"level": "ERROR", "order": 1}']
    assert found("{ $.order > 0 }") == [
        '{"level": "ERROR", "order": 1}',
        '{"level": "INFO", "order": 2}',
    ]
    assert len(found("REPORT -Init")) == 2
    assert len(found('?"START RequestId" ?"END RequestId"')) == 6

    mine = logs.filter_log_events(logGroupName="mine")["events"]
    kinds = [json.loads(line)["type"] for line in messages(mine) if "platform." in line]
    assert kinds == ["platform.initStart", "platform.start", "platform.report"], mine

    # The prefix `streaming-` of the host is for AWS's own hosts.
    tail = boto3.client("logs", config=Config(inject_host_prefix=False))
    arn = groups[0]["logGroupArn"]
    stream = tail.start_live_tail(logGroupIdentifiers=[arn])["responseStream"]
    seen = []
    for event in stream:
        if "sessionStart" in event:
            invoke(FunctionName="hello", Payload='{"order": 7}')
        seen += messages(event.get("sessionUpdate", {}).get("sessionResults", []))
        if any(line.startswith("REPORT") for line in seen):
            break
    stream.close()
    assert '{"level": "INFO", "order": 7}' in seen, seen

    logs.create_log_group(logGroupName="other")
    logs.create_log_stream(logGroupName="other", logStreamName="s")
    now = int(time.time() * 1000)
    logs.put_log_events(
        logGroupName="other",
        logStreamName="s",
        logEvents=[{"timestamp": now, "message": "put"}],
    )
    logs.put_retention_policy(logGroupName="other", retentionInDays=7)
    assert messages(logs.filter_log_events(logGroupName="other")["events"]) == ["put"]
    logs.delete_log_group(logGroupName="other")


def check_cli(cli):
    version = subprocess.check_output([cli, "--version"], text=True).strip()
    major, minor = map(int, re.match(r"aws-cli/(\d+)\.(\d+)", version).groups())
    # Only since 2.13 does the second version read AWS_ENDPOINT_URL.
    old = (2, 0) <= (major, minor) < (2, 13)
    flag = ["--endpoint-url", os.environ["AWS_ENDPOINT_URL"]] if old else []

    def run(*arguments):
        return subprocess.check_output([cli, *flag, *arguments], text=True)

    assert json.loads(run("sts", "get-caller-identity"))["UserId"] == "000000000000"
    groups = json.loads(run("logs", "describe-log-groups"))["logGroups"]
    assert GROUP in [group["logGroupName"] for group in groups], groups
    filtered = run("logs", "filter-log-events", "--log-group-name", GROUP, "--filter-pattern", "ERROR", "--output", "text")
    assert '{"level": "ERROR", "order": 1}' in filtered, filtered
    if major == 1:
        # Its `logs` has no `tail`.
        return version
    tailed = run("logs", "tail", GROUP, "--since", "1h")
    assert '{"level": "ERROR", "order": 1}' in tailed, tailed
    follow = subprocess.Popen(
        [cli, *flag, "logs", "tail", GROUP, "--follow", "--since", "1s", "--format", "short"],
        stdout=subprocess.PIPE,
    )
    try:
        invoke = boto3.client("lambda").invoke
        deadline = time.time() + 60
        os.set_blocking(follow.stdout.fileno(), False)
        seen = b""
        while b'"order": 99' not in seen and time.time() < deadline:
            invoke(FunctionName="hello", Payload='{"order": 99}')
            time.sleep(1)
            seen += follow.stdout.read() or b""
        assert b'"order": 99' in seen, seen
    finally:
        follow.kill()
        follow.wait()
    return version


def main():
    if "AWS_ENDPOINT_URL_LAMBDA" in os.environ and os.environ.get("INSIDE"):
        check_boto3()
        print("boto3: sts and logs answer as AWS does")
        for cli in sys.argv[1:]:
            print(f"{check_cli(cli)}: sts and logs answer as AWS does")
        return
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(f"{folder}/code")
        with open(f"{folder}/template.yaml", "w") as file:
            file.write(TEMPLATE)
        with open(f"{folder}/code/bootstrap", "w") as file:
            file.write(BOOTSTRAP)
        os.chmod(f"{folder}/code/bootstrap", 0o755)
        script = [sys.executable, os.path.abspath(__file__), *sys.argv[1:]]
        command = [LOCAL, "exec", "--cache", "server", "--", *script]
        environment = {**os.environ, "INSIDE": "1"}
        sys.exit(subprocess.run(command, cwd=folder, env=environment).returncode)


main()
