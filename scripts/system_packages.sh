#!/usr/bin/env bash
# Makes sure that programs from outside Python and npm are there: installs them on Debian as
# root, and elsewhere says what to install.
#
# usage: system_packages.sh PROGRAM…     of: java mvn chromium node venv:PYTHON
set -euo pipefail

packages=()
missing=()

need() {  # PROGRAM PACKAGE...
  missing+=("$1")
  packages+=("${@:2}")
}

node_is_recent() {
  node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null
}

for program in "$@"; do
  case "$program" in
    java)     command -v java >/dev/null || need "Java 17" openjdk-17-jre-headless ;;
    mvn)      command -v mvn >/dev/null || need Maven maven ;;
    chromium) command -v chromium >/dev/null || need Chromium chromium ;;
    venv:*)   "${program#venv:}" -c 'import ensurepip, venv' 2>/dev/null || need "Python's venv" python3-venv ;;
    node)
      if ! node_is_recent || ! command -v npm >/dev/null; then
        # Distributions lag behind: no package is good enough everywhere.
        echo "The console needs Node.js 20.19 or later with npm; found: $(node --version 2>/dev/null || echo none)." >&2
        echo "Install it (https://nodejs.org), then run make again." >&2
        exit 1
      fi ;;
    *) echo "unknown program: $program" >&2; exit 2 ;;
  esac
done

[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing ${packages[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
  exit 0
fi

echo "Missing: ${missing[*]}. Install them, then run make again (Debian: sudo apt-get install ${packages[*]})." >&2
exit 1
