#!/bin/sh
# Installs bima: downloads the executable for this machine, compares its checksum, and puts it into place.
#
#   curl -fsSL "$BASE/install.sh" | BIMA_BASE_URL="$BASE" sh
#
# BIMA_BASE_URL   where the files of a release are: bima_amd64, bima_aarch64, SHA256SUMS (required)
# PREFIX          bima goes into PREFIX/bin; default: /usr/local
set -eu

fail() {
  echo "install.sh: $1" >&2
  if [ $# -gt 1 ]; then echo "  hint: $2" >&2; fi
  exit 1
}

# download URL FILE
download() {
  if command -v curl >/dev/null 2>&1; then
    curl -fsSL -o "$2" "$1"
  else
    wget -q -O "$2" "$1"
  fi || fail "cannot download $1" "see that BIMA_BASE_URL is the folder of a release"
}

# sha256_of FILE
sha256_of() {
  if command -v sha256sum >/dev/null 2>&1; then
    sha256sum "$1"
  else
    shasum -a 256 "$1"
  fi | cut -d ' ' -f 1
}

# In a function, so that nothing happens when only the beginning of this script arrives.
main() {
  base=${BIMA_BASE_URL:-}
  base=${base%/}
  bin=${PREFIX:-/usr/local}/bin
  [ -n "$base" ] ||
    fail "BIMA_BASE_URL is not set" "set it to the folder of a release, for example https://HOST/bima/latest"

  system=$(uname -s)
  machine=$(uname -m)
  case $system-$machine in
    Linux-x86_64 | Linux-amd64) name=bima_amd64 ;;
    Linux-aarch64 | Linux-arm64) name=bima_aarch64 ;;
    *)
      fail "there is no bima for $system on $machine, only for Linux on x86_64 and aarch64" \
        "with Deno it runs anywhere: deno run $base/bima.js"
      ;;
  esac
  command -v curl >/dev/null 2>&1 || command -v wget >/dev/null 2>&1 ||
    fail "needs curl or wget to download bima, and finds neither"
  command -v sha256sum >/dev/null 2>&1 || command -v shasum >/dev/null 2>&1 ||
    fail "needs sha256sum or shasum to check what it downloads, and finds neither"

  [ ! -d "$bin/bima" ] || fail "cannot install $bin/bima: it is a folder"
  # The folder that is there already and that everything else goes into: what is made in it can be removed whole.
  parent=$bin
  while [ ! -e "$parent" ]; do parent=$(dirname "$parent"); done
  folder=$(mktemp -d "$parent/.bima.XXXXXX" 2>/dev/null) ||
    fail "cannot write to $parent" "use sudo, or another PREFIX, such as \$HOME/.local"
  trap 'rm -rf "$folder"' EXIT
  trap 'exit 1' INT TERM HUP

  download "$base/SHA256SUMS" "$folder/SHA256SUMS"
  expected=$(awk -v name="$name" '$2 == name || $2 == "*" name { print $1 }' "$folder/SHA256SUMS")
  [ "${#expected}" -eq 64 ] || fail "$base/SHA256SUMS has no checksum of $name"
  echo "downloading $base/$name"
  download "$base/$name" "$folder/bima"
  found=$(sha256_of "$folder/bima")
  [ "$found" = "$expected" ] ||
    fail "the checksum of $base/$name is wrong: expected $expected, found $found" "nothing was installed; try again later"

  chmod 0755 "$folder/bima"
  version=$("$folder/bima" version) ||
    fail "$name does not run on this machine" "it needs the GNU C library 2.27 or newer; nothing was installed"
  mkdir -p "$bin"
  mv -f "$folder/bima" "$bin/bima"
  echo "installed $bin/bima: $version"
  case ":$PATH:" in
    *":$bin:"*) ;;
    *) echo "note: $bin is not in PATH" ;;
  esac
}

main
