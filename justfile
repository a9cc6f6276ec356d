# Short names for what cargo does; `just` alone lists them.

set positional-arguments

[private]
default:
    @just --list --unsorted

# Everything the template describes, until Ctrl-C
dev *arguments:
    cargo local up "$@"

# The whole pipeline once, every record checked; with `just up` running, in containers too
e2e *arguments:
    cargo local e2e "$@"
    @if docker/pipeline healthy 2>/dev/null; then cargo local e2e --backend localstack "$@"; else echo "containers: not checked, as they do not run (just up)"; fi

# Every test that this machine can run
test *arguments:
    cargo test --workspace "$@"

# Formatting, clippy with warnings denied, licences
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    @command -v cargo-deny >/dev/null && cargo deny check bans licenses sources || echo "cargo-deny is not installed: licences are not checked (cargo install cargo-deny)"
    @command -v cfn-lint >/dev/null && cfn-lint template.yaml || echo "cfn-lint is not installed: the template is not checked (pip install cfn-lint)"

# The pipeline for some seconds while parts of it fail: nothing lost, memory flat
soak seconds="600":
    SOAK_SECONDS="$1" cargo test --test soak

# Benchmarks: ratios and medians, never assertions
bench *arguments:
    cargo bench --bench kinesis -- "$@"

# What an invocation costs beside AWS's Runtime Interface Emulator
bench-invoke:
    .ci/fetch-tools
    cargo bench --bench invoke

# Build for Lambda and deploy with SAM: needs sam, cargo-lambda and an AWS account
deploy *arguments:
    sam build --beta-features
    sam deploy --guided "$@"

# The same pipeline in containers, with LocalStack and AWS's emulator: until all is healthy
up *arguments:
    docker/pipeline up "$@"

# Stop the containers and remove them, their network and their volumes
down:
    docker/pipeline down

# Containers: every stream and table anew
reset *arguments:
    docker/pipeline reset "$@"

# Containers: write RECORD_COUNT records in each of THREAD_COUNT threads
load *arguments:
    docker/pipeline load "$@"

# Containers: what they say
logs *arguments:
    docker/pipeline logs "$@"

# Containers: what runs
ps:
    docker/pipeline ps

# Containers: what the mapping does
status *arguments:
    docker/pipeline status "$@"
