#!/bin/sh
# Installs numba and numpy into a folder of their own, builds hedgesim, and compares the three. Arguments: see run.py --help.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH='' cd -- "$here/../.." && pwd)
venv="${CARGO_TARGET_DIR:-$root/target}/compare-venv"
python="${PYTHON:-python3}"

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "python 3.11 or newer is needed (set PYTHON)" >&2; exit 1; }
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"

case " $* " in
    *" --python-only "*) ;;
    *) cargo build --release --locked --manifest-path "$root/Cargo.toml" ;;
esac
PYTHONDONTWRITEBYTECODE=1 exec "$venv/bin/python" "$here/run.py" "$@"
