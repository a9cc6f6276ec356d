"""Lambda's API through boto3 and, where it is installed beside this Python, the AWS CLI:
a session over everything that `klocal up` serves of it."""

import base64
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

import boto3
from botocore.exceptions import ClientError

LOCAL = os.path.join(os.environ.get("CARGO_TARGET_DIR", "target"), "debug", "klocal")
# Answers with its event.
BOOTSTRAP = os.path.abspath("crates/lambda-host/examples/bootstrap")
AWS = os.path.join(os.path.dirname(sys.executable), "aws")
TEMPLATE = """
Resources:
  Orders: { Type: AWS::Kinesis::Stream, Properties: { Name: orders, ShardCount: 1 } }
  Work:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: work
      Handler: bootstrap
      Runtime: provided.al2023
      CodeUri: .
      Environment: { Variables: { LEVEL: info } }
  Other:
    Type: AWS::Serverless::Function
    Properties: { FunctionName: other, Handler: bootstrap, Runtime: provided.al2023, CodeUri: . }
  Mapping:
    Type: AWS::Lambda::EventSourceMapping
    Properties: { FunctionName: !Ref Work, EventSourceArn: !GetAtt Orders.Arn, StartingPosition: TRIM_HORIZON }
"""


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        return error.response["Error"]["Message"]
    sys.exit(f"{call.__name__} is not refused")


def until(state, client, uuid):
    for _ in range(1000):
        mapping = client.get_event_source_mapping(UUID=uuid)
        if mapping["State"] == state:
            return mapping
        time.sleep(0.01)
    sys.exit(f"never {state}: {mapping}")


def functions(client):
    pages = client.get_paginator("list_functions").paginate()
    names = [one["FunctionName"] for page in pages for one in page["Functions"]]
    assert names == ["other", "work"], names
    arn = client.get_function(FunctionName="work")["Configuration"]["FunctionArn"]
    for name in ("work", arn, "000000000000:function:work"):
        for arguments in ({}, {"Qualifier": "$LATEST"}):
            reply = client.invoke(FunctionName=name, Payload=b'{"a":1}', **arguments)
            assert reply["Payload"].read() == b'{"a":1}', reply
            assert reply["ExecutedVersion"] == "$LATEST", reply
    context = base64.b64encode(b'{"custom":{"a":"b"}}').decode()
    reply = client.invoke(FunctionName="work", LogType="Tail", ClientContext=context)
    assert b"REPORT RequestId" in base64.b64decode(reply["LogResult"]), reply
    assert client.invoke(FunctionName="work", InvocationType="Event")["StatusCode"] == 202
    assert client.invoke(FunctionName="work", InvocationType="DryRun")["StatusCode"] == 204
    stream = client.invoke_with_response_stream(FunctionName="work", Payload=b"[1]")
    events = list(stream["EventStream"])
    chunks = [one["PayloadChunk"]["Payload"] for one in events if "PayloadChunk" in one]
    assert b"".join(chunks) == b"[1]" and "InvokeComplete" in events[-1], events
    refused("ResourceNotFoundException", client.invoke, FunctionName="nobody")
    refused("ResourceNotFoundException", client.get_function, FunctionName="nobody")

    updated = client.update_function_configuration(
        FunctionName="work",
        Description="changed",
        Timeout=9,
        MemorySize=256,
        Environment={"Variables": {"LEVEL": "debug"}},
    )
    assert updated["LastUpdateStatus"] == "InProgress", updated
    client.get_waiter("function_updated_v2").wait(
        FunctionName="work", WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    now = client.get_function_configuration(FunctionName="work")
    assert (now["Timeout"], now["MemorySize"], now["Description"]) == (9, 256, "changed"), now
    assert now["Environment"]["Variables"] == {"LEVEL": "debug"}, now
    assert client.invoke(FunctionName="work")["Payload"].read() == b"{}"
    message = refused(
        "InvalidParameterValueException",
        client.update_function_configuration,
        FunctionName="work",
        Environment={"Variables": {"AWS_REGION": "x"}},
    )
    assert "reserved keys" in message, message

    concurrency = {"FunctionName": "work", "ReservedConcurrentExecutions": 0}
    client.put_function_concurrency(**concurrency)
    reserved = client.get_function_concurrency(FunctionName="work")
    assert reserved["ReservedConcurrentExecutions"] == 0, reserved
    refused("TooManyRequestsException", client.invoke, FunctionName="work")
    client.delete_function_concurrency(FunctionName="work")
    assert "ReservedConcurrentExecutions" not in client.get_function_concurrency(
        FunctionName="work"
    )
    assert client.list_tags(Resource=arn)["Tags"] == {}
    assert client.get_account_settings()["AccountUsage"]["FunctionCount"] == 2
    versions = client.list_versions_by_function(FunctionName="work")["Versions"]
    assert [one["Version"] for one in versions] == ["$LATEST"], versions


def mappings(client, kinesis):
    pages = client.get_paginator("list_event_source_mappings").paginate(FunctionName="work")
    (mapping,) = [one for page in pages for one in page["EventSourceMappings"]]
    uuid = mapping["UUID"]
    assert (mapping["State"], mapping["BatchSize"]) == ("Enabled", 100), mapping
    kinesis.put_record(StreamName="orders", PartitionKey="k", Data=b"{}")
    for _ in range(1000):
        result = client.get_event_source_mapping(UUID=uuid)["LastProcessingResult"]
        if result == "OK":
            break
        time.sleep(0.01)
    assert result == "OK", result

    changed = client.update_event_source_mapping(
        UUID=uuid,
        BatchSize=7,
        MaximumRetryAttempts=2,
        BisectBatchOnFunctionError=True,
        FilterCriteria={"Filters": [{"Pattern": '{"data":{"a":[1]}}'}]},
    )
    assert changed["State"] == "Updating", changed
    until("Enabled", client, uuid)
    disabled = client.update_event_source_mapping(UUID=uuid, Enabled=False)
    assert disabled["State"] == "Disabling", disabled
    now = until("Disabled", client, uuid)
    assert (now["BatchSize"], now["MaximumRetryAttempts"]) == (7, 2), now
    assert now["StateTransitionReason"] == "User action", now
    client.update_event_source_mapping(UUID=uuid, Enabled=True)
    until("Enabled", client, uuid)

    arn = mapping["EventSourceArn"]
    same = {"EventSourceArn": arn, "FunctionName": "work", "StartingPosition": "LATEST"}
    create = client.create_event_source_mapping
    assert uuid in refused("ResourceConflictException", create, **same)
    wrong = {**same, "FunctionName": "other", "EventSourceArn": arn + "s"}
    refused("InvalidParameterValueException", create, **wrong)
    created = create(**{**same, "FunctionName": "other"}, Tags={"team": "a"})
    assert created["State"] == "Creating", created
    until("Enabled", client, created["UUID"])
    tags = client.list_tags(Resource=created["EventSourceMappingArn"])["Tags"]
    assert tags == {"team": "a"}, tags
    deleted = client.delete_event_source_mapping(UUID=created["UUID"])
    assert deleted["State"] == "Deleting", deleted
    for _ in range(1000):
        left = client.list_event_source_mappings(EventSourceArn=arn)["EventSourceMappings"]
        if len(left) == 1:
            break
        time.sleep(0.01)
    assert [one["UUID"] for one in left] == [uuid], left
    get = client.get_event_source_mapping
    refused("ResourceNotFoundException", get, UUID=created["UUID"])


def not_served(client):
    for call, arguments in (
        (client.get_policy, {"FunctionName": "work"}),
        (client.delete_function, {"FunctionName": "work"}),
        (client.list_aliases, {"FunctionName": "work"}),
        (client.publish_version, {"FunctionName": "work"}),
        (client.get_function_url_config, {"FunctionName": "work"}),
        (client.list_layers, {}),
    ):
        try:
            call(**arguments)
            sys.exit(f"{call.__name__} is served")
        except ClientError as error:
            assert "serve" in str(error), error
            print(f"  {str(error)[:150]}…")


def command_line(endpoint, folder):
    """The same with the AWS CLI, from the environment variables alone."""
    environment = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_PAGER": "",
        "PATH": os.environ["PATH"],
        "HOME": folder,
    }

    def aws(*arguments):
        command = [AWS, "lambda", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, (arguments, done.stderr)
        return json.loads(done.stdout or "null")

    out = os.path.join(folder, "out.json")
    reply = aws("invoke", "--function-name", "work", "--payload", '{"b":2}', out)
    assert reply["StatusCode"] == 200, reply
    with open(out, encoding="utf-8") as file:
        assert json.load(file) == {"b": 2}
    (mapping,) = aws("list-event-source-mappings", "--function-name", "work")[
        "EventSourceMappings"
    ]
    uuid = mapping["UUID"]
    reply = aws("update-event-source-mapping", "--uuid", uuid, "--no-enabled")
    assert reply["State"] == "Disabling", reply
    while aws("get-event-source-mapping", "--uuid", uuid)["State"] != "Disabled":
        pass
    reply = aws("update-event-source-mapping", "--uuid", uuid, "--enabled")
    assert reply["State"] == "Enabling", reply
    aws("update-function-configuration", "--function-name", "other", "--timeout", "5")
    aws("wait", "function-updated-v2", "--function-name", "other")


def main():
    with tempfile.TemporaryDirectory() as folder:
        template = os.path.join(folder, "template.yaml")
        with open(template, "w", encoding="utf-8") as file:
            file.write(TEMPLATE)
        ports = [f"--{name}-port=0" for name in ("aws", "lambda", "cache", "cache-protosocket")]
        command = [LOCAL, "up", "--json", "--template", template, "--bootstrap", BOOTSTRAP]
        process = subprocess.Popen(
            [*command, *ports], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        try:
            endpoint = json.loads(process.stdout.readline())["aws"]
            keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
            to = {"endpoint_url": endpoint, "region_name": "us-east-1", **keys}
            client, kinesis = boto3.client("lambda", **to), boto3.client("kinesis", **to)
            functions(client)
            mappings(client, kinesis)
            not_served(client)
            print("boto3: lambda answers as AWS does")
            if os.path.exists(AWS):
                command_line(endpoint, folder)
                print("aws: lambda invoke, event source mappings, configuration")
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=10)


main()
