#!/bin/sh
# Brings the real binaries that the tests read (kernels, firmware, C libraries of many machines) from Debian's
# packages into .tmp/fixtures. Downloads only what is missing, about 70 MB in all; the system's packages and apt's
# lists stay as they are.
#
# Usage: scripts/fixtures.sh [NAME...]     all files, or only these
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
cache=$root/.tmp/fixtures

# name, architecture of the package, package, path inside it (a pattern).
# A package name that ends in "->" is a meta package: the real one is what it depends on.
catalogue() {
  cat <<'LIST'
amd64-bzImage amd64 linux-image-cloud-amd64-> boot/vmlinuz-*
arm64-Image arm64 linux-image-cloud-arm64-> boot/vmlinuz-*
arm64-module.ko arm64 linux-image-cloud-arm64-> lib/modules/*/kernel/lib/crc-itu-t.ko
arm64-u-boot.elf amd64 u-boot-qemu usr/lib/u-boot/qemu_arm64/uboot.elf
arm-u-boot.elf amd64 u-boot-qemu usr/lib/u-boot/qemu_arm/uboot.elf
riscv64-u-boot.elf amd64 u-boot-qemu usr/lib/u-boot/qemu-riscv64/uboot.elf
riscv64-opensbi.elf amd64 opensbi usr/lib/riscv64-linux-gnu/opensbi/generic/fw_jump.elf
amd64-boot.efi amd64 systemd-boot-efi usr/lib/systemd/boot/efi/systemd-bootx64.efi
arm64-boot.efi arm64 systemd-boot-efi usr/lib/systemd/boot/efi/systemd-bootaa64.efi
libc-amd64.so amd64 libc6 lib/x86_64-linux-gnu/libc.so.6
libc-x32.so amd64 libc6-x32-cross usr/x86_64-linux-gnux32/lib*/libc.so.6
libc-i386.so amd64 libc6-i386-cross usr/i686-linux-gnu/lib/libc.so.6
libc-arm64.so amd64 libc6-arm64-cross usr/aarch64-linux-gnu/lib/libc.so.6
libc-armhf.so amd64 libc6-armhf-cross usr/arm-linux-gnueabihf/lib/libc.so.6
libc-riscv64.so amd64 libc6-riscv64-cross usr/riscv64-linux-gnu/lib/libc.so.6
libc-ppc64el.so amd64 libc6-ppc64el-cross usr/powerpc64le-linux-gnu/lib/libc.so.6
libc-ppc64.so amd64 libc6-ppc64-cross usr/powerpc64-linux-gnu/lib/libc.so.6
libc-powerpc.so amd64 libc6-powerpc-cross usr/powerpc-linux-gnu/lib/libc.so.6
libc-s390x.so amd64 libc6-s390x-cross usr/s390x-linux-gnu/lib/libc.so.6
libc-mips64el.so amd64 libc6-mips64el-cross usr/mips64el-linux-gnuabi64/lib/libc.so.6
libc-mips64.so amd64 libc6-mips64-cross usr/mips64-linux-gnuabi64/lib/libc.so.6
libc-mipsel.so amd64 libc6-mipsel-cross usr/mipsel-linux-gnu/lib/libc.so.6
libc-mips.so amd64 libc6-mips-cross usr/mips-linux-gnu/lib/libc.so.6
libc-sparc64.so amd64 libc6-sparc64-cross usr/sparc64-linux-gnu/lib/libc.so.6
LIST
}

fail() {
  echo "fixtures: $*" >&2
  exit 1
}

wanted() { # NAME ARGUMENTS...: whether NAME is among them, or there are none
  name=$1
  shift
  [ $# -eq 0 ] && return 0
  for one in "$@"; do [ "$one" = "$name" ] && return 0; done
  return 1
}

for name in "$@"; do
  catalogue | cut -d' ' -f1 | grep -qxF -e "$name" || fail "there is no fixture \"$name\"; the names stand in $0"
done

missing=$(catalogue | while read -r name rest; do
  wanted "$name" "$@" || continue
  [ -s "$cache/$name" ] || echo "$name $rest"
done)
[ -n "$missing" ] || exit 0

for tool in apt-get apt-cache dpkg-deb; do
  command -v "$tool" >/dev/null || fail "$tool is missing: the real binaries come from Debian's packages"
done

mkdir -p "$cache"
scratch=$(mktemp -d "$cache/.scratch.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM
# Everything of apt lies in the scratch folder, so that no rights of root are needed.
mkdir -p "$scratch/lists/partial" "$scratch/archives/partial" "$scratch/deb" "$scratch/tree"
cat >"$scratch/apt.conf" <<CONF
APT::Architecture "amd64";
APT::Architectures { "amd64"; "arm64"; };
APT::Sandbox::User "";
Dir::State "$scratch";
Dir::State::lists "$scratch/lists";
Dir::State::status "/dev/null";
Dir::Cache "$scratch";
Dir::Cache::archives "$scratch/archives";
Acquire::Languages "none";
Acquire::Retries "3";
CONF
export APT_CONFIG="$scratch/apt.conf" DEBIAN_FRONTEND=noninteractive

echo "fixtures: reading Debian's package lists" >&2
# A source of somebody else may be out of order; what counts is whether the packages are found.
apt-get -qq update 2>"$scratch/log" || true

# The real package behind each entry.
plan=$(echo "$missing" | while read -r name architecture package pattern; do
  case $package in *'->')
    package=${package%->}
    real=$(apt-cache depends --important "$package:$architecture" 2>>"$scratch/log" |
      sed -n 's/^ *Depends: \([^ :<>]*\).*/\1/p' | head -n 1)
    [ -n "$real" ] || fail "package $package ($architecture) is not in apt's sources: $(tail -n 3 "$scratch/log")"
    package=$real
    ;;
  esac
  echo "$name $architecture $package $pattern"
done)

packages=$(echo "$plan" | awk '{ print $3 ":" $2 }' | sort -u)
echo "fixtures: downloading $(echo "$packages" | wc -l) packages" >&2
# One call, because apt reads its lists anew each time. Package names hold no blanks.
# shellcheck disable=SC2086
(cd "$scratch/deb" && apt-get -qq download $packages) >>"$scratch/log" 2>&1 ||
  fail "a package cannot be downloaded: $(grep '^E:' "$scratch/log" || tail -n 3 "$scratch/log")"

echo "$plan" | while read -r name architecture package pattern; do
  tree=$scratch/tree/${package}_$architecture
  if [ ! -d "$tree" ]; then
    mkdir "$tree"
    for deb in "$scratch/deb/${package}"_*_"$architecture.deb" "$scratch/deb/${package}"_*_all.deb; do
      [ ! -f "$deb" ] || dpkg-deb -x "$deb" "$tree"
    done
  fi
  file=$(find "$tree" -path "$tree/$pattern" | sort | head -n 1)
  [ -n "$file" ] || fail "package $package ($architecture) has no file $pattern"
  cp -L "$file" "$scratch/$name"
  chmod 0644 "$scratch/$name"
  # Into place in one step, so that a file that is there is whole.
  mv -f "$scratch/$name" "$cache/$name"
done
