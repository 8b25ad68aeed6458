#!/bin/bash
# The basic functionality of the bima on PATH, against the containerd that bima and ctr find (CONTAINERD_ADDRESS names
# its socket). Prints one line for each case, OK or Error, and stops at the first error. Needs the rights to use that
# containerd; the images are removed again.
set -uo pipefail

export BIMA_LOG=${BIMA_LOG:-fatal}
unset CONTAINERD_NAMESPACE
kernel=$(cd "$(dirname "$0")/.." && pwd)/examples/hello/hello.elf
name=testimage
tag=$(git -C "$(dirname "$0")" describe --dirty --long --always 2>/dev/null || echo untagged)
image=bima/$name:$tag
width=46

folder=$(mktemp -d)
remove() {
  ctr -n "$1" images rm "docker.io/$image" >/dev/null 2>&1
}
cleanup() {
  remove default
  remove testns
  rm -rf "$folder"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# result CASE TEXT: one line, the text at its right end
result() {
  printf '%s:%*s\n' "$1" $((width - ${#1} - 1)) "$2"
}

# check CASE COMMAND...: what the command prints must name the image
check() {
  local case=$1
  shift
  if "$@" | grep -- "$name" | grep -qF -- "$tag"; then
    result "$case" OK
  else
    result "$case" Error
    exit 1
  fi
}

cd "$folder" || exit 1
cp "$kernel" kernel.elf
mkdir -p data/conf
echo "appendonly no" >data/conf/redis.conf
cat >Tempfile <<'CONTAINERFILE'
FROM scratch
COPY kernel.elf /unikernel/kernel.elf
COPY data /data/
LABEL "com.urunc.unikernel.cmdline"='{"cmdline":"redis-server /data/conf/redis.conf",\
"net":{"if":"ukvmif0","type":"inet","method":"static","addr":"10.0.66.2","mask":"24","gw":"10.0.66.1"},\
"blk":{"source":"etfs","path":"/dev/ld0a","fstype":"blk","mountpoint":"/data"}}'
LABEL "com.urunc.unikernel.unikernelType"="rumprun"
LABEL "com.urunc.unikernel.hypervisor"="hvt"
LABEL com.urunc.unikernel.binary=/unikernel/kernel.elf
CONTAINERFILE

echo "Running basic functionality tests..."
echo

bima build -t "$image" --tar -f Tempfile . >/dev/null
check "Build tarball" ls
rm -f "$name:$tag"

bima build -t "$image" -f Tempfile . >/dev/null
check "Import image in containerd" ctr images ls -q
remove default

bima build -t "$image" -n testns -f Tempfile . >/dev/null
check "Import image in namespace" ctr -n testns images ls -q
remove testns

bima build -t "$image" --snapshotter overlayfs -f Tempfile . >/dev/null
check "Import image with custom snapshotter" ctr images ls -q
