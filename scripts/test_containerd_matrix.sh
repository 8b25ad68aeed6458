#!/bin/bash
# Runs the tests of containerd against the versions that Debian has: bookworm's, which is the one on PATH, trixie's and
# sid's. Those two are unpacked below .toolchain; nothing is installed and the system's apt sources stay as they are.
# Arguments: the suites to take instead of "trixie sid". DEBIAN_MIRROR names a mirror; default: the one that apt uses.
set -euo pipefail
cd "$(dirname "$0")/.."

suites=("$@")
if [ ${#suites[@]} -eq 0 ]; then suites=(trixie sid); fi
# shellcheck disable=SC2016 # apt expands it
mirror=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -m1 '/debian/$' || true)}
if [ -z "$mirror" ]; then
  echo "no Debian mirror found: set DEBIAN_MIRROR to the address of one" >&2
  exit 1
fi

# fetch SUITE: unpacks the suite's containerd into .toolchain/containerd/SUITE
fetch() {
  local suite=$1 folder=$PWD/.toolchain/containerd/$1
  if [ -x "$folder/usr/bin/containerd" ]; then return; fi
  rm -rf "$folder"
  mkdir -p "$folder/apt/lists/partial" "$folder/apt/cache/archives/partial"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$folder/apt/sources.list"
  touch "$folder/apt/status"
  local options=(
    -o "Dir::Etc::sourcelist=$folder/apt/sources.list" -o "Dir::Etc::sourceparts=-"
    -o "Dir::State=$folder/apt" -o "Dir::State::status=$folder/apt/status" -o "Dir::Cache=$folder/apt/cache"
    -o "APT::Sandbox::User=root" -o "Acquire::Languages=none" -qq
  )
  apt-get "${options[@]}" update
  (cd "$folder/apt" && apt-get "${options[@]}" download containerd)
  dpkg -x "$folder"/apt/containerd_*.deb "$folder"
  rm -rf "$folder/apt"
}

status=0
summary=()
# run NAME FOLDER: runs the tests against the programs in FOLDER
run() {
  local version result
  version=$("$2/containerd" --version | cut -d' ' -f3)
  echo "== $1: containerd $version"
  if CONTAINERD_BIN=$2 PATH=$2:$PATH scripts/deno test --allow-all tests/containerd_*_test.ts tests/containerd_test.ts \
    tests/ctr_*_test.ts tests/ctr_test.ts 2>&1 | tee "$log"; then
    result=ok
  else
    result=FAILED
    status=1
  fi
  summary+=("$1 | $version | $result | $(sed 's/\x1b\[[0-9;]*m//g' "$log" | grep -Eo '[0-9]+ passed \| [0-9]+ failed' | tail -1)")
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
run "installed" "$(dirname "$(command -v containerd)")"
for suite in "${suites[@]}"; do
  fetch "$suite"
  run "$suite" "$PWD/.toolchain/containerd/$suite/usr/bin"
done
printf '%s\n' "" "${summary[@]}"
exit "$status"
