"""What boto3 and the AWS CLI show for operations that `klocal aws` does not serve.

Usage: unserved_smoke.py [AWS_CLI...]. Prints a table for docs/reference/aws-apis.md; fails where
the sentence is missing.
"""

import os
import re
import signal
import subprocess
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

LOCAL = os.path.join(os.environ.get("CARGO_TARGET_DIR", "target"), "debug", "klocal")

SENTENCE = "klocal does not serve"

# Service, boto3's method with its arguments, the CLI's arguments.
OPERATIONS = [
    ("s3", "list_buckets", {}, "s3api list-buckets"),
    ("s3", "list_objects_v2", {"Bucket": "b"}, "s3 ls s3://b"),
    ("s3", "put_object", {"Bucket": "b", "Key": "k", "Body": b"x"}, "s3api put-object --bucket b --key k"),
    ("sns", "list_topics", {}, "sns list-topics"),
    ("events", "list_rules", {}, "events list-rules"),
    ("stepfunctions", "list_state_machines", {}, "stepfunctions list-state-machines"),
    ("cloudwatch", "list_metrics", {}, "cloudwatch list-metrics"),
    ("cloudformation", "list_stacks", {}, "cloudformation list-stacks"),
    ("iam", "list_roles", {}, "iam list-roles"),
    ("ec2", "describe_instances", {}, "ec2 describe-instances"),
    ("secretsmanager", "get_secret_value", {"SecretId": "s"}, "secretsmanager get-secret-value --secret-id s"),
    ("apigatewayv2", "get_apis", {}, "apigatewayv2 get-apis"),
    ("ecs", "list_clusters", {}, "ecs list-clusters"),
    ("kms", "list_keys", {}, "kms list-keys"),
    ("firehose", "list_delivery_streams", {}, "firehose list-delivery-streams"),
    ("route53", "list_hosted_zones", {}, "route53 list-hosted-zones"),
    ("elasticache", "describe_cache_clusters", {}, "elasticache describe-cache-clusters"),
    ("sts", "get_session_token", {}, "sts get-session-token"),
    ("ssm", "list_commands", {}, "ssm list-commands"),
    ("dynamodb", "list_backups", {}, "dynamodb list-backups"),
    ("kinesis", "enable_enhanced_monitoring", {"StreamName": "s", "ShardLevelMetrics": ["ALL"]}, "kinesis enable-enhanced-monitoring --stream-name s --shard-level-metrics ALL"),
    ("logs", "describe_queries", {}, "logs describe-queries"),
]


def with_boto3(service, method, arguments):
    client = boto3.client(service, config=Config(s3={"addressing_style": "path"}))
    try:
        getattr(client, method)(**arguments)
    except ClientError as error:
        return str(error)
    return "succeeded"


def with_cli(cli, arguments):
    ran = subprocess.run([*cli, *arguments.split()], capture_output=True, text=True)
    lines = [line for line in ran.stderr.splitlines() if line.strip()]
    return lines[-1] if lines else ran.stdout


def command(cli):
    """The CLI, with a flag where it is too old for AWS_ENDPOINT_URL."""
    version = subprocess.check_output([cli, "--version"], text=True)
    major, minor = re.match(r"aws-cli/(\d+)\.(\d+)", version).groups()
    old = (int(major), int(minor)) < (2, 13) and (int(major), int(minor)) >= (2, 0)
    flag = ["--endpoint-url", os.environ["AWS_ENDPOINT_URL"]] if old else []
    return [cli, *flag]


def check(clis):
    clis = [command(cli) for cli in clis]
    form = re.compile(r"An error occurred \((\w+)\) when calling the \w+ operation: (.*)")
    wrong = []
    print("| command | code | message |\n|---|---|---|")
    for service, method, arguments, line in OPERATIONS:
        shown = {with_boto3(service, method, arguments)}
        shown |= {with_cli(cli, line) for cli in clis}
        read = [form.fullmatch(text) for text in shown]
        sentences = {one and one[2] for one in read}
        if len(sentences) > 1 or not all(one and SENTENCE in one for one in sentences):
            wrong.append(f"aws {line}: {shown}")
            continue
        # What is served is listed elsewhere.
        sentence = re.sub(r"serves .*", "serves …", read[0][2])
        # An older CLI may speak another protocol, which has another code.
        codes = ", ".join(sorted({f"`{one[1]}`" for one in read}))
        print(f"| `aws {line.split(' --')[0]}` | {codes} | {sentence} |")
    if wrong:
        sys.exit("\n".join(["not one and the same sentence:", *wrong]))
    print(f"{len(OPERATIONS)} operations: boto3 and {len(clis)} versions of the CLI show the same")


def main():
    process = subprocess.Popen(
        [LOCAL, "aws", "--port", "0"], stderr=subprocess.PIPE, text=True
    )
    try:
        line = process.stderr.readline()
        found = re.search(r"http://\S+", line)
        if not found:
            sys.exit(f"klocal aws did not start: {line}")
        os.environ.update(
            AWS_ENDPOINT_URL=found.group(),
            AWS_ACCESS_KEY_ID="local",
            AWS_SECRET_ACCESS_KEY="local",
            AWS_DEFAULT_REGION="us-east-1",
        )
        check(sys.argv[1:])
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=10)


main()
