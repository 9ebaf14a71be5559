# Installs what the tests and the demonstration need. To be sourced from the root by a script with `set -euo pipefail`.
#
# Nothing is installed that is there already. Downloads come from the package registries that the tools are set up with, and what is
# not a system package goes to target/tools.

target=${CARGO_TARGET_DIR:-target}
tools=$target/tools
mkdir -p "$tools"
tools=$(cd "$tools" && pwd)

step() { printf '\n== %s\n' "$*" >&2; }
has() { command -v "$1" >/dev/null 2>&1; }

install_system_packages() {
  local missing=()
  has git || missing+=(git)
  has node || missing+=(nodejs)
  has npm || missing+=(npm)
  has umoci || missing+=(umoci)
  has skopeo || missing+=(skopeo)
  has openssl || missing+=(openssl)
  has cc || missing+=(build-essential)
  has cmake || missing+=(cmake)
  python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3 python3-venv)
  ((${#missing[@]} == 0)) && return
  step "system packages: ${missing[*]}"
  local as_root=()
  ((EUID == 0)) || as_root=(sudo)
  "${as_root[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
}

# The servers need Node 20; the Node of some distributions is older, but brings an npm that can get a newer one.
install_newer_node() {
  node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' && return
  local architecture
  case $(uname -m) in
    aarch64 | arm64) architecture=arm64 ;;
    *) architecture=x64 ;;
  esac
  local package=node-linux-$architecture
  if [[ ! -x $tools/node/node_modules/$package/bin/node ]]; then
    step "Node"
    npm install --prefix "$tools/node" --no-save --ignore-scripts --loglevel=error "$package@22.23.3"
  fi
  PATH=$tools/node/node_modules/$package/bin:$PATH
}

# What is installed keeps a copy of what it was installed from, to see when that changes.
install_node_packages() {
  local installed=$tools/issuers-node
  cmp -s tests/issuers/package-lock.json "$installed/package-lock.json" && [[ -e $installed/complete ]] && return
  step "servers on Node"
  rm -rf "$installed" && mkdir -p "$installed"
  cp tests/issuers/package.json tests/issuers/package-lock.json tests/issuers/.npmrc "$installed"
  npm --prefix "$installed" ci --ignore-scripts --loglevel=error
  touch "$installed/complete"
}

# Usage: install_python_packages NAME REQUIREMENTS PROGRAM TITLE, where PROGRAM is one that the requirements bring.
install_python_packages() {
  local installed=$tools/$1 requirements=$2 program=$3
  # What is installed names its own place, and does not start from another.
  cmp -s "$requirements" "$installed/requirements.txt" && "$installed/bin/$program" --version >/dev/null 2>&1 && return
  step "$4"
  rm -rf "$installed"
  python3 -m venv "$installed"
  "$installed/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements"
  cp "$requirements" "$installed"
}

install_rust_components() {
  cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 && return
  step "rustfmt and clippy"
  rustup component add rustfmt clippy
}
