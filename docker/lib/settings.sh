# shellcheck shell=bash
# Sourced by docker/pipeline: the variables that `up` is told. They are kept in
# the labels of a volume of the project, for the commands after it, until `down`.

# NAME=DEFAULT
settings=(
  LOCALSTACK_IMAGE=localstack/localstack:4.14.0
  LAMBDA_BASE_IMAGE=public.ecr.aws/lambda/provided:al2023
  RUNTIME_BASE_IMAGE=debian:bookworm-slim
  BUILDER_IMAGE=rust:1.95-slim-bookworm
  BINARIES_IMAGE=kinesis-momento-rust/binaries
  BINARIES=docker
  CARGO_PROFILE=quick
  AWS_PORT=4566
  CACHE_PORT=8080
  LAMBDA_PORT=9000
  STATUS_PORT=9001
  CACHE_BACKEND=stub
  CACHE_NAME=sample-a
  CACHE_PROTOCOL=grpc
  RUST_LOG=info
  PROJECT_FOLDER=
  UP_ARGUMENTS=
)
label=kinesis-momento-rust.setting
memory=${COMPOSE_PROJECT_NAME}_settings

# Copies that containers mount: this checkout's files may be readable by their
# owner alone.
copies=$PWD/.local/containers/$COMPOSE_PROJECT_NAME
# These two are for `up` alone to tell.
unset PROJECT_FOLDER UP_ARGUMENTS

# Of the environment, of what `up` was told, and of the defaults the first.
take_settings() {
  local setting name
  read_memory
  for setting in "${settings[@]}"; do
    name=${setting%%=*}
    if [ -z "${!name:-}" ] && ! { [ "$name" = LAMBDA_PORT ] && [ -n "${LAMBDA_PORT+set}" ]; }; then
      was_told "$name" && printf -v "$name" %s "$(told "$name")" || printf -v "$name" %s "${setting#*=}"
    fi
    export "${name?}"
  done
  case $CACHE_BACKEND in stub | momento) ;; *) die "CACHE_BACKEND is $CACHE_BACKEND; expected stub or momento" 2 ;; esac
  case $CACHE_PROTOCOL in grpc | protosocket) ;; *) die "CACHE_PROTOCOL is $CACHE_PROTOCOL; expected grpc or protosocket" 2 ;; esac
}

read_memory() {
  remembered=$(docker volume inspect --format '{{range $name, $value := .Labels}}{{println $name $value}}{{end}}' "$memory" 2>/dev/null) || remembered=''
}

was_told() { grep -q "^$label\.$1 " <<<"$remembered"; }
told() { sed -n "s/^$label\.$1 //p" <<<"$remembered"; }

# Everything as `up` was told it.
take_what_was_told() {
  local setting
  for setting in "${settings[@]}"; do unset "${setting%%=*}"; done
  take_settings
}

# The settings that differ from what `up` was told.
changed_settings() {
  local setting name
  for setting in "${settings[@]}"; do
    name=${setting%%=*}
    [ "${!name}" = "$(told "$name")" ] || echo "$name"
  done
}

keep_settings() {
  local setting name labels=(--label "$project")
  for setting in "${settings[@]}"; do
    name=${setting%%=*}
    labels+=(--label "$label.$name=${!name}")
  done
  docker volume rm "$memory" >/dev/null 2>&1 || true
  docker volume create "${labels[@]}" "$memory" >/dev/null
  find "$copies" -mindepth 1 -maxdepth 1 ! -path "$PROJECT_FOLDER" -exec rm -rf {} +
}

# The template, local.toml and what it names. A name by content: compose sees a
# change, and what runs keeps its own.
copy_project() {
  local files=(template.yaml local.toml seed)
  PROJECT_FOLDER=$copies/project-$(find "${files[@]}" -type f | LC_ALL=C sort | while read -r file; do
    echo "$file"
    cat "$file"
  done | cksum | tr ' ' -)
  mkdir -p "$PROJECT_FOLDER"
  cp -r "${files[@]}" "$PROJECT_FOLDER"
  chmod -R a+rX "$PROJECT_FOLDER"
}
