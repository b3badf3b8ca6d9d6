"""A small world for the laws of orders."""

import os

import pytest

from crossdock.foundation.db import Database
from crossdock.foundation.vault import Vault
from orders.kit import World


@pytest.fixture
def world(database: Database) -> World:
    return World(database, Vault(os.urandom(32)))
