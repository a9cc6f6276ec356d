# Short names for what cargo does; `just` alone lists them.

set positional-arguments

export COMPOSE_PROJECT_NAME := "kinesis-momento-rust"

[private]
default:
    @just --list --unsorted

# Everything the template describes, until Ctrl-C
dev *arguments:
    cargo local up "$@"

# The whole pipeline once, every record checked
e2e *arguments:
    cargo local e2e "$@"

# Every test that this machine can run
test *arguments:
    cargo test --workspace "$@"

# Formatting, clippy with warnings denied, licences
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    @command -v cargo-deny >/dev/null && cargo deny check bans licenses sources || echo "cargo-deny is not installed: licences are not checked (cargo install cargo-deny)"
    @command -v cfn-lint >/dev/null && cfn-lint template.yaml || echo "cfn-lint is not installed: the template is not checked (pip install cfn-lint)"

# Benchmarks: ratios and medians, never assertions
bench *arguments:
    cargo bench -p local --bench kinesis -- "$@"

# Build for Lambda and deploy with SAM: needs sam, cargo-lambda and an AWS account
deploy *arguments:
    sam build --beta-features
    sam deploy --guided "$@"

# Containers: the next step
up:
    @echo "The pipeline in containers is the next step and not part of this version." >&2
    @echo "just dev runs the same pipeline without Docker." >&2
    @exit 1

# Containers: the next step
down: up
