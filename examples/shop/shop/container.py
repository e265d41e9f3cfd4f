"""How the services of jobs and tasks are made."""

from __future__ import annotations

import lagom
from sqlalchemy.ext.asyncio import AsyncSession

from jtc.jobs import scoped, set_container
from shop.database import open_session

container = lagom.Container()
# Each attempt gets a session of its own, which is closed when the attempt has ended,
# whichever way. `Mailer` and `Reports` need no line: their constructors say it all.
container[AsyncSession] = scoped(open_session)

set_container(container)
