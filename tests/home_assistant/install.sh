#!/bin/sh
# Installs Home Assistant into a virtual environment of its own (about 600 MB, 2 to 5 minutes):
#   tests/home_assistant/install.sh DIRECTORY [PYTHON]
# PYTHON is a Python 3.13, by default python3.13. Then:
#   HOME_ASSISTANT_PYTHON=DIRECTORY/bin/python .venv/bin/python -m pytest -m home_assistant tests/home_assistant
set -eu

directory=${1:?usage: install.sh DIRECTORY [PYTHON]}
python=${2:-python3.13}

"$python" -m venv "$directory"
"$directory/bin/python" -m pip install --quiet --prefer-binary \
    homeassistant==2025.4.4 paho-mqtt==2.1.0 aiohttp_cors==0.7.0 janus
"$directory/bin/python" -c 'import homeassistant.const; print("Home Assistant", homeassistant.const.__version__)'
