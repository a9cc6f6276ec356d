# shellcheck shell=bash
# Sourced by docker/pipeline: messages, and programs that a signal ends.

# The terminal may be gone.
say() { printf '%s\n' "$*" >&2 || true; }
die() { say "error: $1"; exit "${2:-1}"; }

# The process group that is under way, and the container that goes with this.
child=''
emulator=''

clean() {
  if [ -n "$emulator" ]; then
    end_child
    docker rm --force "$emulator" >/dev/null 2>&1 || true
  fi
  rm -rf "$scratch"
}

# Runs a program, its output in $said, in a process group of its own: bash
# answers a signal at once while it waits, and can end all of the group.
begin() {
  set -m
  "$@" >"$said" 2>&1 </dev/null &
  child=$!
  set +m
}

# The exit code of what was begun.
finish() {
  local code=0
  wait "$child" || code=$?
  child=''
  return "$code"
}

end_child() {
  [ -n "$child" ] || return 0
  kill -TERM -- "-$child" 2>/dev/null || true
  local _
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    kill -0 -- "-$child" 2>/dev/null || break
    sleep 0.2
  done
  kill -KILL -- "-$child" 2>/dev/null || true
  wait "$child" 2>/dev/null || true
  child=''
}

# Runs a function in a process group of its own, and passes signals on: Ctrl-C
# would otherwise end the docker command that it runs at the moment, which looks
# like a failure.
apart() {
  local worker='' caught='' code=0
  trap 'caught=INT; pass_on' INT
  trap 'caught=TERM; pass_on' TERM
  trap 'caught=HUP; pass_on' HUP
  set -m
  (
    trap - EXIT
    "$@"
  ) </dev/null &
  worker=$!
  set +m
  [ -z "$caught" ] || pass_on
  # A signal ends a `wait`, but not yet the worker.
  while kill -0 "$worker" 2>/dev/null; do wait "$worker" || true; done
  wait "$worker" || code=$?
  return "$code"
}

# Sees the variables of `apart`.
pass_on() { [ -z "$worker" ] || kill "-$caught" "$worker" 2>/dev/null || true; }

# Runs quietly; prints the end of the output if it fails.
quietly() {
  local what=$1
  shift
  say "  $what …"
  begin "$@"
  finish || {
    tail -n 40 "$said" >&2
    die "$what failed: the end of its output is above"
  }
}

find_tools() {
  local instead='just dev runs the same pipeline without Docker' answer
  command -v docker >/dev/null ||
    die "the program docker was not found; $instead" 2
  answer=$(docker version --format '{{.Server.Version}}' 2>&1) || case $answer in
    *'permission denied'*)
      die "this user may not use the Docker engine (${answer##*$'\n'})
hint: sudo usermod -aG docker \"\$USER\" and a new login allow it; $instead" 2 ;;
    *) die "no Docker engine answers (${answer##*$'\n'})
hint: start one; $instead" 2 ;;
  esac
  if docker compose version >/dev/null 2>&1; then
    compose=(docker compose)
  elif command -v docker-compose >/dev/null; then
    compose=(docker-compose)
  else
    die "neither 'docker compose' nor docker-compose was found; $instead" 2
  fi
}

compose() { "${compose[@]}" "$@"; }
