# Short names for common commands; `just` alone lists them.

set positional-arguments

[private]
default:
    @just --list --unsorted

# Start everything the template describes, until Ctrl-C
dev *arguments:
    cargo local up "$@"

# Run the whole pipeline once and check every record; with `just up` running, in containers too
e2e *arguments:
    cargo local e2e "$@"
    @if docker/pipeline healthy 2>/dev/null; then docker/pipeline e2e "$@"; else echo "containers: skipped; start them with: just up"; fi

# Run every test that this machine can run
test *arguments:
    cargo test --workspace "$@"

# Check formatting, lints (warnings are errors) and licences
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    @command -v cargo-deny >/dev/null && cargo deny check bans licenses sources || echo "licences: skipped; install cargo-deny with: cargo install cargo-deny"
    @command -v cfn-lint >/dev/null && cfn-lint template.yaml || echo "template: skipped; install cfn-lint with: pip install cfn-lint"

# Run the pipeline for some seconds while parts of it fail, and check that no record is lost
soak seconds="600":
    SOAK_SECONDS="$1" cargo test --test soak

# Measure everything and write docs/measurements.md, in half an hour; with --quick in two minutes, to stdout
bench *arguments:
    .ci/bench "$@"

# Draw flame graphs of the tool and the sample function, at RECORDS/S or as fast as records come: needs perf
profile *rate:
    .ci/profile "$@"

# Build for Lambda and deploy with SAM: needs sam, cargo-lambda and an AWS account
deploy *arguments:
    sam build --beta-features
    sam deploy --guided "$@"

# Containers: start the pipeline with LocalStack and AWS's emulator, and wait until all is healthy
up *arguments:
    docker/pipeline up "$@"

# Containers: stop and remove them, their network and their volumes
down:
    docker/pipeline down

# Containers: remove everything and start again with empty streams and tables
reset *arguments:
    docker/pipeline reset "$@"

# Containers: write RECORD_COUNT records in each of THREAD_COUNT threads
load *arguments:
    docker/pipeline load "$@"

# Containers: show their logs
logs *arguments:
    docker/pipeline logs "$@"

# Containers: list them
ps:
    docker/pipeline ps

# Containers: show the status of the mapping
status *arguments:
    docker/pipeline status "$@"

# Containers: list discarded batches, show one, or deliver it again
failures *arguments:
    docker/pipeline failures "$@"
