# The binaries, built in Docker for Docker's own architecture. Dependencies are
# a layer of their own, which depends on the manifests and the lock file alone:
# after a change of the sources cargo compiles only the workspace's crates.
# (`RUN --mount` would be faster still; not every engine's builder has it.)
ARG BUILDER_IMAGE=rust:1.95-slim-bookworm

FROM ${BUILDER_IMAGE} AS manifests
COPY . /sources
RUN sh /sources/docker/empty-targets /sources /manifests

FROM ${BUILDER_IMAGE} AS builder
ARG PROFILE=quick
ENV CARGO_TARGET_DIR=/target CARGO_TERM_COLOR=never CARGO_INCREMENTAL=0
WORKDIR /workspace

COPY --from=manifests /manifests ./
RUN cargo build --profile "$PROFILE" --locked --bin bootstrap --bin klocal --bin producer

COPY . .
# COPY keeps the sources' modification times. Where they are older than the
# layer above, cargo would take the empty programs for up to date.
RUN find . -name '*.rs' -exec touch {} + \
 && cargo build --profile "$PROFILE" --locked --bin bootstrap --bin klocal --bin producer \
 && mkdir /binaries \
 && case "$PROFILE" in dev) folder=debug ;; *) folder=$PROFILE ;; esac \
 && cp "/target/$folder/bootstrap" "/target/$folder/klocal" "/target/$folder/producer" /binaries

FROM scratch
COPY --from=builder /binaries /
