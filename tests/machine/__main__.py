"""Play seeds on the database of ``DATABASE_URL``, made for this run; print one history a line.

python -m tests.machine SEED …
"""

import json
import sys

import django
from django.core.management import call_command


def main(seeds: list[str]) -> None:
    django.setup()
    from tests.machine.play import play  # its models load after django.setup()

    call_command("migrate", verbosity=0)
    for seed in seeds:
        print(json.dumps(play(int(seed))), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
