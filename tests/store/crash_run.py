"""Work on a database until killed: `python tests/store/crash_run.py HOME`."""

import sys
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from store.database import Database
from store.dispatcher import Dispatcher
from tests.store.fakes import FakeExecutor


def now() -> datetime:
    return datetime.now(UTC)


def main() -> None:
    database = Database.open(Path(sys.argv[1]), now())
    Dispatcher(database, FakeExecutor(seconds=0.005), now).start()
    sys.stdout.write("started\n")
    sys.stdout.flush()
    time.sleep(60)


if __name__ == "__main__":
    main()
