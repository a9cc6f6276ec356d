# shellcheck shell=bash
# Sourced by docker/pipeline: messages, and programs that a signal ends.

# The terminal may be gone.
say() { printf '%s\n' "$*" >&2 || true; }
die() { say "error: $1"; exit "${2:-1}"; }

child=''

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
