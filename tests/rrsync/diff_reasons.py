# SPDX-License-Identifier: LGPL-2.1-or-later
"""What our rrsync refuses although the stock script accepts it, and why.

Each is a name, a test of (options, command, our message), and stands for lines that
no rsync client sends, or that rsync itself would refuse a moment later.
"""

import re

# Refusals that have nothing of the command line to name.
NAMELESS = (b'does not run rsync', b'--server option is not the first', b'read-only server',
	b'write-only server', b'no . behind the options')

REASONS = (
	('a value for an option that takes none, which rsync refuses too',
		lambda line, message: re.search(rb'syntax or options: --[\w-]+=', message)),
	('letters or digits beyond ASCII in a short option, which no client sends',
		lambda line, message: re.search(rb'syntax or options: -[^-].*\\x[89a-f]', message)),
	('a wildcard with [^ or [[, which the two read in different ways',
		lambda line, message: b'a wildcard that begins with [^ or [[' in message
			and re.search(rb'\[\\*[\[^]', line.command)),
)


def reason_for(line, message):
	"""The reason's name, or None."""
	for name, matches in REASONS:
		if matches(line, message):
			return name
	return None
