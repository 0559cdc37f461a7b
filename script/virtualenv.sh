# Sourced by run and test, from the root of the checkout: `virtualenv FILE` leaves in .venv what
# FILE requires. It does nothing when the same was installed before.

virtualenv() {
    installed=".venv/installed-$1"
    if [ "$(cat "$installed" 2>/dev/null)" = "$(wanted "$1")" ]; then
        return
    fi
    if ! .venv/bin/python -c "$suits" 2>/dev/null; then
        python=$(find_python)
        "$python" -m venv --clear .venv
    fi
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement "$1"
    wanted "$1" >"$installed"
}

suits='import sys, pip, venv; sys.exit(sys.version_info < (3, 11))'
can_make_one='import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))'

# What an up to date .venv was made from: a version of Python, and the requirements.
wanted() {
    .venv/bin/python --version 2>/dev/null || echo "no Python"
    cksum requirements.txt "$1"
}

# The name of a Python that can make a virtualenv; fails and names the package when there is none.
find_python() {
    lacks_venv=
    for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
        if "$candidate" -c "$can_make_one" 2>/dev/null; then
            echo "$candidate"
            return
        fi
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            lacks_venv=${lacks_venv:-$candidate}
        fi
    done
    if [ -n "$lacks_venv" ]; then
        echo "$lacks_venv cannot make a virtualenv. On Debian: apt install $lacks_venv-venv" >&2
    else
        echo "Python 3.11 or later is needed. On Debian 12 and later: apt install python3 python3-venv" >&2
    fi
    return 1
}
