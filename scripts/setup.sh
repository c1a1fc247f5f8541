#!/usr/bin/env bash
# Installs what pgtrain needs to build and test on Debian or Ubuntu. Asks nothing; does nothing when all is there.
# usage: scripts/setup.sh [--without-libtorch]        (with another LibTorch the distribution's is not needed)
set -euo pipefail

packages=(build-essential cmake ninja-build clang libclang-rt-dev lld ccache clang-format clang-tidy git python3
          libcli11-dev libyaml-cpp-dev nlohmann-json3-dev libspdlog-dev catch2 libicu-dev libssl-dev
          # OpenBLAS: LibTorch alone would bring the reference BLAS, over 100 times slower. The pthread build, not the serial one: the
          # serial one has no locks and gives wrong products when several worker threads call it.
          libopenblas0-pthread)
[[ ${1:-} == --without-libtorch ]] || packages+=(libtorch-dev)

missing=()
for package in "${packages[@]}"; do
  [[ $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) == "install ok installed" ]] || missing+=("$package")
done
if [[ ${#missing[@]} -eq 0 ]]; then
  echo "setup: all packages are installed"
  exit 0
fi

as_root=()
if [[ $(id -u) -ne 0 ]]; then
  command -v sudo >/dev/null || { echo "setup: run as root, or install sudo; missing: ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "setup: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -q
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
