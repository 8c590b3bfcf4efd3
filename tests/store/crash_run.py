"""Work on a database until killed, a line per picture: `python tests/store/crash_run.py HOME`."""

import sys
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from engine.runs.jobs import Outcome, Work
from store.database import Database
from store.worker.dispatcher import Dispatcher
from tests.store.fakes import FakeExecutor, by_content


def now() -> datetime:
    return datetime.now(UTC)


def announced(job: Work) -> Outcome:
    sys.stdout.write("a picture is done\n")
    sys.stdout.flush()
    return by_content(job)


def main() -> None:
    database = Database.open(Path(sys.argv[1]), now())
    Dispatcher(database, FakeExecutor(announced, seconds=0.005), now).start()
    time.sleep(60)


if __name__ == "__main__":
    main()
