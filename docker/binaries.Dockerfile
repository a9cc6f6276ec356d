# The binaries, built in Docker for Docker's own architecture. Dependencies are
# a layer of their own, so that a change of the sources rebuilds only what is
# here. (`RUN --mount` would be faster still; not every engine's builder has it.)
ARG BUILDER_IMAGE=rust:1.95-slim-bookworm

FROM ${BUILDER_IMAGE} AS builder
ENV CARGO_TARGET_DIR=/target CARGO_TERM_COLOR=never

WORKDIR /dependencies
COPY Cargo.toml Cargo.lock ./
COPY consumer/Cargo.toml consumer/
COPY producer/Cargo.toml producer/
COPY local/Cargo.toml local/
COPY integration-tests/Cargo.toml integration-tests/
COPY docker/empty-targets ./
RUN sh empty-targets && cargo build --profile quick --locked --bin bootstrap --bin local --bin producer

WORKDIR /workspace
COPY . .
RUN cargo build --profile quick --locked --bin bootstrap --bin local --bin producer

FROM scratch
COPY --from=builder /target/quick/bootstrap /target/quick/local /target/quick/producer /
