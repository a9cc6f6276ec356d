"""Who is let in: curl, boto3 and the AWS SDK for JavaScript call `klocal up` by several
names of this machine, and by one that is not its own. Prints the table.

    hosts_smoke.py FOLDER    where FOLDER has node_modules with @aws-sdk/client-kinesis
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
HERE = os.path.dirname(os.path.abspath(__file__))
# As Docker names the containers of docker-compose.yml.
CONTAINER = "event-source"
FOREIGN = "evil.example"


def curl(url, host, *more):
    """The HTTP status. `host` is what the URL names; it is resolved to loopback."""
    port = re.search(r":(\d+)", url).group(1)
    resolve = ["--resolve", f"{host}:{port}:127.0.0.1"] if "[" not in host else []
    command = ["curl", "--silent", "--noproxy", "*", "--globoff", "--output", os.devnull]
    command += ["--write-out", "%{http_code}", *resolve, *more]
    command.append(url.replace("HOST", host))
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def with_boto3(port, host):
    address = "[::1]" if host == "[::1]" else "127.0.0.1"
    client = boto3.client(
        "kinesis",
        endpoint_url=f"http://{address}:{port}",
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(retries={"total_max_attempts": 1}, proxies={}),
    )

    def rename(request, **_):
        request.headers["Host"] = f"{host}:{port}"

    client.meta.events.register("before-send.kinesis", rename)
    try:
        client.list_streams()
        return "200"
    except ClientError as error:
        assert error.response["Error"]["Code"] == "AccessDeniedException", error
        assert "--allow-host" in str(error), error
        return "403"


def with_node(folder, port, host):
    script = os.path.join(folder, "hosts_smoke.mjs")
    with open(os.path.join(HERE, "hosts_smoke.mjs")) as source, open(script, "w") as copy:
        copy.write(source.read())
    command = ["node", script, str(port), host]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def check(folder, ports):
    rows = []
    aws = f"http://HOST:{ports['AWS APIs']}/_localstack/health"
    invoke = f"http://HOST:{ports['Lambda']}/_local/health"
    cache = f"http://HOST:{ports['Cache']}/_local/status"
    for host, expected in [
        ("127.0.0.1", "200"),
        ("localhost", "200"),
        ("[::1]", "200"),
        (CONTAINER, "200"),
        (FOREIGN, "403"),
    ]:
        row = {
            "curl, AWS APIs": curl(aws, host),
            "curl, Lambda": curl(invoke, host),
            "curl, cache": curl(cache, host),
            "boto3": with_boto3(ports["AWS APIs"], host),
            "JavaScript": with_node(folder, ports["AWS APIs"], host),
        }
        rows.append((host, row))
        assert set(row.values()) == {expected}, (host, row)
    origin = f"Origin: http://{FOREIGN}"
    row = {
        "curl, AWS APIs": curl(aws, "localhost", "--header", origin),
        "curl, Lambda": curl(invoke, "localhost", "--header", origin),
        "curl, cache": curl(cache, "localhost", "--header", origin),
    }
    rows.append((f"localhost, {origin}", row))
    assert set(row.values()) == {"403"}, row
    columns = list(rows[0][1])
    print("| host | " + " | ".join(columns) + " |")
    print("|---" * (len(columns) + 1) + "|")
    for host, row in rows:
        print(f"| {host} | " + " | ".join(row.get(column, "") for column in columns) + " |")


def main():
    up = subprocess.Popen(
        [LOCAL, "up", "--host", "::", "--allow-host", CONTAINER]
        + ["--aws-port", "0", "--lambda-port", "0", "--cache-port", "0"]
        + ["--cache-protosocket-port", "0"]
        + ["--bootstrap", "/bin/true"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        said, ports = "", {}
        while "Ctrl-C" not in said:
            line = up.stderr.readline()
            if not line:
                sys.exit(f"klocal up did not start: {said}")
            said += line
            found = re.match(r"\s*(AWS APIs|Lambda|Cache)\s.*?http://\S+?:(\d+)", line)
            if found:
                ports[found.group(1)] = int(found.group(2))
        check(sys.argv[1], ports)
    finally:
        up.send_signal(signal.SIGTERM)
        up.wait(timeout=20)


main()
