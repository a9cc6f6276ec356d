# shellcheck shell=bash
# Sourced by docker/pipeline: the images.

need_image() { # IMAGE VARIABLE
  docker image inspect "$1" >/dev/null 2>&1 && return
  say "  pulling $1 …"
  begin docker pull --quiet "$1"
  finish || die "the image $1 is not here and cannot be pulled: $(tail -n 1 "$said")
hint: $2=IMAGE names another image"
}

build_images() {
  local image
  need_image "$LAMBDA_BASE_IMAGE" LAMBDA_BASE_IMAGE
  need_image "$RUNTIME_BASE_IMAGE" RUNTIME_BASE_IMAGE
  case $BINARIES in
    docker)
      need_image "$BUILDER_IMAGE" BUILDER_IMAGE
      quietly 'compiling in Docker (minutes, the first time)' docker build --force-rm \
        --file docker/binaries.Dockerfile --build-arg BUILDER_IMAGE="$BUILDER_IMAGE" \
        --build-arg PROFILE="$CARGO_PROFILE" --tag "$BINARIES_IMAGE" .
      ;;
    host) package_host_binaries ;;
    *) die "BINARIES is $BINARIES; expected docker or host" 2 ;;
  esac
  for image in consumer local producer; do
    quietly "building the image $image" docker build --force-rm --target "$image" \
      --build-arg BINARIES_IMAGE="$BINARIES_IMAGE" --build-arg LAMBDA_BASE_IMAGE="$LAMBDA_BASE_IMAGE" \
      --build-arg RUNTIME_BASE_IMAGE="$RUNTIME_BASE_IMAGE" --tag "kinesis-momento-rust/$image" docker
  done
}

package_host_binaries() {
  [ "$(uname -s)" = Linux ] ||
    die "BINARIES=host packages Linux binaries, and this is $(uname -s)
hint: compile in Docker with BINARIES=docker" 2
  local binaries=${CARGO_TARGET_DIR:-target}/$CARGO_PROFILE context=$scratch/binaries program
  [ "$CARGO_PROFILE" != dev ] || binaries=${CARGO_TARGET_DIR:-target}/debug
  quietly "compiling with cargo ($CARGO_PROFILE)" cargo build --quiet --locked --profile "$CARGO_PROFILE" \
    --bin bootstrap --bin klocal --bin producer
  mkdir "$context"
  for program in bootstrap klocal producer; do
    cp "$binaries/$program" "$context"
    # The containers' user is not the owner, whatever the umask is here.
    chmod 755 "$context/$program"
  done
  quietly 'packaging the binaries' docker build --force-rm --file docker/host.Dockerfile --tag "$BINARIES_IMAGE" "$context"
  rm -rf "$context"
}
