"""The composition root: database, workers and policy, made once per process and shared.

Streamlit runs a page's script again for every click, in a thread of its own; what must exist once
lives here. Workers start with the first picture, so that the first page is quick.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import streamlit as st

from components.recall import archive
from components.release import thumbnails
from components.review.originals_cache import OriginalsCache
from components.upload import staging
from engine.errors import UnusableKeys
from engine.files.home import home as default_home
from engine.metadata.header import megapixels_of
from engine.policy import Policy
from engine.runs.pool import ProcessPool, default_workers
from store.accounts.actor import MACHINE, Actor
from store.database import Database
from store.evaluations import evaluations
from store.exchange.inbox import LeftOut, take_in
from store.policies.versions import in_force
from store.vault import master
from store.worker.dispatcher import Dispatcher


@dataclass(frozen=True, slots=True)
class Services:
    """What pages work with."""

    home: Path
    database: Database
    dispatcher: Dispatcher
    originals_cache: OriginalsCache
    left_out: tuple[LeftOut, ...]
    """Of the inbox, when the process began."""


@st.cache_resource(show_spinner="Opening the database …")
def services() -> Services:
    """The services of this process.

    Raises:
        LetheError: the database cannot be opened, for instance because another Lethe has it.
    """
    named = named_keys()
    if isinstance(named, UnusableKeys):
        raise named
    database = Database.open(home(), now(), environment=named)
    try:
        staging.recover(home() / "staging", database.vault)
        left_out = take_in(MACHINE, database, now())
        if database.is_up_to_date:  # an older one does not know every run
            archive.sweep(home(), evaluations.sources(MACHINE, database))
        dispatcher = Dispatcher(
            database, ProcessPool(default_workers()), now, megapixels_of=megapixels_of
        )
        originals_cache = OriginalsCache()
        database.forgetting.add(originals_cache.clear)
        database.forgetting.add(thumbnails.clear)
        dispatcher.start()
    except BaseException:
        database.close()  # else the next page would say that another Lethe has it open
        raise
    atexit.register(_close, dispatcher, database)
    return Services(home(), database, dispatcher, originals_cache, left_out)


@st.cache_resource
def named_keys() -> Mapping[str, str] | UnusableKeys:
    """What the environment said of the master key, or why it could not be read.

    Taken once per process, however often `services` is tried: no worker, which decodes what
    strangers send, finds it, and a descriptor can be read once.
    """
    try:
        return master.take(os.environ)
    except UnusableKeys as error:
        return error


def database() -> Database:
    """The open database."""
    return services().database


def originals_cache() -> OriginalsCache:
    """The originals reviewers have open."""
    return services().originals_cache


def now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)


def home() -> Path:
    """Where everything this installation keeps lies: `$LETHE_HOME`, or `var`."""
    return default_home()


def policy(actor: Actor) -> Policy:
    """The policy for new batches: `policy.toml` in the home folder, or the default one.

    Raises:
        InvalidPolicy: the file was not accepted, or is gone; the message says why.
    """
    return in_force(actor, database())


def _close(dispatcher: Dispatcher, database: Database) -> None:
    dispatcher.stop(patience_s=2.0)
    database.close()
