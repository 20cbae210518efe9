"""Print a month of a tide gauge's readings, one JSON object a line, some of them faulty."""

import json
import random
from math import cos, tau

MOON = (1.00, 12.4206012)  # metres, hours
SUN = (0.35, 12.0)
NOISE = 0.05  # metres
DAYS = 30
READINGS_PER_HOUR = 2


def main() -> None:
    # Seeded, so that every build has the same data.
    chance = random.Random(1)
    for reading in range(DAYS * 24 * READINGS_PER_HOUR):
        hour = reading / READINGS_PER_HOUR
        level = sum(height * cos(tau * hour / period) for height, period in (MOON, SUN))
        faulty = chance.random() < 0.02
        level = 9.999 if faulty else round(level + chance.gauss(0, NOISE), 3)
        print(json.dumps({"hour": hour, "level": level, "flag": "bad" if faulty else "good"}))


if __name__ == "__main__":
    main()
