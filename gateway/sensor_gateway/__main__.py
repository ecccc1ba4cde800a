"""``python -m sensor_gateway``: the same as the command ``sensor-gateway``."""

import sys

from sensor_gateway.cli.main import main

sys.exit(main())
